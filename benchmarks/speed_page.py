"""Fills docs/speed.md from benchmarks/results, shapes.json, peers*.json and convert.json: `python benchmarks/speed_page.py`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from page import filled
from peers.table import aims_table, how_table, machine_line, speed_table

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "speed.md"


def by_share(result: dict[str, Any]) -> str:
    lines = [
        "| rows | share converted | rows/s | of the floor's speed | processor µs per converted row | peak memory |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["results"]:
        each = row["cpu_us_per_converted_row"]
        lines.append(
            f"| {row['rows']:,} | {100 * row['ratio']:g} % | {row['rows_per_s']:,} | {100 * row['share_of_floor']:.0f} % "
            f"| {'' if each is None else f'{each:.1f}'} | {row['peak_mb']:,} MB |"
        )
    return "\n".join(lines)


def by_shape(result: dict[str, Any]) -> str:
    """What rows shaped like the world's cost; where two checkouts ran in turn, how much less than before."""
    about = result["machine"]
    repeats = max(len(row["runs"]) for row in result["results"])
    lines = [
        f"{about['cores']} cores ({about['cpu']}), {about['memory_gb']:.0f} GB, Python {about['python']}, {about['system']}, "
        f"{about['when']}, shared with other work; {repeats} pair{'s' * (repeats > 1)} of runs each. "
        "Processor time is of whole processes, start included.",
        "",
        "| rows | share converted | processor s | µs a row | before / now [range] | peak MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["results"]:
        times = "{:.2f} [{:.2f}-{:.2f}]".format(*row["times_cpu_s"]) if "times_cpu_s" in row else ""
        name = row["case"] if " rows" in row["case"] else f"{row['case']}, {row['samples']:,} rows"
        lines.append(
            f"| {name} | {100 * row['ratio']:g} % | {row['cpu_s']:.2f} | {row['cpu_us_per_row']:.0f} | {times} "
            f"| {row['peak_mb']:,.0f} |"
        )
    return "\n".join(lines)


def agreement(result: dict[str, Any]) -> str:
    """What the peers' outputs have in common, in one line for each ratio."""
    lines = []
    for part in result["results"]:
        found = part["expected"]
        agreeing = sum(output == found for output in part["outputs"].values())
        styles = ", ".join(f"{style} {count:,}" for style, count in found["styles"].items())
        lines.append(f"- {100 * part['ratio']:g} %: {agreeing} outputs with the digest `{found['digest']}` ({styles})")
    return "\n".join(lines)


def main() -> None:
    results = HERE / "results"
    runs = [json.loads(path.read_text("utf-8")) for path in sorted(results.glob("peers*.json"))]
    runs.sort(key=lambda run: float(run["results"][0]["ratio"]))
    shares = json.loads((results / "convert.json").read_text("utf-8"))
    shapes = json.loads((results / "shapes.json").read_text("utf-8"))
    figures = {
        "shapes": by_shape(shapes),
        "machine": "\n\n".join(map(machine_line, runs)),
        "peers": _each(runs, speed_table),
        "aims": _each(runs, lambda run, part: aims_table(part)),
        "how": how_table(),
        "agreement": "\n".join(map(agreement, runs)),
        "shares": by_share(shares),
    }
    PAGE.write_text(filled(PAGE.read_text("utf-8"), figures), "utf-8")


def _each(runs: list[dict[str, Any]], table: Callable[[dict[str, Any], dict[str, Any]], str]) -> str:
    return "\n\n".join(
        f"**{run['rows']:,} rows, {100 * part['ratio']:g} % converted**\n\n{table(run, part)}"
        for run in runs
        for part in run["summary"]
    )


if __name__ == "__main__":
    main()
