"""An accuracy matrix as a table of coloured cells: the figures stay text that can be read, searched and copied."""

from __future__ import annotations

from dataclasses import dataclass

from asd_training.evaluation.accuracy_matrix import AccuracyMatrix
from asd_training.report.run_record import StageRecord
from asd_training.report.wording import is_number, percent

_LOW, _HIGH = (238, 243, 247), (15, 92, 110)


@dataclass(frozen=True)
class Cell:
    """text: in percent; colours as CSS; own: the task was trained in this row's stage."""

    text: str
    evaluated: bool
    background: str = ""
    ink: str = ""
    own: bool = False


@dataclass(frozen=True)
class HeatMap:
    tasks: list[str]
    rows: list[tuple[str, list[Cell]]]
    """Name of the stage and its cells; stages that are not finished have no row."""


def heat_map(matrix: AccuracyMatrix, stages: tuple[StageRecord, ...]) -> HeatMap:
    rows = [
        (
            stage.name,
            [_cell(float(matrix.values[stage.row, i]), name in stage.tasks) for i, name in enumerate(matrix.tasks)],
        )
        for stage in stages
        if stage.row < len(matrix.tasks)
    ]
    return HeatMap(list(matrix.tasks), rows)


def _cell(value: float, own: bool) -> Cell:
    if not is_number(value):
        return Cell(percent(None), False)
    share = min(1.0, max(0.0, value))
    colour = [round(low + share * (high - low)) for low, high in zip(_LOW, _HIGH, strict=True)]
    return Cell(percent(value), True, f"rgb({','.join(map(str, colour))})", _ink_on(colour), own)


def _ink_on(colour: list[int]) -> str:
    """Black or white, whichever has the higher contrast by WCAG's relative luminance."""
    linear = [(part / 255 / 12.92) if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#fff" if luminance < 0.179 else "#000"
