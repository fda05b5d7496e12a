"""`asd quality`."""

from __future__ import annotations

import json as json_module
from shlex import quote
from textwrap import wrap
from typing import Any

from asd.cli.table import Table
from asd.quality.figures import quality_figures
from asd.report.verdicts import judge
from asd.shards.reader import read_batches
from asd.shards.store import split_location


def run(directory: str, *, as_json: bool) -> None:
    root, version = split_location(directory)
    figures = quality_figures(read_batches(root, version))
    if as_json:
        print(json_module.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False))
        return
    print("\n".join(_verdicts(figures)))
    table = Table(["figure", "value"])
    for name, value in figures.items():
        if isinstance(value, dict):
            for key, count in value.items():
                table.add(f"{name}.{key}", f"{count:,}")
        elif value is not None:
            table.add(name, _shown(value))
    print("\n".join(table.lines()))
    print("\nfigures that do not apply to these rows are left out")
    print(f"a page with samples beside them:  asd inspect {quote(directory)} --html report.html")


def _verdicts(figures: dict[str, Any]) -> list[str]:
    """Title, mark, value and the value wanted of each figure that is judged; then what it means and what to do."""
    lines = []
    for verdict in judge(figures):
        lines.append(f"{verdict.mark:>4}  {verdict.title}: {verdict.value} (wanted: {verdict.wanted})")
        lines += wrap(
            f"{verdict.meaning} {verdict.remedy}".rstrip(), 100, initial_indent=" " * 6, subsequent_indent=" " * 6
        )
    return [*lines, ""]


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " to ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"
