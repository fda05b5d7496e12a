"""Whether other rows tell which of the answers shown is right: an answer that stands elsewhere as somebody's answer, or
that is offered as wrong more often than others.

Shown answers are the options of multiple-choice rows and the candidates of yes/no rows whose wrong answers were mined or
made by rule. An answer is stated natively where it is the gold answer of a row in its native style, and right where any row
says so: natively, as the right option, as a candidate answered Yes, in an explanation. It is compared as `normalise_answer`
gives it. Eight bytes are held per row and per wrong answer shown.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from asd.makers.normalise import normalise_answer
from asd.quality.keyed_sample import KeyedSample

MAX_ROWS = 20_000
"""Rows of each style that are judged, those of smallest keyed hash."""
Counted = tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]


class _Shown(NamedTuple):
    answers: tuple[int, ...]
    gold: int
    """Multiple choice: place of the gold answer; yes/no: 1 where the candidate is right."""


class Exposure:
    """Tallies of one data set."""

    def __init__(self) -> None:
        self._native = array("Q")
        self._right = array("Q")
        self._offered = array("Q")
        self._shown = {style: KeyedSample[_Shown](MAX_ROWS, "exposure") for style in ("multiple_choice", "yes_no")}

    def add_native(self, golds: Iterable[str]) -> None:
        """Gold answers of rows in their native style."""
        self._native.extend(map(_hash, golds))

    def add_right(self, golds: Iterable[str]) -> None:
        """Gold answers that rows of any style state as right."""
        self._right.extend(map(_hash, golds))

    def add_shown(self, style: str, sample_id: str, answers: Sequence[str], gold: int) -> None:
        """answers: the options, or the candidate alone; gold: the place of the right one, or 1 for a right candidate."""
        hashes = tuple(map(_hash, answers))
        wrong = [answer for place, answer in enumerate(hashes) if place != gold] if style != "yes_no" else hashes[gold:]
        self._offered.extend(wrong)
        self._shown[style].add([sample_id], [_Shown(hashes, gold)])

    def figures(self) -> dict[str, float | int | None]:
        """For S = multiple_choice, yes_no; None where no such row is there.

        - seen_elsewhere_S: accuracy of the rule "stated natively, so wrong", over rows: of multiple choice 1/u where the
          gold answer is one of u options that nobody states natively, any option where all are stated; of yes/no
          "Yes" for a candidate that nobody states natively. seen_elsewhere_S_chance: of guessing; _n: rows.
        - stated_gold_S, stated_wrong_S: share of right and of wrong answers shown that some row states natively.
        - offered_gold_S, offered_wrong_S: in how many rows of both styles, this one included, an answer is offered as
          wrong: mean over right answers shown, and over wrong ones.
        - right_elsewhere_S: accuracy of the rule "right in the fewest other rows" or of its opposite, whichever is more
          often right; of yes/no "right in another row, so No", or its opposite. Options that are alike share a row.
          wrong_elsewhere_S: the same of "offered as wrong in the most other rows". Chance and rows as of seen_elsewhere_S.
        """
        counts = _Counts(*map(_counted, (self._native, self._right, self._offered)))
        figures: dict[str, float | int | None] = {}
        for style, sample in self._shown.items():
            figures |= _style_figures(style, sample.rows(), counts)
        return figures


class _Counts(NamedTuple):
    native: Counted
    right: Counted
    offered: Counted


def _style_figures(style: str, rows: Sequence[_Shown], counts: _Counts) -> dict[str, float | int | None]:
    if not rows:
        return dict.fromkeys(
            [f"{name}_{style}" for name in _NAMES] + [f"seen_elsewhere_{style}_{end}" for end in _ENDS]
        )
    is_yes_no = style == "yes_no"
    flat = np.array([answer for row in rows for answer in row.answers], np.uint64)
    stated = _count_of(flat, counts.native) > 0
    if is_yes_no:
        is_gold = np.array([row.gold == 1 for row in rows])
        hits, chance = (stated != is_gold).mean(), max(is_gold.mean(), 1 - is_gold.mean())
    else:
        is_gold = np.array([place == row.gold for row in rows for place in range(len(row.answers))])
        hits, chance = _rule_of_options(rows, stated), float(np.mean([1 / len(row.answers) for row in rows]))
    times = _count_of(flat, counts.offered)
    elsewhere = _count_of(flat, counts.right) - is_gold, times - ~is_gold
    rules = [_two_sided(rows, values, is_yes_no=is_yes_no) for values in (elsewhere[0], -elsewhere[1])]
    values = [
        hits,
        _mean(stated[is_gold]),
        _mean(stated[~is_gold]),
        _mean(times[is_gold]),
        _mean(times[~is_gold]),
        *rules,
    ]
    figures: dict[str, float | int | None] = {
        f"{name}_{style}": None if value is None else float(value) for name, value in zip(_NAMES, values, strict=True)
    }
    return figures | {f"seen_elsewhere_{style}_chance": float(chance), f"seen_elsewhere_{style}_n": len(rows)}


_ENDS = ("chance", "n")
_RULES = ("right_elsewhere", "wrong_elsewhere")
_NAMES = ("seen_elsewhere", "stated_gold", "stated_wrong", "offered_gold", "offered_wrong", *_RULES)


def _two_sided(rows: Sequence[_Shown], values: npt.NDArray[np.int64], *, is_yes_no: bool) -> float:
    """Accuracy of picking the answer of least value, or of greatest, whichever is more often right. values: one for each
    answer shown. Of a candidate alone: Yes where its value is 0, or No."""
    if is_yes_no:
        hits = float(np.mean((values == 0) == np.array([row.gold == 1 for row in rows])))
        return max(hits, 1 - hits)
    return max(_pick_least(rows, values), _pick_least(rows, -values))


def _pick_least(rows: Sequence[_Shown], values: npt.NDArray[np.int64]) -> float:
    right, first = 0.0, 0
    for row in rows:
        own = values[first : first + len(row.answers)]
        first += len(row.answers)
        least = own == own.min()
        right += float(least[row.gold]) / int(least.sum())
    return right / len(rows)


def _rule_of_options(rows: Sequence[_Shown], stated: npt.NDArray[np.bool_]) -> float:
    right, first = 0.0, 0
    for row in rows:
        unseen = ~stated[first : first + len(row.answers)]
        first += len(row.answers)
        if not unseen.any():
            right += 1 / len(row.answers)
        elif unseen[row.gold]:
            right += 1 / int(unseen.sum())
    return right / len(rows)


def _mean(values: npt.NDArray[np.generic]) -> float | None:
    return float(values.mean()) if len(values) else None


def _counted(hashes: array[int]) -> Counted:
    return np.unique(np.frombuffer(hashes, np.uint64), return_counts=True)


def _count_of(hashes: npt.NDArray[np.uint64], counted: Counted) -> npt.NDArray[np.int64]:
    known, counts = counted
    if not len(known):
        return np.zeros(len(hashes), np.int64)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.where(known[places] == hashes, counts[places], 0)


@lru_cache(maxsize=1 << 16)
def _hash(answer: str) -> int:
    return xxhash.xxh3_64_intdigest(normalise_answer(answer).encode("utf-8", "surrogatepass"))
