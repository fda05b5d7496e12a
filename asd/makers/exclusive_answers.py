"""Which answers are surely wrong where others are right, as far as their meaning tells: names of one thing or of a broader
one, what everyday pictures show together, and counts about which annotators differ. Pure; looks and notations are a matter
of `asd.makers.normalise`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from asd.lazy_regex import regex
from asd.makers.confusable_answers import are_confusable
from asd.makers.noun_taxonomy import are_related_nouns

_COUNT = regex(r"\bhow many\b", re.IGNORECASE)
_SURE = 5
"""So many things are counted without mistake."""
_MOST_DIGITS = 3
"""Larger numbers are no counts of what one sees."""
_LONGEST_COUNT = 18
"""Digits, leading zeros included. Python refuses to read numbers of some thousands."""
_MISSED = 10
"""Of so many things, each counter misses or repeats about one."""


@lru_cache(maxsize=1 << 17)
def may_both_hold(left: str, right: str) -> bool:
    """Whether two answers may be right of one picture: one is a name of the other or of a broader thing, or a table says
    so. Symmetric."""
    return are_related_nouns(left, right) or are_confusable(left, right)


def doubtful_counts(question: str, gold: str, accepted: Iterable[str]) -> range:
    """Numbers that are not surely wrong: near a count of many things, and from the least to the most that annotators
    counted, those left out that are far off. Empty where nothing is counted."""
    if not gold.isdecimal() or len(gold) > _MOST_DIGITS or _COUNT.search(question) is None:
        return range(0)
    count = int(gold)
    counts = {count, *(int(answer) for answer in accepted if answer.isdecimal() and len(answer) <= _MOST_DIGITS)}
    most = 3 * count + 2 if len(counts) > 2 else 2 * count
    near = [number for number in counts if count <= 3 * number and number <= most]
    return range(min(near) - _margin(min(near)), max(near) + _margin(max(near)) + 1)


def _margin(count: int) -> int:
    return -(-count // _MISSED) if count > _SURE else 0


class RightAnswers:
    """What is right of a row, and what of the wrong answers chosen so far a further one must not mean as well."""

    __slots__ = ("_counts", "_names")

    def __init__(self, question: str, gold: str, accepted: Sequence[str]) -> None:
        self._names = tuple(dict.fromkeys((gold, *accepted)))
        self._counts = doubtful_counts(question, gold, accepted)

    def exclude(self, answer: str, chosen: Iterable[str] = ()) -> bool:
        """Whether an answer is surely wrong, and means something else than those chosen."""
        if answer.isdecimal():
            return not self._counts or len(answer) > _LONGEST_COUNT or int(answer) not in self._counts
        for others in (self._names, chosen):
            for other in others:  # a generator would cost more than the look-ups
                if may_both_hold(answer, other):
                    return False
        return True
