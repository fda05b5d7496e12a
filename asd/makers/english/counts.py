"""Counting questions as statements: "How many dogs are there?" + 3 becomes "There are 3 dogs."."""

from __future__ import annotations

from collections.abc import Sequence

from asd.lazy_regex import regex
from asd.makers.english import lexicon as lex
from asd.makers.english.clauses import inflect_verb, read_clause
from asd.makers.english.gaps import OBJECT_VERBS, is_modifier, is_place, is_plural_subject, object_gap
from asd.makers.english.phrases import chunks, full_noun_phrase_end, noun_phrase_end
from asd.makers.english.query import Query, join_words

_NUMBER = regex(r"^\d{1,3}(?:,?\d{3})*(?:\.\d+)?$")


def how_many_question(q: Query) -> str | None:
    """As in "How many dogs are there?" + 3 -> "There are 3 dogs."; "... does he have?" -> "He has 3
    dogs."."""
    if q.words[1] != "many" or not _is_count(q.low):
        return None
    end = _counted_end(q.words)
    if end is None:
        return None
    is_single = q.low in ("1", "one")
    counted = _counted(q.words[2:end], q.shown[2:end], is_single)
    if counted is None:
        return None
    rest, rest_shown = q.words[end:], q.shown[end:]
    if is_single and any(word in ("their", "them", "they", "themselves") for word in rest):
        return None
    return _count_sentence(q, counted, is_single, rest, rest_shown)


def _is_count(low: str) -> bool:
    return bool(_NUMBER.match(low)) or low in lex.NUMBER_WORDS or low in ("many", "several")


def _counted_end(words: Sequence[str]) -> int | None:
    """Where the counted noun phrase ends: at the verb, or at the end of an elliptical question."""
    end = full_noun_phrase_end(words, 2)
    if end == 2:
        return None
    while end < len(words) and lex.word_class(words[end]) == "P" and words[end] == "of":
        return None
    return end


def _counted(words: Sequence[str], shown: Sequence[str], is_single: bool) -> str | None:
    """The counted noun phrase, in the singular after "1": "people" -> "person"."""
    head = noun_phrase_end(words, 0)
    if head == 0 or (words[0] in lex.DETERMINERS and words[0] not in ("other", "more")):
        return None
    number = lex.noun_number(words[head - 1])
    if any(lex.noun_number(words[k]) == "plural" and words[k + 1] != "and" for k in range(head - 1)):
        return None
    if not is_single:
        return join_words(shown) if number == "plural" or words[head - 1] in lex.PAIRED else None
    single = lex.singular(words[head - 1]) if number == "plural" else None
    if single is None or "and" in words[:head] or words[0] in ("other", "more"):
        return None
    return join_words(shown[: head - 1], single, shown[head:])


def _count_sentence(
    q: Query, counted: str, is_single: bool, rest: tuple[str, ...], shown: tuple[str, ...]
) -> str | None:
    be = "is" if is_single else "are"
    if not rest:
        return f"there {be} {q.answer} {counted}"
    if rest[0] in ("do", "can") and rest[1:2] == ("you",) and rest[2:3] in (("see",), ("count",)):
        return _with_place(f"there {be} {q.answer} {counted}", rest[3:], shown[3:])
    if rest[0] in ("are", "is"):
        return _count_with_be(q, counted, be, rest[1:], shown[1:])
    if rest[0] == "can" and rest[1:3] in (("be", "seen"), ("be", "counted")):
        return _with_place(f"{q.answer} {counted} can be seen", rest[3:], shown[3:])
    if rest[0] in ("do", "does", "did"):
        return _count_as_object(q, counted, rest, shown)
    if rest[0] == "have" and len(rest) > 1 and lex.word_class(rest[1]) in "DSENA" and rest[1] != "been":
        return join_words(q.answer, counted, "has" if is_single else "have", shown[1:])
    if lex.word_class(rest[0]) == "P" and is_place(rest):
        return join_words("there", be, q.answer, counted, shown)
    return None


def _with_place(start: str, rest: Sequence[str], shown: Sequence[str]) -> str | None:
    if not rest:
        return start
    return join_words(start, shown) if is_place(rest) or rest == ("here",) else None


def _count_with_be(q: Query, counted: str, be: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    if rest[:1] == ("there",):
        rest, shown = rest[1:], shown[1:]
        if not rest:
            return f"there {be} {q.answer} {counted}"
        return join_words("there", be, q.answer, counted, shown) if is_modifier(rest) else None
    if not rest:
        return None
    kind = lex.word_class(rest[0])
    if rest in (("here",), ("visible",), ("present",), ("shown",), ("pictured",)):
        return join_words("there", be, q.answer, counted, shown)
    if kind == "P":
        return join_words("there", be, q.answer, counted, shown) if is_place(rest) else None
    if kind in "GE":
        return join_words("there", be, q.answer, counted, shown) if is_modifier(rest) else None
    if kind == "A" and chunks(rest, 0)[0].kind == "A":
        return join_words(q.answer, counted, be, shown) if _all_closed(rest) else None
    if kind in "DOS":
        return _count_in_clause(q, counted, rest, shown)
    return None


def _all_closed(words: Sequence[str]) -> bool:
    return all(chunk.kind in "PRAGE" and not chunk.open for chunk in chunks(words, 0))


def _count_in_clause(q: Query, counted: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "How many bags is the man holding?" -> "The man is holding 3 bags."."""
    gap = object_gap(rest)
    if gap is None:
        return None
    border, at = gap
    be = "are" if is_plural_subject(rest[:border]) else "is"
    return join_words(shown[:border], be, shown[border:at], q.answer, counted, shown[at:])


def _count_as_object(q: Query, counted: str, rest: tuple[str, ...], shown: tuple[str, ...]) -> str | None:
    """As in "How many legs does the dog have?" -> "The dog has 4 legs."."""
    clause = read_clause(rest, shown) if len(rest) > 2 else None
    if clause is None or clause.predicate[0].lower() not in OBJECT_VERBS:
        return None
    verb = inflect_verb(clause.predicate[0].lower(), clause.auxiliary)
    tail = clause.predicate[1:]
    if verb is None or "times" in counted or (tail and not is_place(tuple(word.lower() for word in tail))):
        return None
    if tail and tail[0].lower() in ("up", "out", "off", "down"):
        return None
    return join_words(clause.subject, verb, q.answer, counted, tail)
