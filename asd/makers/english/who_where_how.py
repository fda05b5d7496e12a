"""Who, where and how questions as statements, and questions that keep the order of a statement."""

from __future__ import annotations

from collections.abc import Sequence

from asd.lazy_regex import regex
from asd.makers.english import lexicon as lex
from asd.makers.english.clauses import affirm, read_clause, subject_agrees
from asd.makers.english.gaps import is_modifier, is_plural_subject, lacks_article
from asd.makers.english.phrases import (
    answer_noun_phrase,
    chunks,
    full_noun_phrase_end,
    is_finite_verb,
    is_whole_noun_phrase,
    noun_phrase_end,
    predicate_start,
)
from asd.makers.english.query import Query, join_words

_MEASURE = regex(
    r"^(?:about |around |over |approximately )?(?:\d[\d.,/]*|" + "|".join(sorted(lex.NUMBER_WORDS)) + r") "
    r"(?:feet|foot|ft|inch|inches|in|meters?|metres?|cm|mm|km|m|miles?|yards?|years?|months?|weeks?|days?"
    r"|hours?|minutes?"
    r"|seconds?|stories|blocks?)(?: old| tall| long| high| wide| deep)?$"
)


_PASSIVE = {
    "wrote": "was written by",
    "made": "was made by",
    "published": "was published by",
    "designed": "was designed by",
    "directed": "was directed by",
    "painted": "was painted by",
    "built": "was built by",
    "created": "was created by",
    "makes": "is made by",
    "sponsors": "is sponsored by",
    "owns": "is owned by",
    "manufactures": "is manufactured by",
    "produces": "is produced by",
    "sponsored": "was sponsored by",
    "manufactured": "was manufactured by",
    "illustrated": "was illustrated by",
    "produced": "was produced by",
    "publishes": "is published by",
    "took": "was taken by",
}


def who_question(q: Query) -> str | None:
    """As in "Who is wearing a hat?" -> "The woman is wearing a hat."; "Who wrote X?" -> "X was written by
    ..."."""
    if len(q.words) < 3 or "or" in q.words or any(word in lex.FIRST_OR_SECOND_PERSON for word in q.words):
        return None
    if q.words[1] in _PASSIVE:
        return _passive(q)
    if q.words[1] in ("is", "are", "was"):
        return _who_be(q)
    if is_finite_verb(q.words[1]) and is_whole_noun_phrase(q.words, 2):
        person = _person(q.answer)
        return None if person is None or person[1] else join_words(person[0], q.shown[1:])
    return None


def _passive(q: Query) -> str | None:
    thing = q.words[2:]
    if not is_whole_noun_phrase(thing, 0) or full_noun_phrase_end(thing, 0) != len(thing):
        return None
    if lex.word_class(thing[0]) not in "DS" or is_plural_subject(thing):
        return None
    return join_words(q.shown[2:], _PASSIVE[q.words[1]], q.answer)


def _who_be(q: Query) -> str | None:
    rest, shown = q.words[2:], q.shown[2:]
    kind = lex.word_class(rest[0])
    if kind in "GEP" and (is_modifier(rest)):
        person = _person(q.answer)
        if person is None or any(part.open for part in chunks(rest, 0)):
            return None
        if person[1] and not {"a", "an"}.isdisjoint(rest) and rest[0] == "wearing":
            return None  # "The men are wearing a hat."
        be = {"is": "are", "are": "are", "was": "were"}[q.words[1]] if person[1] else q.words[1]
        return join_words(person[0], "is" if be == "are" and not person[1] else be, shown)
    if kind in "DS" and rest[0] not in lex.DEMONSTRATIVES and is_whole_noun_phrase(rest, 0):
        return _who_is_role(q, rest, shown)
    return None


_ROLES = lex.word_table(
    "author publisher writer editor director artist manufacturer maker sponsor photographer illustrator"
    " translator composer owner designer"
)


def _who_is_role(q: Query, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "Who is the author of this book?" -> "The author of this book is ..."."""
    if rest[noun_phrase_end(rest, 0) - 1] not in _ROLES or q.words[1] == "are":
        return None
    return join_words(shown, q.words[1], q.answer)


def _person(answer: str) -> tuple[str, bool] | None:
    """("the woman", False), ("the people", True); None for names and unknown words."""
    low = answer.lower()
    if low in ("no one", "nobody", "everyone", "someone"):
        return (answer, False)
    noun = answer_noun_phrase(answer, "the")
    if noun is None or noun.number == "mass" or low in lex.FIRST_OR_SECOND_PERSON:
        return None
    return (noun.text, noun.number == "plural")


_PLACES = lex.word_table("outside inside outdoors indoors upstairs downstairs")


def where_question(q: Query) -> str | None:
    """As in "Where is the cat?" + on the table -> "The cat is on the table."."""
    if q.words[1] not in lex.BE_FORMS or len(q.words) < 3 or "or" in q.words:
        return None
    rest, shown = q.words[2:], q.shown[2:]
    if any(word in lex.FIRST_OR_SECOND_PERSON for word in rest) or not _is_place_answer(q.low):
        return None
    if lex.word_class(rest[0]) not in "DSON" or not subject_agrees(q.words[1], rest):
        return None
    if is_whole_noun_phrase(rest, 0) and full_noun_phrase_end(rest, 0) == len(rest):
        return join_words(shown, q.words[1], q.answer)
    start = predicate_start(rest, 0)
    if start is None or lex.word_class(rest[start]) not in "GE" or rest[-1] in lex.PREPOSITIONS:
        return None
    return join_words(shown[:start], q.words[1], shown[start:], q.answer)


def _is_place_answer(low: str) -> bool:
    words = low.split()
    if low in _PLACES:
        return True
    if lex.word_class(words[0]) != "P" or len(words) < 2 or words[0] in ("of", "about", "like", "than"):
        return False
    parts = chunks(words, 0)
    if any(part.kind != "P" or part.open for part in parts):
        return False
    return not any(lacks_article(_object_of(words[part.start : part.end])) for part in parts)


def _object_of(words: Sequence[str]) -> Sequence[str]:
    start = next((k for k, word in enumerate(words) if lex.word_class(word) != "P"), len(words) - 1)
    return words[start:]


def how_question(q: Query) -> str | None:
    """As in "How is the weather?" + sunny; "How tall is the building?" + short / 20 feet; "How much does
    it cost?" + $5."""
    if len(q.words) < 4 or "or" in q.words or any(word in lex.FIRST_OR_SECOND_PERSON for word in q.words):
        return None
    if q.words[1] in lex.BE_FORMS:
        rest, shown = q.words[2:], q.shown[2:]
        if is_whole_noun_phrase(rest, 0) and lex.word_class(rest[0]) in "DS" and _is_quality(q.low):
            return join_words(shown, q.words[1], q.answer) if full_noun_phrase_end(rest, 0) == len(rest) else None
        return None
    if q.words[1] in ("old", "tall", "long", "big", "large", "high", "wide", "deep") and q.words[2] in lex.BE_FORMS:
        return _how_adjective(q)
    if q.words[1] == "does" and q.words[-1] in ("look", "appear") and _is_quality(q.low):
        clause = read_clause(q.words[1:], q.shown[1:])
        affirmed = None if clause is None else affirm(clause)
        return None if affirmed is None else f"{affirmed} {q.answer}"
    return None


def _is_quality(low: str) -> bool:
    return all(map(lex.is_adjective, low.replace(" and ", " ").split()))


def _how_adjective(q: Query) -> str | None:
    rest, shown = q.words[3:], q.shown[3:]
    if not rest or not is_whole_noun_phrase(rest, 0) or not subject_agrees(q.words[2], rest):
        return None
    if q.low == q.words[1]:
        return None
    if _is_quality(q.low) and full_noun_phrase_end(rest, 0) == len(rest):
        return join_words(shown, q.words[2], q.answer)
    if not _MEASURE.match(q.low):
        return None
    adjective = "" if q.low.split()[-1] == q.words[1] else q.words[1]
    return join_words(shown, q.words[2], q.answer, adjective)


def which_side_question(q: Query) -> str | None:
    """As in "On which side of the photo is the man?" + left -> "The man is on the left side of the
    photo."."""
    if q.words[0] != "on" or q.words[1] not in ("which", "what") or q.words[2:5] != ("side", "of", "the"):
        return None
    if q.low not in ("left", "right") or len(q.words) < 8 or q.words[6] not in ("is", "are"):
        return None
    rest = q.words[7:]
    if not is_whole_noun_phrase(rest, 0):
        return None
    return join_words(q.shown[7:], q.words[6], "on the", q.answer, q.shown[3:6])


def statement_question(q: Query) -> str | None:
    """As in "The person is riding what?" -> "The person is riding a motorcycle."."""
    if q.words[-1] != "what" or len(q.words) < 4 or q.words.count("what") > 1:
        return None
    end = full_noun_phrase_end(q.words, 0)
    if end == 0 or end >= len(q.words) - 1 or q.words[end] not in ("is", "are"):
        return None
    last = q.words[-2]
    if lex.word_class(last) != "P" and not lex.takes_object(last) and lex.word_class(last) != "G":
        return None
    noun = answer_noun_phrase(q.answer, "" if last in ("playing", "eating") else "a")
    if noun is None or last in ("doing", "called"):
        return None
    return join_words(q.shown[:-1], noun.text)
