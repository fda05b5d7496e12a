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

_WIDTH = 100


def run(directory: str, *, every: bool, as_json: bool) -> None:
    """every: also print each figure under its name in the JSON document."""
    over_datasets(directory, lambda location: _measure(location, every, quiet=as_json), as_json=as_json)


def _measure(location: str, every: bool, *, quiet: bool) -> dict[str, Any]:
    figures = figures_of_version(*split_location(location))
    if not quiet:
        print("\n".join([*_counts(figures), "", *_verdicts(figures), *(_table(figures) if every else [])]))
        print(f"all figures by name:              asd quality {quote(location)} --all, or --json" if not every else "")
        print(f"a page with samples beside them:  asd inspect {quote(location)} --html report.html")
    return figures


def _counts(figures: dict[str, Any]) -> list[str]:
    """What was measured. Native samples stand as the source has them; only converted ones are judged."""
    makers = {maker: count for maker, count in figures["by_maker"].items() if maker != "native"}
    made = ", ".join(f"{count:,} by {maker}" for maker, count in makers.items())
    styles = ", ".join(f"{style} {count:,}" for style, count in figures["by_style"].items())
    lines = [
        f"{figures['samples']:,} samples, {figures['converted']:,} of them converted{f' ({made})' if made else ''}",
        *wrap(f"styles: {styles}", _WIDTH, subsequent_indent=" " * 8),
    ]
    if not figures["converted"]:
        lines.append("nothing is judged: no sample was converted. `asd convert` says why; a larger --ratio may be all.")
    return lines


def _table(figures: dict[str, Any]) -> list[str]:
    table = Table(["figure", "value"])
    for name, value in figures.items():
        if isinstance(value, dict):
            for key, count in value.items():
                table.add(f"{name}.{key}", _shown(count))
        elif value is not None:
            table.add(name, _shown(value))
    return table.lines()


def _verdicts(figures: dict[str, Any]) -> list[str]:
    """Title, mark, value and the value wanted of each figure that is judged; then what it means and what to do."""
    lines = []
    for verdict in verdicts_on(figures):
        lines.append(f"{verdict.mark:>4}  {verdict.title}: {verdict.value} (wanted: {verdict.wanted})")
        lines += wrap(
            f"{verdict.meaning} {verdict.remedy}".rstrip(), _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
        )
    return [*lines, ""]


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " to ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"
