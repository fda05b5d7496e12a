"""Yes/no and choice questions as statements: "is | the dog | brown" becomes "the dog is (not) brown"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from asd.makers.english import lexicon as lex
from asd.makers.english.gaps import lacks_articles
from asd.makers.english.phrases import (
    full_noun_phrase_end,
    is_whole_noun_phrase,
    noun_phrase_end,
    predicate_start,
)
from asd.makers.english.query import Query, join_words


class Clause(NamedTuple):
    """A question taken apart: "is | the dog | brown"."""

    auxiliary: str
    subject: tuple[str, ...]
    predicate: tuple[str, ...]


_INDEFINITE = {"any": "some", "anyone": "someone", "anybody": "somebody", "anything": "something"}
_NEGATED = {
    "anyone": "no one",
    "anybody": "nobody",
    "anything": "nothing",
    "someone": "no one",
    "somebody": "nobody",
    "something": "nothing",
    "any": "no",
    "a": "no",
    "an": "no",
    "everyone": "not everyone",
    "everybody": "not everybody",
    "all": "not all",
    "every": "not every",
}
_SCOPE_WORDS = lex.word_table("any anyone anybody anything either both each every only just still also too already")


def yes_no_question(q: Query) -> str | None:
    """As in "Is the dog brown?" + no -> "No, the dog is not brown."."""
    if q.low not in ("yes", "no") or "or" in q.words:
        return None
    if lacks_articles(q.words):
        return None
    yes = q.low == "yes"
    for reader in (_existential, _seen, _clause_statement):
        statement = reader(q.words, q.shown, yes)
        if statement is not None:
            return f"{q.answer.capitalize()}, {statement}"
    return None


def _existential(words: Sequence[str], shown: Sequence[str], yes: bool) -> str | None:
    """As in "Are there any people?" -> "there are people" / "there are no people"."""
    if words[0] not in lex.BE_FORMS or words[1] != "there" or len(words) < 3:
        return None
    return _there(words[0], words[2:], shown[2:], yes)


def _there(be: str, words: Sequence[str], shown: Sequence[str], yes: bool) -> str | None:
    first, tail = words[0], shown[1:]
    number = lex.noun_number(full_head(words) or "")
    if number and (number == "plural") != (be in ("are", "were")) and first != "enough":
        return None
    if any(word in _SCOPE_WORDS for word in words[1:]) or first in ("all", "both", "each", "every", "the"):
        return None
    if words[:2] == ("any", "of") or first in ("this", "these", "that", "his", "her", "their", "its"):
        return None
    if first in ("anyone", "anybody", "anything", "someone", "somebody", "something"):
        return join_words("there", be, _INDEFINITE.get(first, first) if yes else _NEGATED[first], tail)
    if first in ("a", "an", "any"):
        if not tail or full_noun_phrase_end(words, 0) < 2:
            return None
        return join_words("there", be, ("" if first == "any" else first) if yes else "no", tail)
    if yes:
        return join_words("there", be, shown)
    if (
        first in lex.NUMBER_WORDS
        or first.isdigit()
        or first in ("more", "enough", "many", "much", "multiple", "several")
    ):
        return join_words("there", be, "not", shown) if first != "several" else None
    return join_words("there", be, "no", shown) if lex.word_class(first) in "NA" else None


def _seen(words: Sequence[str], shown: Sequence[str], yes: bool) -> str | None:
    """As in "Can you see any clouds?" -> "there are clouds" / "there are no clouds"; "... the sky" ->
    "the sky can be seen"."""
    if words[0] not in ("can", "do", "could") or tuple(words[1:3]) != ("you", "see") or len(words) < 4:
        return None
    rest, rest_shown = tuple(words[3:]), tuple(shown[3:])
    end = full_noun_phrase_end(rest, 0)
    if not is_whole_noun_phrase(rest, 0) or end == 0:
        return None
    if rest[0] in ("a", "an", "any") or lex.word_class(rest[0]) == "N":
        head = full_head(rest)
        number = "" if head is None else lex.noun_number(head)
        be = {"plural": "are", "singular": "is", "mass": "is"}.get(number)
        return None if be is None else _there(be, rest, rest_shown, yes)
    if rest[0] in ("the", "his", "her", "its", "their") and end == len(rest):
        return join_words(rest_shown, "can be seen" if yes else "cannot be seen")
    return None


def full_head(words: Sequence[str]) -> str | None:
    """The head noun of the phrase that starts the words: "any red cars in it" -> "cars"."""
    end = noun_phrase_end(words, 0)
    return words[end - 1] if end else None


def _clause_statement(words: Sequence[str], shown: Sequence[str], yes: bool) -> str | None:
    clause = read_clause(tuple(words), tuple(shown))
    return None if clause is None else (affirm(clause) if yes else _negate(clause))


def read_clause(words: tuple[str, ...], shown: tuple[str, ...]) -> Clause | None:
    """Split "<aux> <subject> <predicate>"; None where the border is unsure."""
    auxiliary = words[0]
    if words[1] in lex.FIRST_OR_SECOND_PERSON or words[1] == "there":
        return None
    if words[1] in lex.DEMONSTRATIVES and len(words) > 2 and shown[2][0].isupper() and not shown[1].isupper():
        return None
    if auxiliary in lex.BE_FORMS:
        start = predicate_start(words[1:], 0)
        border = None if start is None else start + 1
    elif auxiliary in ("do", "does", "did") or auxiliary in lex.MODALS:
        border = _base_verb_index(words)
    elif auxiliary in ("has", "have"):
        border = _participle_index(words)
    else:
        return None
    if border is None or not 1 < border < len(words) or words[border] in lex.BE_FORMS:
        return None
    if not subject_agrees(auxiliary, words[1:border]):
        return None
    return Clause(auxiliary, shown[1:border], shown[border:])


def _base_verb_index(words: Sequence[str]) -> int | None:
    """Index of the verb in "does the boy | have shoes", "can this | be eaten"."""
    start = 2 if words[1] in lex.DEMONSTRATIVES or lex.word_class(words[1]) == "O" else _after_first_noun(words)
    for k in range(start, len(words)):
        word = words[k]
        if word == "be" or word in lex.BASE_VERBS:
            doubtful = k + 1 < len(words) and words[k + 1] in lex.BASE_VERBS and words[k + 1] not in lex.PREPOSITIONS
            return None if doubtful or not _is_subject(words[1:k]) else k
        if lex.word_class(word) in "X?":
            return None
    return None


def _after_first_noun(words: Sequence[str]) -> int:
    for k in range(1, len(words)):
        if lex.word_class(words[k]) == "N" and not (words[k] in lex.BASE_VERBS and k == len(words) - 1):
            return k + 1
    return len(words)


def _is_subject(words: Sequence[str]) -> bool:
    """False also for "this man text" in "can this man text and walk": "and" has to join two noun phrases."""
    if "and" in words and not any(word in lex.DETERMINERS for word in words[words.index("and") :]):
        return False
    return bool(words) and is_whole_noun_phrase(words, 0)


def _participle_index(words: Sequence[str]) -> int | None:
    """As in "has the cake | been cut"."""
    for k in range(2, len(words)):
        if words[k] == "been" or lex.word_class(words[k]) == "E":
            return k if _is_subject(words[1:k]) else None
    return None


def subject_agrees(auxiliary: str, subject: Sequence[str]) -> bool:
    """False for "is the dogs", "are this": such questions are often misread or mistyped."""
    end = noun_phrase_end(subject, 0)
    head = subject[end - 1] if end else subject[0]
    if "and" in subject[:end]:
        return auxiliary not in ("is", "does", "has", "was")
    if subject[0] in ("this", "that", "it", "he", "she", "a", "an"):
        if auxiliary in ("are", "do", "have", "were"):
            return False
        return end == 1 or lex.noun_number(head) != "plural"
    if subject[0] in ("these", "those", "they"):
        return auxiliary not in ("is", "does", "has", "was") and (end == 1 or lex.noun_number(head) != "singular")
    number = lex.noun_number(head)
    if number == "singular" and end and all(lex.word_class(word) in "NA" for word in subject[:end]):
        return False
    if auxiliary in ("is", "does", "has", "was"):
        return number != "plural" or "of" in subject
    if auxiliary in ("are", "do", "have", "were"):
        return number not in ("singular", "mass") or ("of" in subject and head not in _ONE_OF_MANY)
    return True


_ONE_OF_MANY = lex.word_table(
    "color colour name brand size shape age title price value material sum average total difference"
)
"""Singular whatever follows their "of": not "the color of the lights are red"."""


def affirm(clause: Clause) -> str | None:
    subject = _some(clause.subject)
    predicate = _some(clause.predicate)
    if clause.auxiliary not in ("do", "does", "did"):
        return join_words(subject, clause.auxiliary, predicate)
    verb = inflect_verb(predicate[0].lower(), clause.auxiliary)
    return None if verb is None else join_words(subject, verb, predicate[1:])


def inflect_verb(verb: str, auxiliary: str) -> str | None:
    """The finite form that "do", "does" or "did" stood for."""
    if auxiliary == "do":
        return verb
    return lex.third_person(verb) if auxiliary == "does" else lex.past_tense(verb)


def _some(words: tuple[str, ...]) -> tuple[str, ...]:
    """In an affirmed sentence "any" becomes "some", "anyone" becomes "someone"."""
    return tuple(_INDEFINITE.get(word.lower(), word) for word in words)


def _negate(clause: Clause) -> str | None:
    first = clause.subject[0].lower()
    low = [word.lower() for word in clause.predicate]
    if any(
        w
        in (
            "both",
            "each",
            "several",
            "some",
            "something",
            "someone",
            "still",
            "already",
            "too",
            "also",
            "most",
            "many",
            "few",
            "somewhere",
            "only",
            "just",
        )
        for w in low[:1]
    ) or any(w in ("some", "something", "someone", "already", "also", "likely", "probably") for w in low):
        return None
    if first in ("both", "each", "some", "several", "many", "most", "another", "few", "other"):
        return None
    if first in lex.DEMONSTRATIVES and low[0] in lex.NUMBER_WORDS:
        return None  # "These are not two animals"
    if first in _NEGATED:
        return _negated_subject(clause, first)
    if any(word.lower() in ("any", "anyone", "anybody") for word in clause.subject):
        return None
    if clause.auxiliary == "can":
        return join_words(clause.subject, "cannot", clause.predicate)
    return join_words(clause.subject, clause.auxiliary, "not", clause.predicate)


def _negated_subject(clause: Clause, first: str) -> str | None:
    """As in "Is anyone wearing blue?" -> "no one is wearing blue"."""
    if clause.subject[1:2] == ("of",):
        if first != "any":
            return None if first != "all" else _positive(("not all", *clause.subject[1:]), clause)
        return _positive(("none", *clause.subject[1:]), clause)
    return _positive((_NEGATED[first], *clause.subject[1:]), clause)


def _positive(subject: Sequence[str], clause: Clause) -> str | None:
    """The clause with another subject, its own negation being in that subject."""
    if clause.auxiliary not in ("do", "does", "did"):
        return join_words(subject, clause.auxiliary, clause.predicate)
    verb = inflect_verb(clause.predicate[0].lower(), clause.auxiliary)
    return None if verb is None else join_words(subject, verb, clause.predicate[1:])


def choice_question(q: Query) -> str | None:
    """As in "Is it sunny or cloudy?" + sunny -> "It is sunny."; keeps the alternative that holds the
    answer."""
    if q.words.count("or") != 1 or q.low in ("yes", "no"):
        return None
    k = q.words.index("or")
    answer = tuple(q.low.split())
    kept = _kept_alternative(q.words, k, answer)
    if kept is None:
        return None
    left_start, drop = kept
    words = q.words[:k] + q.words[drop:] if left_start is None else q.words[:left_start] + q.words[k + 1 :]
    shown = q.shown[:k] + q.shown[drop:] if left_start is None else q.shown[:left_start] + q.shown[k + 1 :]
    if any(word in _SCOPE_WORDS for word in words):
        return None
    clause = read_clause(words, shown)
    return None if clause is None else affirm(clause)


def _kept_alternative(words: Sequence[str], k: int, answer: tuple[str, ...]) -> tuple[int | None, int] | None:
    """(None, end of the right alternative) to keep the left one, or (start of the left one, 0) to keep
    the right one."""
    right = words[k + 1 :]
    size = _parallel_size(words, k, right)
    if size is None:
        return None
    left_size, right_size = size
    left = tuple(words[k - left_size : k])
    chosen = tuple(right[:right_size])
    on_left, on_right = _holds(left, answer), _holds(chosen, answer)
    if on_left == on_right:
        return None
    return (None, k + 1 + right_size) if on_left else (k - left_size, 0)


def _holds(alternative: tuple[str, ...], answer: tuple[str, ...]) -> bool:
    return alternative[-len(answer) :] == answer or (answer == alternative[1:2] and alternative[0] in lex.PREPOSITIONS)


_WHEREABOUTS = lex.word_table("inside outside indoors outdoors")


def _parallel_size(words: Sequence[str], k: int, right: Sequence[str]) -> tuple[int, int] | None:
    """How many words before and after "or" are the alternatives."""
    if not right or k < 3:
        return None
    if right[0] in _WHEREABOUTS and lex.word_class(words[k - 1]) == "N":
        return None  # "inside this window or outside"
    if len(right) == 2 and words[k - 1] == right[1] and lex.is_adjective(right[0]) and lex.is_adjective(words[k - 2]):
        return (2, 2)
    if right[0] in ("to", "on", "in", "a", "an", "the", "at"):
        start = max((i for i in range(1, k) if words[i] == right[0]), default=None)
        if start is None:
            return None
        left_size = k - start
        return (left_size, left_size if len(right) > left_size else len(right))
    before = lex.word_class(words[k - 2])
    if before in "AT" or (before not in "DSPO" and not lex.is_adjective(words[k - 1])):
        return None
    if len(right) == 1:
        return (1, 1)
    if len(right) > 1 and lex.word_class(right[1]) == "P" and lex.word_class(right[0]) in "AN":
        return (1, 1) if lex.is_adjective(words[k - 1]) == lex.is_adjective(right[0]) else None
    return None
