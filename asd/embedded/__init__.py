"""A small data set that this package draws itself, for first runs without any download.

For each of CoIN's eight tasks it has the layout, the native answer style and the kind of question of the real
one. The images are drawn and the questions are about what was drawn, so every answer is true.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["EMBEDDED_TASKS", "write_sample"]

EMBEDDED_TASKS: tuple[str, ...] = (
    "scienceqa",
    "textvqa",
    "imagenet",
    "gqa",
    "vizwiz",
    "grounding",
    "vqav2",
    "ocrvqa",
)


def write_sample(task: str, out: Path, *, rows: int = 120, seed: int = 0) -> Path:
    """Writes `out/train.json` with `rows` questions, and their images; returns its path.

    Image paths are relative to `out`. The same arguments give the same bytes.
    Raises: UnknownNameError for a task that is not embedded.
    """
    from asd.embedded.sample import write_task  # draws with Pillow, which nothing else here needs

    return write_task(task, out, rows=rows, seed=seed)
