"""This package: `asd.convert` with everything on. It reads, plans, mines, writes, checks, fsyncs and commits."""

from __future__ import annotations

from pathlib import Path

import asd


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    asd.convert(task="vqav2", source=source / "rows.jsonl", out=out, ratio=ratio)


def stop() -> None:
    """Nothing runs on."""
