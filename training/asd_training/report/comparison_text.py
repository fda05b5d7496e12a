"""A comparison in a terminal, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from asd.report.visible_text import visible
from asd_training.report.comparison import Comparison, Difference, Group
from asd_training.report.figures import MAIN, Figure
from asd_training.report.intervals import Interval

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

COLUMNS = ["kind", "label", "versus", "figure", "unit", "n", "mean", "low", "high", "seeds"]
PUBLISHED_TITLE = "Published, of other models, starts and test draws: for orientation, not for comparison"
LEGEND = "± : half of the 95 % interval, Student's t over seeds; no ± : one seed, no interval; – : not evaluated"


def with_interval(figure: Figure, interval: Interval | None, *, signed: bool = False) -> str:
    """ "66.7 ± 3.2"; without ± for one seed, and where sizes and times are all the same."""
    if interval is None:
        return figure.text(None)
    sign = "-" if interval.mean < 0 else "+" if signed else ""
    text = sign + figure.text(abs(interval.mean))
    is_known = interval.half is None or (interval.half == 0 and figure.unit != "share")
    return text if is_known else f"{text} ± {figure.text(interval.half)}"


def cell(of: Group | Difference, figure: Figure) -> tuple[str, str]:
    """The text, and "n=1" where not all of the seeds have the figure, else ""."""
    interval = of.interval(figure)
    text = with_interval(figure, interval, signed=isinstance(of, Difference))
    return text, f"n={interval.n}" if interval and interval.n != len(of.seeds) else ""


def print_comparison(comparison: Comparison, console: Console) -> None:
    chosen = main_figures(comparison)
    console.print(_table("", comparison.groups, chosen))
    console.print(LEGEND, style="dim", markup=False, highlight=False)
    if comparison.differences:
        title = f"Differences to {comparison.differences[0].versus.label}, paired by seed"
        shares = [figure for figure in chosen if figure.unit == "share"]
        console.print(_table(title, comparison.differences, shares))
    if comparison.published:
        console.print(_published(comparison))
    for note in comparison.notes:
        console.print(f"note: {visible(note)}", style="yellow", markup=False, highlight=False)


def width_needed(comparison: Comparison) -> int:
    """Columns that the tables need where there is no terminal to fit them to."""
    return max(140, 36 + 20 * len(comparison.groups))


def main_figures(comparison: Comparison) -> list[Figure]:
    chosen = [figure for figure in comparison.figures if figure.name in MAIN]
    memories = [figure for figure in comparison.figures if figure.unit == "bytes"]
    device = [figure for figure in memories if figure.name != "memory process"] or memories
    return (
        chosen + device + [figure for figure in comparison.figures if figure.name in ("train_s", "train_processor_s")]
    )


def _table(title: str, columns: Sequence[Group | Difference], figures: list[Figure]) -> Table:
    """A line a figure, a column a group."""
    labels = [column.group.label if isinstance(column, Difference) else column.label for column in columns]
    table = _empty(title, ["", *labels])
    _add(table, ["seeds", *(" ".join(map(str, column.seeds)) for column in columns)])
    for figure in figures:
        _add(table, [figure.title, *(" ".join(cell(column, figure)).rstrip() for column in columns)])
    return table


def _published(comparison: Comparison) -> Table:
    names = [name for name in ("MFT", "MFN", "MAA", "BWT", "BWT (divisor T)", "BWT (divisor T-1)")
             if any(name in row.figures for row in comparison.published)]  # fmt: skip
    table = _empty(PUBLISHED_TITLE, ["method", *(f"{name}, %" for name in names), "start model", "certainty"])
    for row in comparison.published:
        cells = [f"{100 * row.figures[name]:.2f}{'*' if name in row.computed else ''}" if name in row.figures else "–"
                 for name in names]  # fmt: skip
        _add(table, [row.method + (", ASD" if row.asd else ""), *cells, row.start_model, row.certainty])
    table.caption = "* worked out from the published scores"
    return table


def _empty(title: str, header: list[str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    heading = Text(visible(title)) if title else None
    table = Table(title=heading, title_justify="left", caption_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, name in enumerate(header):
        table.add_column(Text(visible(name)), justify="left" if place == 0 else "right", overflow="fold")
    return table


def _add(table: Table, cells: list[str]) -> None:
    from rich.text import Text

    table.add_row(*(Text(visible(cell)) for cell in cells))


def to_csv(comparison: Comparison) -> str:
    """One line a figure; shares in 0..1, empty where not evaluated. kind: group, unfinished, difference, published."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for group in comparison.groups:
        kind = "unfinished" if group.unfinished else "group"
        _write(writer, comparison.figures, kind, group.label, "", group)
    for difference in comparison.differences:
        _write(writer, comparison.figures, "difference", difference.group.label, difference.versus.label, difference)
    for row in comparison.published:
        for name, value in row.figures.items():
            writer.writerow(
                ["published", f"{row.method} ({row.start_model})", "", name, "share", "", value, "", "", ""]
            )
    return out.getvalue()


def _write(writer: Any, figures: list[Figure], kind: str, label: str, versus: str, of: Group | Difference) -> None:
    seeds = " ".join(map(str, of.seeds))
    for figure in figures:
        interval = of.interval(figure)
        numbers = [interval.n, interval.mean, interval.low, interval.high] if interval else [0, None, None, None]
        writer.writerow([kind, label, versus, figure.name, figure.unit, *numbers, seeds])
