"""Texts that stand where a question should, and questions that their answer does not fit: fragments, a verdict on "why",
none of what "which" asks for. Pure, of one question and its answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from asd.makers import english_lexicon as lex
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
_BARE_SUBJECTS = frozenset("this that it these those they there he she the a an".split())
_MOST_FRAGMENT_WORDS = 6
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_ORDERED = re.compile(
    r"(?:please |kindly )?(?:write|type|transcribe|spell|copy|translate|list|print|output|extract|reproduce|read|describe)\b[^?]*"
)
_REQUEST = re.compile(
    r"\b(?:can|could|would|will) (?:you|u|someone|anyone|somebody) (?:\w+ly |please )?"
    r"(?:(?:describe|identify|explain|give|list|write|translate|transcribe|name)\b"
    r"|tell (?:me|us) (?!if\b|whether\b|that\b)|read\b[^?]*\b(?:and|out|aloud|to me|for me)\b)"
)
_TWO = re.compile(r"\?\s+\S.*\?|,? and (?:what|where|who|how|why)\b")
_CHOICE = re.compile(
    r"(?:is|are|was|were) (?!there\b|any|some|no\b|either\b)(?:(?!\b(?:and|any|anything|anyone|some|whether)\b)[^,.?])+"
    r" or (?!not\b|so\b)[^,.?]+\??"
)
_NUMERIC = re.compile(
    r"\b(?:numbers?|numerals?|digits?|many|much|scores?|values?|totals?|sums?|differences?|counts?|modes?|means?|medians?|ranges?|rates?"
    r"|percent|percentages?|temperatures?|degrees?|speeds?|amounts?|prices?|costs?|times?|averages?|product|quotient|remainder|ratios?"
    r"|probabilit(?:y|ies)|answers?|results?|levels?|points?|change|share|minimum|maximum|lowest|least|smallest|first|last|axis|net"
    r"|shows?|shown|says?|say|written|read|reads|displayed|printed|equals?|left|page|gate|track|lane|channel|zone|hour|minute|second)\b"
)
_NONE = frozenset(("0", "zero"))


@lru_cache(maxsize=1 << 14)
def _is_fragment(question: str) -> bool:
    """Whether an English text asks nothing: "Business card.", "In this picture.", "Is this?"."""
    words = [word.strip(".,!?;:'\"").lower() for word in collapse(question).split()]
    words = [word for word in words if word]
    if not words or not question.isascii():
        return False
    if len(words) <= 2 and words[0] in lex.BE_FORMS | {"do", "does", "did", "can"} and set(words[1:]) <= _BARE_SUBJECTS:
        return True
    if "?" in question or len(words) > _MOST_FRAGMENT_WORDS or not all(word.isalpha() for word in words):
        return False
    if any(word in _ASKING or word in _AUXILIARIES for word in words) or not all(map(lex.is_known, words)):
        return False
    ordered = words[1] if words[0] in ("please", "kindly", "just") and len(words) > 1 else words[0]
    return ordered in lex.PREPOSITIONS | lex.DETERMINERS or "VERB" not in lex.lexicon_entry(ordered)


def is_no_question(question: str, accepted: Sequence[str]) -> bool:
    """Whether a text is a fragment, or asks in no usual form and an annotator said that it asks nothing."""
    if _is_fragment(question):
        return True
    first = question.split(maxsplit=1)[:1]
    is_usual = bool(first) and first[0].lower().partition("'")[0] in _ASKING | lex.AUXILIARIES
    return not is_usual and any(answer.strip(". ").lower() in _NOT_ASKED for answer in accepted)


@lru_cache(maxsize=1 << 14)
def takes_no_verdict(question: str) -> bool:
    """Whether a bare yes or no does not answer a question: "Why is it red?", "Is it a cat or a dog?", "Can you describe it?",
    two questions at once."""
    low = collapse(question).lower()
    if _TWO.search(low) is not None or _REQUEST.search(low) is not None:
        return True
    parts = [part for part in _SENTENCE.split(low) if part]
    last = parts[-1] if parts else ""
    first = last.split(" ", 1)[0].partition("'")[0]
    return first in _ASKING or (" or " in last and _CHOICE.fullmatch(last) is not None)


@lru_cache(maxsize=1 << 14)
def orders_text(question: str) -> bool:
    """Whether a text orders something to be written, so that "is the proposed answer right?" would be a second order."""
    parts = [part for part in _SENTENCE.split(collapse(question).lower()) if part]
    return bool(parts) and _ORDERED.fullmatch(parts[-1]) is not None


def finds_none(question: str, gold: str) -> bool:
    """Whether an answer says that there is none of what is asked for: 0 to "Which bowl is empty?"."""
    return gold.strip().rstrip(".").lower() in _NONE and _asks_for_one(question)


@lru_cache(maxsize=1 << 14)
def _asks_for_one(question: str) -> bool:
    low = collapse(question).lower()
    asking = low.split(" ", 1)[0].partition("'")[0]
    return asking in ("what", "which", "where", "who", "whose", "why") and _NUMERIC.search(low) is None
