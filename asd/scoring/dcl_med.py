"""MLLM-DCL medicine, whose questions are PathVQA's: the gold answer stands somewhere in the response."""

from __future__ import annotations

import re

from asd.lazy_regex import regex
from asd.scoring import contains
from asd.scoring.contains import legacy
from asd.scoring.rule import Reference
from asd.scoring.verdict import is_verdict_word

__all__ = ["fixed", "legacy"]

_CLAUSE_END = regex(r"[.,;:!?]+(?:\s|$)|\bbut\b", re.IGNORECASE)
_NEGATIONS = frozenset({"no", "not", "without", "never", "0"})  # the challenge's normaliser writes "none" as 0
_REACH = 3
"""Words before a finding among which a negation denies it: "no sign of necrosis"."""


def fixed(prediction: str, reference: Reference) -> float:
    """Word by word, so that "normal" does not stand in "abnormal"; a gold yes or no must be what the response states;
    a finding that the response denies ("no necrosis") is not in it."""
    if is_verdict_word(reference.gold):
        return contains.fixed(prediction, reference)
    return float(any(_affirms(prediction, right) for right in reference.right_answers))


def _affirms(text: str, phrase: str) -> bool:
    if not contains.holds_words(text, phrase):
        return False
    clauses = [clause for clause in _CLAUSE_END.split(text) if contains.holds_words(clause, phrase)]
    return not clauses or any(not _is_denied(clause, phrase) for clause in clauses)


def _is_denied(clause: str, phrase: str) -> bool:
    """Whether a negation stands right before the first time that a clause holds a phrase."""
    return not _NEGATIONS.isdisjoint((contains.words_before(clause, phrase) or [])[-_REACH:])
