"""From measured sizes to 10^8 and 10^9 rows: slopes, sums, docs/scaling.md's tables and its plot.

    python benchmarks/scaling_page.py benchmarks/results/scaling.json      # rewrites docs/scaling.md, docs/scaling.svg

What is carried on beyond the largest size is said to be so on the page.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass, replace
from math import ceil, log
from pathlib import Path
from typing import Any

from page import filled

DOCS = Path(__file__).resolve().parents[1] / "docs"
TARGETS = (10**8, 10**9)
SHARD_ROWS = 65_536
PART_BYTES = 8 << 20
"""Of a ranged read or a part of a multipart upload."""
CORES, PARTS = 64, 32
HELD_BYTES = 11
"""That the planning process holds of each row at the least: 10 while the source is read, then 8 to 11 for the plan.
What the processes take by themselves hides a part of it up to 10^7 rows."""
STAGES = ("preparing", "reading", "converting", "writing")
BYTES = ("source_bytes", "version_bytes", "held_bytes")


@dataclass(frozen=True)
class Point:
    """Medians over the runs of one size."""

    rows: int
    work_s: float
    low_s: float
    high_s: float
    cpu_s: float
    peak_mb: float
    main_peak_mb: float
    stages_s: dict[str, float]
    source_bytes: int
    version_bytes: int
    held_bytes: int


def points(result: dict[str, Any], cores: int) -> list[Point]:
    """One per size, by size."""
    runs = [run for run in result["conversions"] if run["cores"] == cores]
    return [
        _point(rows, [run for run in runs if run["rows"] == rows]) for rows in sorted({run["rows"] for run in runs})
    ]


def _point(rows: int, runs: list[dict[str, Any]]) -> Point:
    def middle(name: str) -> float:
        return statistics.median(run[name] for run in runs)

    work = [run["work_s"] for run in runs]
    stages = {name: statistics.median(run["stages_s"].get(name, 0.0) for run in runs) for name in STAGES}
    return Point(
        rows, middle("work_s"), min(work), max(work), middle("cpu_s"), max(run["peak_mb"] for run in runs),
        max(run["main_peak_mb"] for run in runs), stages, *(round(middle(name)) for name in BYTES),
    )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A quantity beyond the largest size: its value there plus the slope between the two largest sizes."""

    rows: int
    value: float
    slope: float

    @classmethod
    def through(cls, found: list[Point], name: str) -> Line:
        before, last = (found[-2], found[-1])
        slope = (getattr(last, name) - getattr(before, name)) / (last.rows - before.rows)
        return cls(last.rows, getattr(last, name), max(slope, 0.0))

    def at_least(self, slope: float) -> Line:
        return replace(self, slope=max(self.slope, slope))

    def at(self, rows: float) -> float:
        return self.value + self.slope * (rows - self.rows)

    def reaches(self, value: float) -> float:
        """The number of rows at which it is so much; infinite if it does not grow."""
        return self.rows + (value - self.value) / self.slope if self.slope > 0 else float("inf")


def decade_below(found: list[Point]) -> list[Point]:
    """The largest size and one about ten times smaller: a slope over a decade."""
    last = found[-1]
    before = min(found[:-1], key=lambda point: abs(log(last.rows / point.rows) - log(10)))
    return [before, last]


def exponent(found: list[Point], name: str) -> float:
    """b of rows^b over the last decade."""
    before, last = decade_below(found)
    return log(getattr(last, name) / getattr(before, name)) / log(last.rows / before.rows)


def shared(one: Point, two: Point) -> dict[str, tuple[float, float]]:
    """stage -> (seconds on one core, part of them that a second core does not shorten)."""
    found = {}
    for stage in STAGES:
        alone, both = one.stages_s[stage], two.stages_s[stage]
        found[stage] = alone, min(1.0, max(0.0, 2 * both / alone - 1)) if alone else 1.0
    return found


def on_cores(stages: dict[str, tuple[float, float]], cores: int) -> float:
    """Seconds, if what a second core does not shorten is shortened by none (Amdahl)."""
    return sum(alone * (serial + (1 - serial) / cores) for alone, serial in stages.values())


def measured_table(found: list[Point]) -> str:
    lines = [
        "| rows | seconds [range] | rows/s | of it reading / converting / writing | processor s | peak memory MB |",
        "| ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    for point in found:
        stages = " / ".join(f"{point.stages_s[name]:.1f}" for name in STAGES[1:])
        lines.append(
            f"| {point.rows:,} | {point.work_s:.2f} [{point.low_s:.2f}-{point.high_s:.2f}] "
            f"| {point.rows / point.work_s:,.0f} | {stages} | {point.cpu_s:.1f} | {point.peak_mb:,.0f} |"
        )
    return "\n".join(lines)


def bytes_table(found: list[Point]) -> str:
    lines = [
        "| rows | source, bytes a row | version, bytes a row | held at the most, bytes a row |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for point in found:
        each = " | ".join(f"{getattr(point, name) / point.rows:,.0f}" for name in BYTES)
        lines.append(f"| {point.rows:,} | {each} |")
    return "\n".join(lines)


def index_table(result: dict[str, Any]) -> str:
    lines = [
        "| answers | indexed | seconds to build | microseconds to draw three | drawn on average |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {run['answers']:,} | {run['indexed']:,} | {run['build_s']:.2f} | {run['draw_us']:.1f} "
        f"| {run['drawn_per_sample']:.2f} |"
        for run in sorted(result["indexes"], key=lambda run: run["answers"])
    ]
    return "\n".join(lines)


def slopes_table(found: list[Point]) -> str:
    decade = decade_below(found)
    lines = [
        f"| from {decade[0].rows:,} to {decade[1].rows:,} rows | per further row | grows as rows to the power |",
        "| --- | ---: | ---: |",
    ]
    units = {"work_s": ("time", 1e6, "µs"), "cpu_s": ("processor time, all cores", 1e6, "µs"),
             "peak_mb": ("memory, all processes", 1e6, "bytes"), "main_peak_mb": ("memory, the planning process", 1e6, "bytes"),
             "version_bytes": ("version", 1, "bytes"), "held_bytes": ("held on disk at the most", 1, "bytes")}  # fmt: skip
    for name, (title, factor, unit) in units.items():
        slope = factor * Line.through(decade, name).slope
        lines.append(f"| {title} | {slope:,.2f} {unit} | {exponent(found, name):.2f} |")
    return "\n".join(lines)


def cores_table(stages: dict[str, tuple[float, float]], two: Point) -> str:
    lines = ["| stage | s on one core | s on two | not shared |", "| --- | ---: | ---: | ---: |"]
    for stage, (alone, serial) in stages.items():
        lines.append(f"| {stage} | {alone:.2f} | {two.stages_s[stage]:.2f} | {100 * serial:.0f} % |")
    return "\n".join(lines)


def in_parts(stages: dict[str, tuple[float, float]], cores: int) -> float:
    """Seconds where one part of two cores reads and all parts, with so many cores together, do the rest."""
    read = {name: stages[name] for name in ("preparing", "reading")}
    rest = {name: stages[name] for name in ("converting", "writing")}
    return on_cores(read, 2) + on_cores(rest, cores)


def sums_table(found: list[Point], stages: dict[str, tuple[float, float]]) -> str:
    decade = decade_below(found)
    lines_of = {name: Line.through(decade, name) for name in ("work_s", *BYTES)}
    lines_of |= {name: Line.through(decade, name).at_least(HELD_BYTES / 1e6) for name in ("peak_mb", "main_peak_mb")}
    two = on_cores(stages, 2)
    quicker, parted = on_cores(stages, CORES) / two, in_parts(stages, CORES) / two
    rows = [
        ("source", lambda n: _size(lines_of["source_bytes"].at(n))),
        ("version", lambda n: _size(lines_of["version_bytes"].at(n))),
        ("disk held at the most, without the source", lambda n: _size(lines_of["held_bytes"].at(n))),
        ("memory of all processes, 2 cores", lambda n: _size(1e6 * lines_of["peak_mb"].at(n))),
        ("of it the planning process (each part has one)", lambda n: _size(1e6 * lines_of["main_peak_mb"].at(n))),
        ("one machine, 2 cores", lambda n: _time(lines_of["work_s"].at(n))),
        (f"one machine, {CORES} cores", lambda n: _time(quicker * lines_of["work_s"].at(n))),
        (f"{PARTS} parts of 2 cores (`--num-shards {PARTS}`)", lambda n: _time(parted * lines_of["work_s"].at(n))),
        ("shards", lambda n: f"{ceil(n / SHARD_ROWS):,}"),
        ("requests to read the source", lambda n: f"{ceil(lines_of['source_bytes'].at(n) / PART_BYTES):,}"),
        ("requests to write the version", lambda n: f"{_writes(lines_of['version_bytes'].at(n), n):,}"),
    ]
    head = ["| | " + " | ".join(f"{target:,} rows" for target in TARGETS) + " |", "| --- |" + " ---: |" * len(TARGETS)]
    return "\n".join(head + [f"| {name} | " + " | ".join(map(of, TARGETS)) + " |" for name, of in rows])


def _writes(total: float, rows: int) -> int:
    """Each shard as a multipart upload: begin, parts, complete; then manifest, card, reference."""
    shards = ceil(rows / SHARD_ROWS)
    return shards * (ceil(total / shards / PART_BYTES) + 2) + 3


def limits_table(found: list[Point], memory_gb: float) -> str:
    decade = decade_below(found)
    memory, held, work = (Line.through(decade, name) for name in ("peak_mb", "held_bytes", "work_s"))
    memory = memory.at_least(HELD_BYTES / 1e6)
    limits = [
        (f"this machine's memory, {memory_gb:.0f} GB", memory.reaches(1e3 * memory_gb)),
        ("memory of 256 GB", memory.reaches(256e3)),
        ("a disk of 1 TB", held.reaches(1e12)),
        ("a disk of 10 TB", held.reaches(1e13)),
        ("a day on 2 cores", work.reaches(86_400)),
        ("five digits in a shard's name", SHARD_ROWS * 10**5),
        ("32-bit row numbers (then 64, a quarter of a byte a row more)", 2**32),
    ]
    lines = ["| limit | reached at about |", "| --- | ---: |"]
    for name, rows in sorted(limits, key=lambda limit: limit[1]):
        lines.append(f"| {name} | {_count(rows)} |")
    return "\n".join(lines)


def _count(rows: float) -> str:
    return (
        "never" if rows == float("inf") else f"{rows / 1e6:,.0f} million rows" if rows < 1e10 else "beyond 10^10 rows"
    )


def _size(value: float) -> str:
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= scale:
            return f"{value / scale:,.1f} {unit}"
    return f"{value:,.0f} bytes"


def _time(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 5400 else f"{seconds / 60:,.1f} min"


def machine_line(result: dict[str, Any]) -> str:
    about = result["machine"]
    others = max(run["others"] for run in result["conversions"])
    return (
        f"{about['cores']} cores ({about['cpu']}), {about['memory_gb']:.0f} GB, Python {about['python']}, {about['when']}, "
        f"commit {result['commit']}; {100 * result['ratio']:g} % converted; at most {100 * others:.0f} % of the processors "
        "taken by others."
    )


def plot(found: list[Point], result: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "scaling"
    import matplotlib.pyplot as plt

    figure, (time_axes, memory_axes, index_axes) = plt.subplots(1, 3, figsize=(11, 3.4))
    rows = [point.rows for point in found]
    time_axes.loglog(rows, [point.work_s for point in found], "o-", label="all of it")
    for stage in STAGES[1:]:
        time_axes.loglog(rows, [point.stages_s[stage] for point in found], ".--", label=stage, linewidth=0.8)
    time_axes.set(title="seconds", xlabel="rows")
    memory_axes.semilogx(rows, [point.peak_mb for point in found], "o-")
    memory_axes.set(title="peak memory, MB, all processes", xlabel="rows", ylim=(0, None))
    runs = sorted(result["indexes"], key=lambda run: run["answers"])
    index_axes.semilogx([run["answers"] for run in runs], [run["build_s"] for run in runs], "o-", label="build, s")
    index_axes.semilogx(
        [run["answers"] for run in runs], [run["draw_us"] / 10 for run in runs], "o-", label="draw three, 10 µs"
    )
    index_axes.set(title="index of wrong answers", xlabel="answers", ylim=(0, None))
    time_axes.legend(frameon=False)
    index_axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    result = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    cores = result["machine"]["cores"]
    found, alone = points(result, cores), points(result, 1)[-1]
    both = next(point for point in found if point.rows == alone.rows)
    stages = shared(alone, both)
    tables = {
        "machine": machine_line(result),
        "measured": measured_table(found),
        "bytes": bytes_table(found),
        "index": index_table(result),
        "slopes": slopes_table(found),
        "cores": cores_table(stages, both),
        "sums": sums_table(found, stages),
        "limits": limits_table(found, result["machine"]["memory_gb"]),
    }
    page = DOCS / "scaling.md"
    page.write_text(filled(page.read_text("utf-8"), tables), "utf-8")
    plot(found, result, DOCS / "scaling.svg")


if __name__ == "__main__":
    main()
