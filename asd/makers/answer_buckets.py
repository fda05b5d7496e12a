"""Rows of an index put into buckets: each into the most specific group of like rows that holds enough different answers.

Groups are told apart by numbers, level by level, so that names are made of those alone that become buckets. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from asd.makers.normalise import answer_form

MIN_ROWS = 12
MIN_ANSWERS = 8
"""A bucket needs so many rows and different answers; below that the next coarser key takes its rows."""
LAST_RESORT = "*"
"""Question key of the buckets that hold all answers of a kind, whatever was asked."""
Buckets = dict[str, dict[str, int]]
"""'<question key>\\t<kind>' -> answer -> rows."""


class Leveled(NamedTuple):
    """Rows of one question with one gold answer."""

    asked: Sequence[str]
    """Question keys from specific to general, as many for all rows; "" where the row stands beside no others."""
    fine: str
    coarse: str
    """Kinds of the answer; "" where it stands beside none of the coarse kind."""
    gold: str
    num_rows: int


def into_buckets(rows: Sequence[Leveled]) -> Buckets:
    """Keys and answers in sorted order. A level is a question key with the fine kind, then with the coarse one."""
    buckets = _last_resorts(rows)
    asked, kinds = _Numbers(), _Numbers()
    asked_of = np.array([asked.of(row.asked) for row in rows], np.int64)
    kinds_of = np.array([kinds.of((row.fine, row.coarse)) for row in rows], np.int64)
    waiting = np.arange(len(rows))
    num_levels = 2 * asked_of.shape[1] if len(rows) else 0
    for level in range(num_levels):
        question, kind = asked_of[waiting, level // 2], kinds_of[waiting, level % 2]
        group = np.where((question < 0) | (kind < 0), -1, question * len(kinds) + kind)
        is_large = _is_large(group)
        closed = _closed([rows[place] for place in waiting[is_large].tolist()], group[is_large].tolist())
        for number, counts in closed.items():
            name, kind_name = divmod(number, len(kinds))
            buckets[f"{asked.names[name]}\t{kinds.names[kind_name]}"] = counts
        if closed:
            waiting = waiting[~np.isin(group, list(closed))]
    return {key: dict(sorted(buckets[key].items())) for key in sorted(buckets)}


class _Numbers:
    """Names by the order in which they come; -1 for ""."""

    def __init__(self) -> None:
        self._of = {"": -1}
        self.names: list[str] = []

    def __len__(self) -> int:
        return len(self.names)

    def of(self, names: Iterable[str]) -> list[int]:
        numbers = []
        for name in names:
            number = self._of.get(name)
            if number is None:
                number = self._of[name] = len(self.names)
                self.names.append(name)
            numbers.append(number)
        return numbers


def _last_resorts(rows: Sequence[Leveled]) -> Buckets:
    """All answers of each kind, as buckets '*'."""
    buckets: Buckets = defaultdict(dict)
    for _, *kinds, gold, count in rows:
        for kind in filter(None, kinds):
            counts = buckets[f"{LAST_RESORT}\t{kind}"]
            counts[gold] = counts.get(gold, 0) + count
    return buckets


def _is_large(group: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which rows are in a group that may have enough answers: so many questions with an answer have as many at most."""
    _, place, sizes = np.unique(group, return_inverse=True, return_counts=True)
    is_large: npt.NDArray[np.bool_] = (sizes[place] >= MIN_ANSWERS) & (group >= 0)
    return is_large


def _closed(rows: Sequence[Leveled], group: Sequence[int]) -> dict[int, dict[str, int]]:
    """Group -> answer -> rows, of the groups that have enough of both."""
    groups: dict[int, dict[str, int]] = defaultdict(dict)
    for number, row in zip(group, rows, strict=True):
        counts = groups[number]
        counts[row.gold] = counts.get(row.gold, 0) + row.num_rows
    return {number: counts for number, counts in groups.items() if _is_enough(counts)}


def _is_enough(counts: dict[str, int]) -> bool:
    if len(counts) < MIN_ANSWERS or sum(counts.values()) < MIN_ROWS:
        return False
    return len(counts) > 3 * MIN_ANSWERS or len({answer_form(answer).compact for answer in counts}) >= MIN_ANSWERS
