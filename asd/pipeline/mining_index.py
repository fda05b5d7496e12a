"""The index of a task's answers in the staging folder: made once, checked by whoever goes on from it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from asd.pipeline.collector import collector_paused
from asd.pipeline.ingested import checksum
from asd.shards.files import open_staged, storage_errors

MINING_INDEX = "mining-index"
_CHECKSUM = f"{MINING_INDEX}.xxh3"


def build_mining_index(staging: Path, ingest_dir: Path, seed: int, say: Callable[[str], None]) -> None:
    """Make the index of `mining.arrow` where it is not there, or is not as it was left."""
    path, beside = staging / MINING_INDEX, staging / _CHECKSUM
    if path.is_file():
        if _is_unchanged(path, beside):
            return
        say(f"note: {path} is damaged (it has changed since it was written); making it again")
    _make(path, beside, ingest_dir, seed)


def _is_unchanged(path: Path, beside: Path) -> bool:
    try:
        return beside.read_bytes().decode("ascii", "replace") == checksum(path)
    except OSError:
        return False


def _make(path: Path, beside: Path, ingest_dir: Path, seed: int) -> None:
    """The checksum first, so that an index under its name always has one; parts may do this at the same time."""
    from asd.makers.distractors import DistractorIndex

    table = open_staged(ingest_dir / "mining.arrow").read_all()
    rows = zip(*(table[name].to_pylist() for name in ("key", "question", "gold", "answer_type")), strict=True)
    with collector_paused():
        index = DistractorIndex.build(rows, seed=seed)
    made = [path.with_name(f"{target.name}.{os.getpid()}.tmp") for target in (path, beside)]
    with storage_errors(path):
        index.save(made[0])
        made[1].write_text(checksum(made[0]), encoding="ascii")
        made[1].replace(beside)
        made[0].replace(path)
