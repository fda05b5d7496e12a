"""`asd convert --recipe`: the tasks of a recipe side by side, and the table over all of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from asd.cli.conversion_text import conversion_json, describe_conversion
from asd.cli.table import Table
from asd.conversion.config import ConvertConfig
from asd.errors import AsdError
from asd.recipes.side_by_side import convert_side_by_side


def run_side_by_side(configs: Sequence[ConvertConfig], jobs: int, *, quiet: bool) -> list[dict[str, Any]]:
    """Convert all; what fails is told where it stands, and raised when the others are done."""
    done: list[dict[str, Any]] = []
    failed: list[AsdError] = []
    for config, outcome in convert_side_by_side(configs, jobs):
        if isinstance(outcome, AsdError):
            failed.append(outcome)
            print(f"task {config.task} failed: {outcome}", file=sys.stderr, flush=True)
            continue
        for note in outcome.notes:
            print(f"{config.task}: {note}", file=sys.stderr, flush=True)
        if not quiet:
            print(describe_conversion(outcome), flush=True)
        done.append(conversion_json(outcome))
    if failed:
        if not quiet:
            print("\n".join(summary(done)))
        names = [config.task for config in configs if config.task not in {result["task"] for result in done}]
        failures = f"{len(failed)} of {len(configs)} tasks failed ({', '.join(names)}); the others are done. "
        raise type(failed[0])(f"{failures}First: {failed[0]}") if _takes_text(failed[0]) else failed[0]
    return done


def _takes_text(error: AsdError) -> bool:
    return len(error.args) == 1 and isinstance(error.args[0], str) and type(error).__init__ is AsdError.__init__


def summary(done: Sequence[dict[str, Any]]) -> list[str]:
    """One line a task and their sum."""
    table = Table(["task", "samples", "converted", "share", "stayed native", "unusable rows", "version"])
    total = {"samples": 0, "converted": 0, "shortfall": 0, "rejects": 0}
    for result in done:
        counts = result["counts"]
        row = {key: counts[key] for key in ("samples", "converted", "shortfall")}
        row["rejects"] = sum(counts["rejects"].values())
        for key, value in row.items():
            total[key] += value
        table.add(result["task"], *_cells(row), f"{result['path']}@{result['number']}")
    table.add("all", *_cells(total), "")
    return ["", *table.lines(), "", "stayed native: samples that were to be converted and that no maker could convert."]


def _cells(row: dict[str, int]) -> list[str]:
    share = f"{100 * row['converted'] / row['samples']:.1f} %" if row["samples"] else ""
    return [f"{row['samples']:,}", f"{row['converted']:,}", share, f"{row['shortfall']:,}", f"{row['rejects']:,}"]
