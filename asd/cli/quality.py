"""`asd quality`."""

from __future__ import annotations

from shlex import quote
from textwrap import wrap
from typing import Any

from asd.cli.several import over_datasets
from asd.cli.table import Table
from asd.quality.figures import figures_of_version
from asd.report.verdicts import verdicts_on
from asd.shards.store import split_location


def run(directory: str, *, as_json: bool) -> None:
    over_datasets(directory, lambda location: _measure(location, quiet=as_json), as_json=as_json)


def _measure(location: str, *, quiet: bool) -> dict[str, Any]:
    figures = figures_of_version(*split_location(location))
    if not quiet:
        _print_figures(location, figures)
    return figures


def _print_figures(directory: str, figures: dict[str, Any]) -> None:
    print("\n".join(_verdicts(figures)))
    table = Table(["figure", "value"])
    for name, value in figures.items():
        if isinstance(value, dict):
            for key, count in value.items():
                table.add(f"{name}.{key}", _shown(count))
        elif value is not None:
            table.add(name, _shown(value))
    print("\n".join(table.lines()))
    print("\nfigures that do not apply to these rows are left out")
    print(f"a page with samples beside them:  asd inspect {quote(directory)} --html report.html")


def _verdicts(figures: dict[str, Any]) -> list[str]:
    """Title, mark, value and the value wanted of each figure that is judged; then what it means and what to do."""
    lines = []
    for verdict in verdicts_on(figures):
        lines.append(f"{verdict.mark:>4}  {verdict.title}: {verdict.value} (wanted: {verdict.wanted})")
        lines += wrap(
            f"{verdict.meaning} {verdict.remedy}".rstrip(), 100, initial_indent=" " * 6, subsequent_indent=" " * 6
        )
    return [*lines, ""]


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " to ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"
