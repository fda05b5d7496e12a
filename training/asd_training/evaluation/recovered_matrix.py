"""Accuracy matrices of one sequence by three read-outs: strict, style-recovered, constrained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from asd_training.evaluation.accuracy_matrix import AccuracyMatrix
from asd_training.evaluation.forgetting import Row, read_row
from asd_training.evaluation.lenient_reader import LenientReader


class ReadOuts(NamedTuple):
    strict: AccuracyMatrix
    recovered: AccuracyMatrix
    """Answers with the right fact count in full, whatever their style."""
    constrained: AccuracyMatrix
    """NaN where no question of the cell was answered under the constraint."""


def read_out_matrices(
    tasks: Sequence[str],
    predictions: Mapping[tuple[str, str], Sequence[Row]],
    readers: Mapping[str, LenientReader],
) -> ReadOuts:
    """predictions: rows in the native style by (task trained last, task evaluated); readers: by task.

    Cells without rows are NaN. Raises: PredictionError for a row that lacks a column; MetricError for double tasks.
    """
    strict: dict[tuple[str, str], list[float]] = {}
    recovered: dict[tuple[str, str], list[float]] = {}
    constrained: dict[tuple[str, str], list[float]] = {}
    for cell, rows in predictions.items():
        read = [read_row(row, readers[cell[1]]) for row in rows]
        strict[cell] = [row.score for row in read]
        recovered[cell] = [row.recovered_score for row in read]
        scores = [row.get("constrained_score") for row in rows]
        constrained[cell] = [score for score in scores if score is not None]
    return ReadOuts(*(AccuracyMatrix.from_scores(tasks, scores) for scores in (strict, recovered, constrained)))
