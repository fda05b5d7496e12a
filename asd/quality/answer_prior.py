"""P(answer | question) from counts, with back-off to ever vaguer questions: the best guess that needs no
picture.

What a language prior allows is a property of the source, not of the conversion, so the probe is compared with
it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NUM_FOLDS = 10
"""Folds 0-4 are one half, 5-9 the other; the split goes by image or group."""
HALF = NUM_FOLDS // 2
_WORD = re.compile(r"\w+")
_SMOOTHING = 3.0
"""How many rows the vaguer level is worth."""


def signatures(question: str) -> tuple[str, str, str, str, str, str]:
    """Vague to exact: nothing; the first word, two, three; the first two and the last; the whole question.

    The last word is most often the thing asked about ("what colour is the bus"). Lower case, words only.
    """
    words = _WORD.findall(question.lower())
    opening = " ".join(words[:2])
    return "", " ".join(words[:1]), opening, " ".join(words[:3]), f"{opening}|{words[-1:]}", " ".join(words)


def answer_key(answer: str) -> str:
    """Answers that differ in case or outer punctuation only are one answer."""
    return " ".join(answer.split()).strip(" .,;:!?\"'").casefold()


_HALF_OF = np.arange(NUM_FOLDS) // HALF
_IS_SAME_HALF = _HALF_OF[:, None] == _HALF_OF[None, :]
_ROLES = {"train": _IS_SAME_HALF & ~np.eye(NUM_FOLDS, dtype=bool), "test": ~_IS_SAME_HALF}
"""Role -> (fold of the row, fold counted): a row never sees the counts of its own fold, tested rows not their
half.
"""


@dataclass(slots=True, frozen=True)
class _Level:
    signature_ids: dict[str, int]
    pairs: Ints
    """Sorted signature_id * num_answers + answer_id."""
    pair_counts: Floats
    """(pairs, NUM_FOLDS)"""
    totals: Floats
    """(signatures, NUM_FOLDS)"""


class AnswerPrior:
    """Counts of gold answers by question signature and fold."""

    def __init__(self, questions: Sequence[str], golds: Sequence[str], folds: Ints) -> None:
        self._answer_ids: dict[str, int] = {}
        ids = self._answer_ids
        answers = np.array([ids.setdefault(answer_key(gold), len(ids)) for gold in golds], dtype=np.int64)
        self._num_answers = len(ids) + 1  # the last one is "never seen"
        self._levels = [
            _count_level(column, answers, folds, self._num_answers)
            for column in zip(*map(signatures, questions), strict=True)
        ]

    def scores(self, questions: Sequence[str], answers: Sequence[str], folds: Ints, role: str) -> Floats:
        """P(answer | question) per entry, shape (levels, entries), vague to exact.

        Each level is smoothed towards the one before: P = (n_pair + 3 * P_vaguer) / (n_signature + 3).
        role: "train" counts the entry's own half without its fold, "test" counts the other half only.
        """
        unseen = self._num_answers - 1
        answer_ids = np.array([self._answer_ids.get(answer_key(a), unseen) for a in answers], dtype=np.int64)
        mask = _ROLES[role][folds].astype(np.float64)
        probability = np.full(answer_ids.size, 1.0 / self._num_answers)
        result = np.empty((len(self._levels), answer_ids.size))
        columns = zip(*map(signatures, questions), strict=True)
        for index, (level, column) in enumerate(zip(self._levels, columns, strict=True)):
            hits, totals = _look_up(level, column, answer_ids, mask, self._num_answers)
            probability = (hits + _SMOOTHING * probability) / (totals + _SMOOTHING)
            result[index] = probability
        return result


def _count_level(column: Sequence[str], answers: Ints, folds: Ints, num_answers: int) -> _Level:
    ids: dict[str, int] = {}
    signature = np.array([ids.setdefault(text, len(ids)) for text in column], dtype=np.int64)
    pairs, inverse = np.unique(signature * num_answers + answers, return_inverse=True)
    pair_counts = np.bincount(inverse.ravel() * NUM_FOLDS + folds, minlength=pairs.size * NUM_FOLDS)
    totals = np.bincount(signature * NUM_FOLDS + folds, minlength=len(ids) * NUM_FOLDS)
    shape = (-1, NUM_FOLDS)
    return _Level(ids, pairs, pair_counts.reshape(shape).astype(float), totals.reshape(shape).astype(float))


def _look_up(
    level: _Level, column: Sequence[str], answers: Ints, mask: Floats, num_answers: int
) -> tuple[Floats, Floats]:
    """Counts of (signature, answer) and of the signature, over the folds that `mask` (entries, NUM_FOLDS)
    allows.
    """
    signature = np.array([level.signature_ids.get(text, -1) for text in column], dtype=np.int64)
    wanted = signature * num_answers + answers
    place = np.minimum(np.searchsorted(level.pairs, wanted), level.pairs.size - 1)
    is_pair = (level.pairs[place] == wanted) & (signature >= 0)
    hits = np.where(is_pair, np.einsum("ij,ij->i", level.pair_counts[place], mask), 0.0)
    totals = np.where(signature >= 0, np.einsum("ij,ij->i", level.totals[signature], mask), 0.0)
    return hits, totals
