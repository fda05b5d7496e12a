"""How `asd convert` grows with the number of rows, on this machine: time, memory, bytes, and the index of answers.

    python benchmarks/scaling.py --rows 100000 1000000                          # minutes
    python benchmarks/scaling.py --rows 100000 1000000 3000000 10000000 --out benchmarks/results/scaling.json
    python benchmarks/scaling_page.py benchmarks/results/scaling.json           # fills docs/scaling.md, draws its plot

Every run is a process tree of its own. 10^7 rows need about 12 GB of disk in `--work`, all of it deleted. Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from convert import make_source
from peers.environments import commit
from peers.machine import machine
from peers.measuring import measure

RATIO = 0.2
DRAWS = 20_000
"""Samples for which wrong answers are drawn when the index is measured."""
DISTRACTORS = 3
LIMIT_S = 7200.0


class Stages:
    """Seconds spent in each stage of a conversion; the progress that `asd.conversion` reports to."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._name, self._since = "preparing", time.perf_counter()

    def stage(self, name: str, total: int | None) -> None:
        now = time.perf_counter()
        self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now - self._since
        self._name, self._since = name, now

    def expect_at_least(self, total: int) -> None:
        """Nor how many there are."""

    def advance(self, rows: int) -> None:
        """Rows are not counted here."""

    def say(self, text: str) -> None:
        """Notes are of no interest here."""

    def close(self) -> None:
        self.stage("", None)


def convert(source: Path, out: Path) -> dict[str, Any]:
    from asd.conversion.config import ConvertConfig
    from asd.conversion.convert import convert as run
    from asd.work.own_process import settle_in

    settle_in()
    stages = Stages()
    start = time.perf_counter()
    done = run(ConvertConfig(task="vqav2", source=str(source), out=out, ratio=RATIO), stages)
    work_s = time.perf_counter() - start
    stages.close()
    assert done.manifest.counts.converted == round(RATIO * done.manifest.counts.samples)
    return {
        "work_s": work_s,
        "stages_s": {name: round(seconds, 3) for name, seconds in stages.seconds.items()},
        "shards": sum(entry.split is not None for entry in done.manifest.files),
    }


def index(source: Path, answers: int) -> dict[str, Any]:
    """Building the index of wrong answers from so many rows, and drawing from it.

    As in a conversion, the rows with the smallest keys are chosen first, so that the index is bounded.
    """
    import numpy as np

    from asd.makers.distractors import DistractorIndex
    from asd.makers.mining_rows import MAX_ROWS
    from asd.records import Sample

    keys = np.fromiter((row[0] for row in _rows(source, answers)), np.uint64, answers)
    bound = keys.max() if answers <= MAX_ROWS else np.partition(keys, MAX_ROWS - 1)[MAX_ROWS - 1]
    chosen = [row for row in _rows(source, answers) if row[0] <= bound]
    start = time.perf_counter()
    built = DistractorIndex.build(chosen, seed=0)
    build_s = time.perf_counter() - start
    samples = [
        Sample(source_id=str(number), question=question, gold=gold, accepted=[gold])
        for number, (_, question, gold, _) in enumerate(_rows(source, DRAWS))
    ]
    start = time.perf_counter()
    drawn = sum(len(built.draw(sample, DISTRACTORS, 0)) for sample in samples)
    draw_s = time.perf_counter() - start
    return {
        "indexed": len(chosen),
        "build_s": build_s,
        "draw_us": 1e6 * draw_s / len(samples),
        "drawn_per_sample": drawn / len(samples),
        "buckets": len(built),
    }


def _rows(source: Path, count: int) -> Iterator[tuple[int, str, str, None]]:
    """(key, question, gold answer, no answer type) of the first rows of a source."""
    import orjson
    import xxhash

    with source.open("rb") as lines:
        for line in islice(lines, count):
            record = orjson.loads(line)
            human, reply = record["conversations"]
            question = human["value"].removeprefix("<image>\n").partition("\n")[0]
            yield xxhash.xxh3_64_intdigest(record["id"].encode()), question, reply["value"], None


class FolderPeak:
    """The most bytes that a folder held, looked at twice a second."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bytes = folder, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> FolderPeak:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            self.bytes = max(self.bytes, folder_bytes(self.folder))


def folder_bytes(folder: Path) -> int:
    """Of all files below it that are there long enough to be asked."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


class Bench:
    """Where things are written, and what every child is started with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        compiled = str(Path(tempfile.gettempdir()) / "asd-bench-pycache")
        self.environment = {"PYTHONPYCACHEPREFIX": compiled} | kept

    def source(self, rows: int) -> Path:
        return self.folder / f"rows-{rows}.jsonl"

    def make_sources(self, sizes: list[int]) -> None:
        """The rows of a smaller source are the first of the largest."""
        largest = self.source(max(sizes))
        if not largest.is_file():
            unfinished = largest.with_suffix(".unfinished")
            make_source(unfinished, max(sizes))
            unfinished.rename(largest)
        for rows in sizes:
            if not self.source(rows).is_file():
                with largest.open("rb") as lines, self.source(rows).open("wb") as file:
                    file.writelines(islice(lines, rows))

    def child(self, *arguments: str) -> dict[str, Any]:
        report, log = self.folder / "report.json", self.folder / "child.log"
        os.sync()
        command = [sys.executable, __file__, "--report", str(report), "--child", *arguments]
        found = measure(command, self.environment, self.folder, log, LIMIT_S)
        return found | json.loads(report.read_text("ascii"))

    def conversion(self, rows: int, cores: int) -> dict[str, Any]:
        source, out = self.source(rows), self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        with FolderPeak(out) as held:
            found = self.child("convert", str(source), str(out), str(cores))
        found |= {
            "rows": rows,
            "cores": cores,
            "source_bytes": source.stat().st_size,
            "version_bytes": folder_bytes(out / "versions"),
            "held_bytes": max(held.bytes, folder_bytes(out)),
        }
        shutil.rmtree(out)
        return found

    def indexing(self, answers: int) -> dict[str, Any]:
        found = self.child("index", str(self.source(answers)), str(answers), "1")
        return found | {"answers": answers}


def child(what: str, source: str, given: str, cores: str, report: Path) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    found = convert(Path(source), Path(given)) if what == "convert" else index(Path(source), int(given))
    found["main_peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    report.write_text(json.dumps(found), "ascii")


def repeats_of(rows: int, repeats: int) -> int:
    """Large runs once: their spread is small beside their length."""
    return max(1, min(repeats, 3_000_000 // rows))


def run_all(bench: Bench, sizes: list[int], repeats: int, tell: Callable[[str], None]) -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0))
    conversions, indexes = [], []
    one_core = max(rows for rows in sizes if rows <= max(1_000_000, min(sizes)))
    bench.make_sources(sizes)
    plan = [(rows, cores) for rows in sizes for _ in range(repeats_of(rows, repeats))]
    plan += [(one_core, 1)] * repeats_of(one_core, repeats)
    for rows, used in plan:
        found = bench.conversion(rows, used)
        conversions.append(found)
        per_s = rows / found["work_s"]
        tell(
            f"{rows:>12,} rows, {used} core(s): {found['work_s']:8.2f} s, {per_s:>9,.0f} rows/s, {found['peak_mb']:,.0f} MB"
        )
    for answers in sizes:
        found = bench.indexing(answers)
        indexes.append(found)
        tell(
            f"{answers:>12,} answers: built in {found['build_s']:.2f} s, {found['draw_us']:.1f} us a draw of {DISTRACTORS}"
        )
    return {"conversions": conversions, "indexes": indexes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3, help="of runs up to 10^6 rows; larger ones run once")
    parser.add_argument("--work", type=Path, help="where data is written; default: the temporary folder")
    parser.add_argument("--keep", action="store_true", help="keep the sources made in --work for the next time")
    parser.add_argument("--out", type=Path, help="JSON file for the result")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child, arguments.report)
        return
    if arguments.keep and arguments.work is None:
        parser.error("--keep needs --work DIR")
    with tempfile.TemporaryDirectory(prefix="asd-scaling-", dir=arguments.work) as name:
        bench = Bench(arguments.work if arguments.keep else Path(name))
        found = run_all(bench, sorted(arguments.rows), arguments.repeats, lambda line: print(line, flush=True))
    result = {"machine": machine(), "commit": commit(None), "ratio": RATIO} | found
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
