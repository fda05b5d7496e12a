"""Texts that stand where a question should, and questions that their answer does not fit: fragments, a verdict on "why",
none of what "which" asks for. Pure, of one question and its answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from asd.lazy_regex import regex
from asd.makers.english import lexicon as lex
from asd.makers.wording import collapse

_NOT_ASKED = frozenset(
    {"not a question", "no question", "not question", "not a valid question", "question is not clear"}
)
"""What annotators write of a text that asks nothing."""
_ASKING = frozenset("what which who whose whom where when why how".split())
_AUXILIARIES = lex.AUXILIARIES | {
    "isn't",
    "aren't",
    "don't",
    "doesn't",
    "what's",
    "whats",
    "where's",
    "who's",
    "how's",
    "am",
}
_COUNTS = frozenset(map(str, range(1, 21))) | lex.NUMBER_WORDS
_USUAL = _ASKING | lex.AUXILIARIES
_BARE_SUBJECTS = frozenset("this that it these those they there he she the a an".split())
_MOST_FRAGMENT_WORDS = 6
_SENTENCE = regex(r"(?<=[.!?])\s+")
_ORDERED = regex(
    r"(?![^?]*\byes\W+or\W+no\b)(?:please |kindly )?"
    r"(?:write|type|transcribe|spell|copy|translate|list|print|output|extract|reproduce|read|describe)\b[^?]*"
)
_REQUEST = regex(
    r"\b(?:can|could|would|will) (?:you|u) (?:\w+ly |please )?"
    r"(?:(?:describe|identify|explain|list|write(?! on\b)|translate|transcribe|name)\b(?![^?]*\b(?:as|to(?! me\b| us\b)) )"
    r"|(?:tell|give) (?:me|us) (?!if\b|whether\b|that\b)|read\b[^?]*\b(?:and|out|aloud|to me|for me)\b)"
)
_TWO = regex(
    r"\?\s+\S.*\?|(?<!\bwhat|\bwhen)(?<!\bwhere|\bwhich)(?<!\bwho|\bhow|\bwhy),? and "
    r"(?:what(?! appears? to\b| seems? to\b)|where|who|how|why)\b"
)
_CHOICE = regex(
    r"(?:is|are|was|were) (?!there\b|any|some|no\b|either\b)(?:(?!\b(?:and|any|anything|anyone|some|whether)\b)[^,.?])+"
    r" or (?!(?:not|so|both|more|less|fewer|later|earlier)\b)[^,.?]+\??"
)
_AUXILIARY = "|".join(sorted(lex.AUXILIARIES))
OPENS_AS_VERDICT = rf"(?i)^\s*(?:{_AUXILIARY})\s"
"""As RE2 and Python read it."""
_OPENS_AS_VERDICT = regex(OPENS_AS_VERDICT)
_CLAUSE_FIRST = regex(
    rf"(?:when|where) (?!(?:{_AUXILIARY})\b)(?:(?!\b(?:what|which|who|whose|how|why|where|when)\b)[^?,])+"
    rf"(?:, (?:{_AUXILIARY})\b| (?:should|would|must|can|could|do|does|did) (?:it|he|she|they|you|we|i)\b)"
)
"""A question for a verdict after a clause: "When the light is red, is the car moving?"."""
MOST_JUDGED = 1000
"""Characters of the longest question that is searched for a request or a choice, which takes time by length squared."""
_ASKS_WHICH = regex(
    r"(?:which|where|who|whose|what (?:(?:kind|type|sort)s? of|colou?rs?|shapes?|materials?|patterns?|animals?|birds?|fish"
    r"|insects?|fruits?|vegetables?|foods?|dish|drinks?|plants?|flowers?|trees?|vehicles?|furniture|objects?|rooms?|sports?|brands?))\b"
)
"""What no number names."""
_NUMERIC = regex(
    r"\b(?:numbers?|numerals?|digits?|many|much|scores?|values?|totals?|sums?|differences?|counts?|modes?|means?|medians?|ranges?|rates?"
    r"|percent|percentages?|temperatures?|degrees?|speeds?|amounts?|prices?|costs?|times?|averages?|product|quotient|remainder|ratios?"
    r"|probabilit(?:y|ies)|answers?|results?|levels?|points?|change|share|minimum|maximum|lowest|least|smallest|first|last|axis|net"
    r"|says?|say|written|read|reads|displayed|printed|equals?|left|page|gate|track|lane|channel|zone|hour|minute|second)\b"
)
_NONE = frozenset(("0", "zero"))
_WANTS_A_THING = regex(
    r"what (?:(?:kind|type|sort)s? of|colou?rs?|shapes?|materials?|patterns?|animals?|birds?|fish|insects?|fruits?|vegetables?"
    r"|foods?|dish|drinks?|plants?|flowers?|trees?|furniture|sports?)\b"
)
"""Of what a small number is but the count."""


@lru_cache(maxsize=1 << 14)
def _is_fragment(question: str) -> bool:
    """Whether an English text asks nothing, whatever its answer: "In this picture.", "Is this?"."""
    words = _bare_words(question)
    if 0 < len(words) <= 2 and words[0] in lex.BE_FORMS | {"do", "does", "did", "can"}:
        return set(words[1:]) <= _BARE_SUBJECTS
    return _is_phrase(question) and words[0] in lex.PREPOSITIONS


def _bare_words(question: str) -> list[str]:
    words = [word.strip(".,!?;:'\"").lower() for word in collapse(question).split()]
    return [word for word in words if word] if question.isascii() else []


@lru_cache(maxsize=1 << 14)
def _is_phrase(question: str) -> bool:
    """Whether an English text is a few words with no verb: "Business card.", which may ask for what the card says."""
    words = _bare_words(question)
    if not words or "?" in question or len(words) > _MOST_FRAGMENT_WORDS or not all(word.isalpha() for word in words):
        return False
    if any(word in _ASKING or word in _AUXILIARIES for word in words) or not all(map(lex.is_known, words)):
        return False
    ordered = words[1] if words[0] in ("please", "kindly", "just") and len(words) > 1 else words[0]
    return ordered in lex.PREPOSITIONS | lex.DETERMINERS or "VERB" not in lex.lexicon_entry(ordered)


def is_no_question(question: str, accepted: Sequence[str], *, is_unanswerable: bool = False) -> bool:
    """Whether a text is a fragment, or a phrase that nobody could answer, or asks in no usual form and an annotator said
    that it asks nothing."""
    first = question.split(maxsplit=1)[:1]
    word = first[0].lower().partition("'")[0] if first else ""
    if word in _ASKING and "?" in question:  # as in most, and in no fragment or phrase
        return False
    if _is_fragment(question) or (is_unanswerable and _is_phrase(question)):
        return True
    return word not in _USUAL and any(answer.strip(". ").lower() in _NOT_ASKED for answer in accepted)


@lru_cache(maxsize=1 << 14)
def takes_no_verdict(question: str) -> bool:
    """Whether a bare yes or no does not answer a question: "Why is it red?", "Is it a cat or a dog?", "Can you describe it?",
    two questions at once."""
    low = collapse(question).lower()
    parts = [part for part in _SENTENCE.split(low) if part]
    last = parts[-1] if parts else ""
    first = last.split(" ", 1)[0].partition("'")[0]
    asks_more = first in _ASKING and _CLAUSE_FIRST.match(last) is None
    if asks_more or len(low) > MOST_JUDGED:
        return asks_more
    if _TWO.search(low) is not None or _REQUEST.search(low) is not None:
        return True
    return " or " in last and _CHOICE.fullmatch(last) is not None


def opens_as_verdict(question: str) -> bool:
    """Whether a question begins as one for yes or no does: "Is it red?"."""
    return _OPENS_AS_VERDICT.match(question) is not None


@lru_cache(maxsize=1 << 14)
def orders_text(question: str) -> bool:
    """Whether a text orders something to be written, so that "is the proposed answer right?" would be a second order."""
    parts = [part for part in _SENTENCE.split(collapse(question).lower()) if part]
    return bool(parts) and _ORDERED.fullmatch(parts[-1]) is not None


def finds_none(question: str, gold: str) -> bool:
    """Whether an answer says that there is none of what is asked for, or how many there are: 0 to "Which bowl is empty?", 2
    to "What animal is there?"."""
    said = gold.strip().rstrip(".").lower()
    if said in _NONE:
        return _asks_for_one(question)
    return said in _COUNTS and _WANTS_A_THING.match(collapse(question).lower()) is not None and _asks_for_one(question)


@lru_cache(maxsize=1 << 14)
def _asks_for_one(question: str) -> bool:
    low = collapse(question).lower()
    return _ASKS_WHICH.match(low) is not None and _NUMERIC.search(low) is None


_OF_A_TABLE = regex(r"\b(?:mean|median|mode) of the (?:numbers|data|values)\b")


def is_within_table(question: str) -> bool:
    """Whether the numbers of a table bound an answer, or hold it, so that most others are seen to be wrong."""
    return _OF_A_TABLE.search(question.lower()) is not None
