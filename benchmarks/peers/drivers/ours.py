"""This package: what `asd convert` does, with everything on. It reads, plans, mines, writes, checks, fsyncs and commits."""

from __future__ import annotations

from pathlib import Path

import asd
from asd.work.own_process import settle_in


def start() -> None:
    """As the command begins."""
    settle_in()


def work(source: Path, out: Path, ratio: float) -> None:
    asd.convert(task="vqav2", source=source / "rows.jsonl", out=out, ratio=ratio)


def stop() -> None:
    """Nothing runs on."""
