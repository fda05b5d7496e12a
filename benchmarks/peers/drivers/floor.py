"""The I/O floor: parse the same JSON with Arrow's reader, write the very shards that `asd.convert` wrote, fsync them."""

from __future__ import annotations

from pathlib import Path

import pyarrow.json  # noqa: F401  the import is no part of the work
from convert import run_floor


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    run_floor(source / "rows.jsonl", source / f"converted-{ratio}" / "latest", out / "copied")


def stop() -> None:
    """Nothing runs on."""
