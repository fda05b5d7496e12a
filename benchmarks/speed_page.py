"""Fills docs/speed.md from benchmarks/results, shapes.json, peers*.json and convert.json: `python benchmarks/speed_page.py`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from page import filled
from peers.table import aims_table, how_table, machine_line, processor_table, speed_table

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
    """What rows shaped like the world's cost, and how many times as much they cost in other checkouts that ran in turn."""
    about, rows = result["machine"], result["results"]
    repeats = max(len(row["runs"]) for row in rows)
    commits = list(dict.fromkeys(before["commit"] for row in rows for before in row["before"]))
    turns = f"{repeats} run{'s' * (repeats > 1)} of each commit, in turn"
    lines = [
        wrapped(
            f"{about['cores']} cores ({about['cpu']}), {about['memory_gb']:.0f} GB, Python {about['python']}, "
            f"{about['system']}, {about['when']}, commit {result['commit']}, shared with other work; {turns}. "
            "Processor time is of whole processes, start included; in brackets the range over the turns."
        ),
        "",
        f"| rows | share converted | processor s | µs a row | {''.join(f'{name} / now | ' for name in commits)}peak MB |",
        f"| --- | ---: | ---: | ---: | {'---: | ' * len(commits)}---: |",
    ]
    for row in rows:
        times = {before["commit"]: "{:.2f} [{:.2f}-{:.2f}]".format(*before["times_cpu_s"]) for before in row["before"]}
        name = row["case"] if " rows" in row["case"] else f"{row['case']}, {row['samples']:,} rows"
        lines.append(
            f"| {name} | {100 * row['ratio']:g} % | {row['cpu_s']:.2f} | {row['cpu_us_per_row']:.0f} "
            f"| {''.join(times.get(commit, '') + ' | ' for commit in commits)}{row['peak_mb']:,.0f} |"
        )
    return "\n".join(lines)


def wrapped(text: str) -> str:
    return textwrap.fill(text, 124, break_long_words=False, break_on_hyphens=False)


def by_processor(result: dict[str, Any]) -> str:
    """The peers that do the same work, on rows of one shape."""
    name = {"unique": "no two questions alike"}.get(result["shape"], f"as in {result['shape']}")
    (part,) = result["summary"]
    head = f"**{result['rows']:,} rows, {name}, {100 * part['ratio']:g} % converted**"
    return f"{head}\n\n{wrapped(machine_line(result))}\n\n{processor_table(result, part)}"


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
    same = [json.loads(path.read_text("utf-8")) for path in sorted(results.glob("same-work-*.json"))]
    figures = {
        "same work": "\n\n".join(map(by_processor, same)),
        "shapes": by_shape(shapes),
        "machine": "\n\n".join(wrapped(machine_line(run)) for run in runs),
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
