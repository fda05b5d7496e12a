"""What rows shaped like the world's cost: whole processes of `asd convert`, from start to exit.

    python benchmarks/shapes.py                                    # rows made by benchmarks/world.py
    python benchmarks/shapes.py --data ~/vqa                       # also vqav2/, gqa/, textvqa/, vizwiz/ in that folder
    git worktree add ../before COMMIT
    python benchmarks/shapes.py --against ../before --out benchmarks/results/shapes.json

With `--against`, once or more, those trees and this one run in turn, each on the same rows; compare the ratios, since
another machine, or a busy one, gives other seconds. Processor time is that of all processes, user and system.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from peers.machine import machine
from world import write_conversations, write_release

REPOSITORY = Path(__file__).resolve().parents[1]
RUN = "import sys; from asd.cli.main import main; sys.exit(main())"
REAL = ("vqav2", "gqa", "textvqa", "vizwiz")


class Case(NamedTuple):
    name: str
    task: str
    source: Path


def made(folder: Path, rows: int, small: int) -> Iterator[Case]:
    """rows: of the large sets; small: of those that are small in the world, too."""
    for shape, count in (("vqav2", rows), ("gqa", small), ("textvqa", small), ("vizwiz", small)):
        source = folder / shape
        write_release(source, shape, count)
        yield Case(f"{shape}, made, {count:,} rows", shape, source)
    for name in ("unique.json", "unique.jsonl"):
        write_conversations(folder / name, "unique", rows)
        form = "one JSON array" if name.endswith("n") else "JSON Lines"
        yield Case(f"unique questions, {form}, {rows:,} rows", "vqav2", folder / name)


def real(data: Path) -> Iterator[Case]:
    for task in REAL:
        if (data / task).is_dir():
            yield Case(f"{task}, real", task, data / task)
        else:
            print(f"{data / task} is not there: left out", flush=True)


def run(tree: Path, case: Case, ratio: float, out: Path) -> dict[str, float]:
    """One process. Raises: SystemExit with what it printed, if it fails."""
    shutil.rmtree(out, ignore_errors=True)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    compiled = {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "asd-bench-pycache"), "PYTHONPATH": str(tree)}
    command = [sys.executable, "-c", RUN, "convert", "--task", case.task, "--source", str(case.source)]
    command += ["--ratio", str(ratio), "--out", str(out)]
    with (out.parent / "log").open("w+") as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=kept | compiled, cwd=tree, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"{tree}: {case.name} failed:\n{log.read()[-2000:]}")
    counts = json.loads((out / "latest" / "manifest.json").read_text("utf-8"))["counts"]
    found = {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall, "peak_mb": used.ru_maxrss / 1024}
    return found | {"samples": counts["samples"], "converted": counts["converted"]}


def compare(case: Case, ratio: float, trees: list[Path], repeats: int, folder: Path) -> dict[str, Any]:
    """trees: this checkout, then those that it is compared with."""
    runs: list[list[dict[str, float]]] = [[] for _ in trees]
    for repeat in range(
        repeats + 1
    ):  # the first one, which compiles modules and reads files from the disk, is not counted
        for tree, found in zip(trees, runs, strict=True):
            measured = run(tree, case, ratio, folder / "out")
            if repeat:
                found.append(measured)
    ours = runs[0]
    row: dict[str, Any] = {"case": case.name, "ratio": ratio, "samples": ours[0]["samples"], "runs": ours}
    for name, digits in (("cpu_s", 2), ("wall_s", 2), ("peak_mb", 0)):
        row[name] = round(statistics.median(found[name] for found in ours), digits)
    row["cpu_us_per_row"] = round(1e6 * row["cpu_s"] / row["samples"], 1)
    row["before"] = [_beside(commit_of(tree), ours, before) for tree, before in zip(trees[1:], runs[1:], strict=True)]
    return row


def _beside(commit: str, ours: list[dict[str, float]], before: list[dict[str, float]]) -> dict[str, Any]:
    """The runs of another checkout, and how many times as much each took as ours in the same turn: median, least, most."""
    beside: dict[str, Any] = {"commit": commit, "runs": before}
    for name in ("cpu_s", "wall_s"):
        ratios = [other[name] / now[name] for now, other in zip(ours, before, strict=True)]
        beside[f"times_{name}"] = [round(f(ratios), 2) for f in (statistics.median, min, max)]
    return beside


def commit_of(tree: Path) -> str:
    command = ["git", "-C", str(tree), "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def told(row: dict[str, Any]) -> str:
    line = f"{row['case']:<44} {row['ratio']:>4} {row['cpu_s']:>8.2f} s {row['cpu_us_per_row']:>8.1f} µs/row "
    line += f"{row['wall_s']:>7.2f} s {row['peak_mb']:>5.0f} MB"
    for before in row["before"]:
        line += "   processor time of {} / now {} [{}-{}]".format(before["commit"], *before["times_cpu_s"])
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--small", type=int, default=4_000)
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.2, 1.0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="WORD", help="cases whose name has one of these words")
    parser.add_argument("--data", type=Path, help="folder of real sets, by task")
    parser.add_argument(
        "--against", type=Path, action="append", default=[], help="another checkout, run in turn with this one"
    )
    parser.add_argument("--out", type=Path, help="JSON file that the results are put into, each as it is there")
    arguments = parser.parse_args()
    trees = [REPOSITORY, *(tree.resolve() for tree in arguments.against)]
    with tempfile.TemporaryDirectory(prefix="asd-shapes-") as name:
        folder = Path(name)
        cases = [*(real(arguments.data) if arguments.data else ()), *made(folder, arguments.rows, arguments.small)]
        for case in cases:
            if arguments.only and not any(word in case.name for word in arguments.only):
                continue
            for ratio in arguments.ratios:
                row = compare(case, ratio, trees, arguments.repeats, folder)
                print(told(row), flush=True)
                if arguments.out is not None:
                    keep(arguments.out, row)


def keep(path: Path, row: dict[str, Any]) -> None:
    """Put a row into the file of results, in place of an earlier one of the same case and share."""
    earlier = json.loads(path.read_text("utf-8"))["results"] if path.is_file() else []
    others = [other for other in earlier if (other["case"], other["ratio"]) != (row["case"], row["ratio"])]
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": machine(), "commit": commit_of(REPOSITORY), "results": [*others, row]}
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
