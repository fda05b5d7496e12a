"""`asd quality`."""

from __future__ import annotations

import json as json_module
from typing import Any

from asd.cli.table import Table
from asd.quality.figures import quality_figures
from asd.shards.reader import read_batches
from asd.shards.store import split_location


def run(directory: str, *, as_json: bool) -> None:
    root, version = split_location(directory)
    figures = quality_figures(read_batches(root, version))
    if as_json:
        print(json_module.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False))
        return
    table = Table(["figure", "value"])
    for name, value in figures.items():
        if isinstance(value, dict):
            for key, count in value.items():
                table.add(f"{name}.{key}", f"{count:,}")
        else:
            table.add(name, _shown(value))
    print("\n".join(table.lines()))
    if None in figures.values():
        print("\n-: too few rows to tell")
    print(f"\nwhat each figure means, and which value is good:  asd inspect {directory} --html report.html")


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return " to ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"
