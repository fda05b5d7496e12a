"""Medians, ranges, ratios to ours, and the aims: as JSON and as Markdown tables."""

from __future__ import annotations

import statistics
from typing import Any

from .contenders import CONTENDERS, FLOOR, OURS

SHARE_OF_FLOOR = 0.6
PEAK_MB = 600.0


def summary(part: dict[str, Any], rows: int) -> dict[str, Any]:
    """Of one ratio: a line for each contender that ran, quickest first, and whether the aims are met."""
    lines = [_line(name, runs, rows) for name, runs in part["runs"].items() if runs]
    ours = next(line for line in lines if line["name"] == OURS)
    for line in lines:
        line["ours_is_faster"] = round(line["work_s"] / ours["work_s"], 2)
        line["ours_is_faster_range"] = [
            round(line["work_s_range"][0] / ours["work_s_range"][1], 2),
            round(line["work_s_range"][1] / ours["work_s_range"][0], 2),
        ]
    lines.sort(key=lambda line: line["work_s"])
    return {"ratio": part["ratio"], "lines": lines, "aims": _aims(lines)}


def _line(name: str, runs: list[dict[str, float]], rows: int) -> dict[str, Any]:
    work, cpu = [run["work_s"] for run in runs], [run["cpu_s"] for run in runs]
    middle = statistics.median(work)
    return {
        "name": name,
        "work_s": round(middle, 3),
        "work_s_range": [round(min(work), 3), round(max(work), 3)],
        "rows_per_s": round(rows / middle),
        "wall_s": round(statistics.median(run["wall_s"] for run in runs), 2),
        "cpu_s": round(statistics.median(cpu), 2),
        "cpu_s_range": [round(min(cpu), 2), round(max(cpu), 2)],
        "peak_mb": round(max(run["peak_mb"] for run in runs)),
        "others": max(run["others"] for run in runs),
    }


def _aims(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_name = {line["name"]: line for line in lines}
    ours = by_name[OURS]
    found = []
    for contender in CONTENDERS:
        if contender.aim is not None and contender.name in by_name:
            faster = by_name[contender.name]["ours_is_faster"]
            what = f"times as fast as {contender.title}"
            found.append({"what": what, "aim": contender.aim, "found": faster, "met": faster >= contender.aim})
    if FLOOR in by_name:
        share = round(by_name[FLOOR]["work_s"] / ours["work_s"], 3)
        what = "of the I/O floor's speed"
        found.append({"what": what, "aim": SHARE_OF_FLOOR, "found": share, "met": share >= SHARE_OF_FLOOR})
    peak = ours["peak_mb"]
    found.append({"what": "MB at the peak, at most", "aim": PEAK_MB, "found": peak, "met": peak <= PEAK_MB})
    return found


def render(result: dict[str, Any]) -> str:
    """The tables of a result, one pair for each ratio."""
    return "\n\n".join(
        f"{result['rows']:,} rows, {100 * part['ratio']:g} % converted\n\n{speed_table(result, part)}\n\n"
        f"{processor_table(result, part)}\n\n{aims_table(part)}"
        for part in result["summary"]
    )


def speed_table(result: dict[str, Any], part: dict[str, Any]) -> str:
    titles = {contender.name: contender.title for contender in CONTENDERS}
    lines = [
        "| | version | work s [range] | rows/s | with start s | CPU s | peak MB | ours is faster by [range] |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for line in part["lines"]:
        version = result["installed"][line["name"]]["version"]
        low, high = line["work_s_range"]
        faster = "{:.2f} [{:.2f}-{:.2f}]".format(line["ours_is_faster"], *line["ours_is_faster_range"])
        lines.append(
            f"| {titles[line['name']]} | {version} | {line['work_s']:.2f} [{low:.2f}-{high:.2f}] "
            f"| {line['rows_per_s']:,} | {line['wall_s']:.1f} | {line['cpu_s']:.1f} | {line['peak_mb']:,} "
            f"| {'1' if line['name'] == OURS else faster} |"
        )
    return "\n".join(lines)


def processor_table(result: dict[str, Any], part: dict[str, Any]) -> str:
    """By the processor time of whole processes, which a busy machine changes least."""
    by_name = {contender.name: contender for contender in CONTENDERS}
    lines = sorted(part["lines"], key=lambda line: line["cpu_s"])
    ours = next(line for line in lines if line["name"] == OURS)
    table = [
        "| | version | processor s [range] | ours takes less by | work s [range] | peak MB |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for line in lines:
        ranges = ["{:.2f} [{:.2f}-{:.2f}]".format(line[name], *line[f"{name}_range"]) for name in ("cpu_s", "work_s")]
        less = "1" if line is ours else f"{line['cpu_s'] / ours['cpu_s']:.2f}"
        version = result["installed"][line["name"]]["version"]
        table.append(
            f"| {by_name[line['name']].title} | {version} | {ranges[0]} | {less} | {ranges[1]} | {line['peak_mb']:,} |"
        )
    return "\n".join(table)


def aims_table(part: dict[str, Any]) -> str:
    lines = [
        f"| {aim['what']} | {aim['aim']:g} | {aim['found']:g} | {'yes' if aim['met'] else 'no'} |"
        for aim in part["aims"]
    ]
    return "\n".join(["| aim | wanted | found | met |", "| --- | ---: | ---: | --- |", *lines])


def machine_line(result: dict[str, Any]) -> str:
    about = result["machine"]
    repeats = max(len(runs) for part in result["results"] for runs in part["runs"].values())
    others = max(line["others"] for part in result["summary"] for line in part["lines"])
    commit = result["installed"][OURS]["commit"]
    return (
        f"{about['cores']} cores ({about['cpu']}), {about['memory_gb']:.0f} GB, Python {about['python']}, {about['system']}, "
        f"{about['when']}, commit {commit}; {repeats} repeat{'s' * (repeats > 1)}, at most {100 * others:.0f} % of the "
        "processors taken by others."
    )


def how_table() -> str:
    """How each contender is driven, in words."""
    lines = ["| | how |", "| --- | --- |"]
    return "\n".join(lines + [f"| {contender.title} | {contender.how} |" for contender in CONTENDERS])
