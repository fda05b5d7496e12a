"""The figures of one stage, from its prediction files: mean scores by read-out, and what was forgotten how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from asd_training.evaluation.forgetting import Row, read_row, reader_for, split_forgetting
from asd_training.evaluation.lenient_reader import LenientReader

if TYPE_CHECKING:
    from asd_training.data import TaskData

READ_OUTS = ("strict", "recovered", "constrained")


def lenient_reader(task: TaskData) -> LenientReader:
    return reader_for(task.spec.native_style, rule=task.scorer, class_labels=task.spec.family == "classification")


def mean_scores(rows: Sequence[Row], reader: LenientReader) -> dict[str, Any]:
    """Number of questions, and mean score as written, style-recovered, and constrained (None if not asked for)."""
    forced = [row["constrained_score"] for row in rows if row["constrained_score"] is not None]
    return {
        "questions": len(rows),
        "strict": sum(row["score"] for row in rows) / len(rows),
        "recovered": sum(read_row(row, reader).recovered_score for row in rows) / len(rows),
        "constrained": sum(forced) / len(forced) if forced else None,
    }


def forgotten(own: Sequence[Row], later: Sequence[Row], task: TaskData) -> dict[str, Any]:
    """The split of what was right after the task's own training and is wrong now; figures only."""
    split = split_forgetting(own, later, native_style=task.spec.native_style, reader=lenient_reader(task))
    return split.to_json()
