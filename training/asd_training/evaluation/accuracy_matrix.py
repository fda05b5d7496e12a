"""The accuracy matrix of a task sequence: row t after training task t, column i on task i; NaN = not evaluated.

In JSON a cell that was not evaluated is null, never 0 and never left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asd_training.errors import MetricError


@dataclass(frozen=True)
class AccuracyMatrix:
    """values: float64 (T, T), in the unit of the scores (0..1 in results.json, percent in published tables)."""

    tasks: tuple[str, ...]
    values: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        size = len(self.tasks)
        if len(set(self.tasks)) != size:
            raise MetricError(f"the tasks of an accuracy matrix must differ, got {list(self.tasks)}")
        if self.values.shape != (size, size):
            raise MetricError(f"expected a matrix of {size} x {size} for {size} tasks, got shape {self.values.shape}")
        if np.isinf(self.values).any():
            raise MetricError("an accuracy matrix holds numbers, and NaN for cells not evaluated; got an infinity")

    @classmethod
    def empty(cls, tasks: Iterable[str]) -> AccuracyMatrix:
        names = tuple(tasks)
        return cls(names, np.full((len(names), len(names)), np.nan))

    @classmethod
    def from_rows(cls, tasks: Iterable[str], rows: Sequence[Sequence[float | None]]) -> AccuracyMatrix:
        """The matrix of a JSON list of rows; null or NaN where not evaluated. Raises: MetricError."""
        names = tuple(tasks)
        for number, row in enumerate(rows):
            if len(row) != len(names):
                raise MetricError(f"row {number} of the accuracy matrix has {len(row)} cells, expected {len(names)}")
        cells = [[np.nan if cell is None else float(cell) for cell in row] for row in rows]
        return cls(names, np.array(cells, dtype=np.float64).reshape(len(rows), len(names)))

    @classmethod
    def from_scores(
        cls, tasks: Iterable[str], scores: Mapping[tuple[str, str], Sequence[float] | None]
    ) -> AccuracyMatrix:
        """From the scores of the questions, by (task trained last, task evaluated); no scores: not evaluated."""
        names = tuple(tasks)
        means = [[_mean(scores.get((after, on))) for on in names] for after in names]
        return cls.from_rows(names, means)

    def to_rows(self) -> list[list[float | None]]:
        """For JSON: null where not evaluated."""
        return [[None if np.isnan(cell) else float(cell) for cell in row] for row in self.values]

    def cell(self, after: int, on: int) -> float:
        """Accuracy on task `on` after training task `after`, 0-based. Raises: MetricError if not evaluated."""
        value = float(self.values[after, on])
        if np.isnan(value):
            raise MetricError(
                f"not evaluated: task {self.tasks[on]!r} after training {self.tasks[after]!r} (row {after}, column {on})"
            )
        return value

    def with_cell(self, after: str, on: str, value: float) -> AccuracyMatrix:
        """A copy with one cell set. Raises: MetricError for an unknown task."""
        values = self.values.copy()
        values[self._place(after), self._place(on)] = value
        return AccuracyMatrix(self.tasks, values)

    def _place(self, task: str) -> int:
        if task not in self.tasks:
            raise MetricError(f"no task named {task!r} in this accuracy matrix, it has {', '.join(self.tasks)}")
        return self.tasks.index(task)


def _mean(scores: Sequence[float] | None) -> float | None:
    return float(np.mean(scores)) if scores else None
