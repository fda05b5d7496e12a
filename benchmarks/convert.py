"""Speed and memory of `asd convert` against the I/O floor: read the same JSON, write the same Arrow, convert nothing.

    python benchmarks/convert.py                                # 10^5 rows, ratios 0, 0.2 and 1
    python benchmarks/convert.py --rows 100000 1000000 --repeats 3 --out benchmarks/results/convert.json
    python benchmarks/convert.py --profile                      # what a converted row costs, part by part

Every run is a process of its own (so that peak memory is its own), conversions and floors in turn; the figures to
quote are the ratios. The rows are made here: short-answer questions in LLaVA conversation form, JSON Lines.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import convert_parts

RFP = "Answer the question using a single word or phrase."
THINGS = (
    "dog cat horse bus train car truck boat bird sheep cow bench clock vase kite pizza cake chair couch bed table "
    "laptop phone book umbrella tie bowl cup fork knife"
).split()
COLOURS = [
    "white",
    "black",
    "red",
    "blue",
    "green",
    "brown",
    "yellow",
    "gray",
    "orange",
    "pink",
    "purple",
    "tan",
    "silver",
    "gold",
]
PLACES = [
    "on the table",
    "in the street",
    "on the grass",
    "in the kitchen",
    "at the beach",
    "on the left",
    "outside",
]
NAMES = [
    "nikon",
    "canon",
    "dell",
    "samsung",
    "toyota",
    "honda",
    "nokia",
    "coca cola",
    "pepsi",
    "adidas",
    "nike",
]


def make_source(path: Path, rows: int) -> None:
    """Questions of five kinds, with the skewed answers that such data sets have."""
    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            thing = draw.choice(THINGS)
            kind = draw.random()
            if kind < 0.3:
                question, answer = (
                    f"What color is the {thing}?",
                    COLOURS[int(draw.paretovariate(0.9)) % len(COLOURS)],
                )
            elif kind < 0.5:
                question, answer = (
                    f"How many {thing}s are in the picture?",
                    str(int(draw.paretovariate(0.8)) % 30),
                )
            elif kind < 0.75:
                question, answer = (
                    f"Is the {thing} near the {draw.choice(THINGS)}?",
                    draw.choice(["yes", "no"]),
                )
            elif kind < 0.9:
                question, answer = f"Where is the {thing}?", draw.choice(PLACES)
            else:
                question, answer = f"What brand is the {thing}?", draw.choice(NAMES)
            record = {
                "id": str(number),
                "image": f"COCO2014/train2014/COCO_train2014_{number // 5:012d}.jpg",
                "conversations": [
                    {"from": "human", "value": f"<image>\n{question}\n{RFP}"},
                    {"from": "gpt", "value": answer},
                ],
            }
            file.write(json.dumps(record) + "\n")


def run_convert(source: Path, out: Path, ratio: float, workers: int | None) -> None:
    import asd
    from asd.work.own_process import settle_in

    settle_in()
    asd.convert(task="vqav2", source=source, out=out, ratio=ratio, workers=workers)


def run_floor(source: Path, shards: Path, out: Path) -> None:
    """Parse the JSON in blocks with Arrow's own reader; write the very shards that a conversion wrote."""
    import pyarrow as pa
    import pyarrow.json as pj

    out.mkdir()
    rows = 0
    with pj.open_json(source, read_options=pj.ReadOptions(block_size=8 << 20)) as reader:
        for batch in reader:
            rows += batch.num_rows
    for path in sorted(shards.glob("data/*.arrow")):
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        with pa.OSFile(str(out / path.name), "wb") as sink, pa.ipc.new_file(sink, reader.schema) as writer:
            for number in range(reader.num_record_batches):
                writer.write_batch(reader.get_batch(number))
        with (out / path.name).open("rb+") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # as the conversion does
    assert rows


def measure(arguments: list[str]) -> dict[str, float]:
    """Wall and processor seconds and peak memory (MB, largest process) of one child process, imports included.

    Compiled modules are kept, as for an installed package, wherever the caller's environment forbids that.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "asd-bench-pycache")} | kept
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    wall = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(done.stderr)
    return {"wall_s": wall, **json.loads(done.stdout.splitlines()[-1])}


def child(arguments: argparse.Namespace) -> None:
    if arguments.child == "parts":
        print(json.dumps(convert_parts.run_parts(arguments.task, arguments.source, arguments.ratio)))
        return
    start = time.perf_counter()
    if arguments.child == "convert":
        run_convert(arguments.source, arguments.out, arguments.ratio, arguments.workers)
    else:
        run_floor(arguments.source, arguments.shards, arguments.out)
    work = time.perf_counter() - start
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(used.ru_utime + used.ru_stime for used in usage)
    print(json.dumps({"work_s": work, "cpu_s": cpu, "peak_mb": max(used.ru_maxrss for used in usage) / 1024}))


def compare(folder: Path, rows: int, ratio: float, repeats: int, workers: int | None) -> dict[str, Any]:
    source = folder / f"rows-{rows}.jsonl"
    if not source.is_file():
        make_source(source, rows)
    converted, copied = folder / "converted", folder / "copied"
    ours: list[dict[str, float]] = []
    floors: list[dict[str, float]] = []
    for _ in range(repeats):
        shutil.rmtree(converted, ignore_errors=True)
        shutil.rmtree(copied, ignore_errors=True)
        options = [] if workers is None else ["--workers", str(workers)]
        ours.append(
            measure(
                [
                    "--child",
                    "convert",
                    "--source",
                    str(source),
                    "--out",
                    str(converted),
                    "--ratio",
                    str(ratio),
                    *options,
                ]
            )
        )
        floors.append(
            measure(
                [
                    "--child",
                    "floor",
                    "--source",
                    str(source),
                    "--out",
                    str(copied),
                    "--shards",
                    str(converted / "latest"),
                ]
            )
        )
    work = statistics.median(run["work_s"] for run in ours)
    floor = statistics.median(run["work_s"] for run in floors)
    return {
        "rows": rows,
        "ratio": ratio,
        "rows_per_s": round(rows / work),
        "floor_rows_per_s": round(rows / floor),
        "share_of_floor": round(
            statistics.median(f["work_s"] / o["work_s"] for o, f in zip(ours, floors, strict=True)), 3
        ),
        "spread": [
            round(min(run["work_s"] for run in ours), 3),
            round(max(run["work_s"] for run in ours), 3),
        ],
        "cpu_s": round(statistics.median(run["cpu_s"] for run in ours), 2),
        "floor_cpu_s": round(statistics.median(run["cpu_s"] for run in floors), 2),
        "peak_mb": round(max(run["peak_mb"] for run in ours)),
        "floor_peak_mb": round(max(run["peak_mb"] for run in floors)),
        "cpu_us_per_converted_row": None,
    }


def profile(arguments: argparse.Namespace) -> None:
    """Print the parts of a converted row's cost at each ratio given, else at 1."""
    with tempfile.TemporaryDirectory(prefix="asd-bench-") as name:
        source = arguments.source
        if source is None:
            source = Path(name) / "rows.jsonl"
            make_source(source, arguments.rows[0])
        for ratio in arguments.ratios or [1.0]:
            options = ["--child", "parts", "--source", str(source), "--task", arguments.task, "--ratio", str(ratio)]
            runs = [measure(options) for _ in range(arguments.repeats)]
            for run in runs:
                del run["wall_s"]
            print("\n".join(convert_parts.table(runs, ratio)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--ratios", type=float, nargs="+", help="default: 0, 0.2 and 1; with --profile 1")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--profile", action="store_true", help="what a converted row costs, part by part")
    parser.add_argument("--source", type=Path, help="with --profile: other rows than those made here")
    parser.add_argument("--task", default="vqav2", help="with --source: the task of those rows")
    parser.add_argument("--child", choices=["convert", "floor", "parts"], help=argparse.SUPPRESS)
    parser.add_argument("--shards", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ratio", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments)
        return
    if arguments.profile:
        profile(arguments)
        return
    results = []
    with tempfile.TemporaryDirectory(prefix="asd-bench-") as name:
        print(f"{'rows':>10} {'ratio':>5} {'rows/s':>10} {'floor':>10} {'share':>6} {'peak MB':>8} {'floor MB':>8}")
        for rows in arguments.rows:
            at_zero = None
            for ratio in arguments.ratios or [0.0, 0.2, 1.0]:
                found = compare(Path(name), rows, ratio, arguments.repeats, arguments.workers)
                if ratio == 0:
                    at_zero = found["cpu_s"]
                elif at_zero is not None:
                    extra = found["cpu_s"] - at_zero
                    found["cpu_us_per_converted_row"] = round(1e6 * extra / (ratio * rows), 1)
                results.append(found)
                speed = f"{found['rows_per_s']:>10,} {found['floor_rows_per_s']:>10,} {found['share_of_floor']:>6.2f}"
                memory = f"{found['peak_mb']:>8} {found['floor_peak_mb']:>8}"
                print(f"{rows:>10,} {ratio:>5} {speed} {memory}", flush=True)
    if arguments.out is not None:
        machine = {
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
            "system": platform.system(),
        }
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
