"""Conversions killed at random moments, a byte of a staged file flipped in half of them: the next run must not differ.

    python -m tests.fuzz.kills --kills 200 [--seed 0]

Each conversion is killed once or twice, alone or with worker processes, as one process or as parts; then it is run to
its end, and every file of the version is compared with that of an undisturbed run. Not part of CI: a kill takes about
two seconds.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from asd.shards.store import Store
from tests.asd.robustness.conversions import Run, contents, part_elsewhere, settings, write_source

PARTS = 2
KINDS = {
    "ingest/*.npy": "ingest", "ingest/*.arrow": "ingest", "ingest/*.json*": "ingest",
    "drafts/*": "draft", "mining-index*": "index", "out/data/*.arrow": "shard", "assembled/*": "mark of a shard",
}  # fmt: skip
MOMENTS = [
    ("ingest/native-*", 3), ("ingest/done.json", 1), ("mining-index", 1), ("drafts/0000-*.arrow", 1),
    ("drafts/*.arrow", 4), ("out/data/*.arrow", 1), ("out/data/*.arrow", 4), ("out/manifest.json", 1),
]  # fmt: skip
"""Patterns of staged files, and how many of them are to be there."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="asd-kills-") as folder:
        whole, long_s = undisturbed(Path(folder))
        for number in range(given.kills):
            draw = random.Random(f"{given.seed}:{number}")
            try:
                told = one_kill(Path(folder), whole, long_s, draw)
            except Exception as exc:  # a report of all that failed, not of the first
                told = f"FAILED: {type(exc).__name__}: {exc}"
            tally[told] += 1
            if told.startswith(("FAILED", "DIFFERS")):
                print(f"kill {number} (seed {given.seed}): {told}", file=sys.stderr, flush=True)
            shutil.rmtree(Path(folder) / "data", ignore_errors=True)
    for told, count in sorted(tally.items()):
        print(f"{count:5d} {told}")
    return int(any(told.startswith(("FAILED", "DIFFERS")) for told in tally))


def undisturbed(folder: Path) -> tuple[dict[str, bytes], float]:
    """The files of the version, and how long it takes to make them."""
    write_source(folder)
    Run(settings(folder, out=folder / "warm"), folder).wait()
    began = time.monotonic()
    Run(settings(folder, out=folder / "whole"), folder).wait()
    return contents(folder / "whole" / "versions" / str(Store(folder / "whole").latest())), time.monotonic() - began


def one_kill(folder: Path, whole: dict[str, bytes], long_s: float, draw: random.Random) -> str:
    """What happened, in words."""
    in_parts = draw.random() < 0.25
    workers = draw.choice([1, 1, 1, 2])
    for _ in range(draw.choice([1, 1, 2])):
        run = (
            Run(_part(folder, draw.randrange(PARTS)), folder, part_elsewhere) if in_parts else _convert(folder, workers)
        )
        kill_some_time(run, folder, long_s * (1.5 if workers > 1 else 1), draw)
    flipped = flip_a_byte(folder, draw) if draw.random() < 0.5 else "nothing flipped"
    way = "parts" if in_parts else f"{workers} worker{'s' if workers > 1 else ''}"
    if in_parts and draw.random() < 0.5:
        for index in range(PARTS):
            Run(_part(folder, index), folder, part_elsewhere).wait()
    code, message = _convert(folder, workers).wait()
    if code != 0:
        return f"FAILED: {way}, {flipped}: {message}"
    store = Store(folder / "data")
    version = store.path_of(str(store.latest()))
    made = contents(version)
    if differing := [name for name in {*made, *whole} if made.get(name) != whole.get(name)]:
        return f"DIFFERS: {way}, {flipped}: {', '.join(sorted(differing))}"
    left = [path.name for path in (folder / "data" / ".staging").iterdir() if path.suffix != ".lock"]
    return f"same bytes: {way}, {flipped}" if not left else f"FAILED: {way}, {flipped}: left {left}"


def kill_some_time(run: Run, folder: Path, long_s: float, draw: random.Random) -> None:
    """Soon after a file of one kind came, which is sure to be in the middle; or at any moment of the whole run."""
    pattern, count = draw.choice([*MOMENTS, ("", 0), ("", 0)])
    end = time.monotonic() + (1.2 * long_s * draw.random() if not count else 3 * long_s)
    while run.process.exitcode is None and time.monotonic() < end:
        if count and len(list(folder.glob(f"data/.staging/*/{pattern}"))) >= count:
            run.process.join(draw.uniform(0, 0.05))
            break
        time.sleep(0.0005)
    run.kill()


def _convert(folder: Path, workers: int) -> Run:
    return Run(settings(folder, workers=workers), folder)


def _part(folder: Path, index: int) -> dict[str, Any]:
    return settings(folder, part=(index, PARTS, 0.0))


def flip_a_byte(folder: Path, draw: random.Random) -> str:
    """Of a staged file, each kind as likely as the others; the name of the kind."""
    staged = [path for path in folder.glob("data/.staging/*") if path.is_dir()]
    found: dict[str, list[Path]] = {}
    for pattern, kind in KINDS.items():
        paths = [path for root in staged for path in root.glob(pattern) if path.is_file() and path.stat().st_size]
        found.setdefault(kind, []).extend(sorted(paths))
    kinds = sorted(kind for kind, paths in found.items() if paths)
    if not kinds:
        return "nothing staged"
    kind = draw.choice(kinds)
    path = draw.choice(found[kind])
    with path.open("r+b") as file:
        place = draw.randrange(path.stat().st_size)
        file.seek(place)
        old = file.read(1)[0]
        file.seek(place)
        file.write(bytes([old ^ (1 << draw.randrange(8))]))
    return f"{kind} flipped"


if __name__ == "__main__":
    sys.exit(main())
