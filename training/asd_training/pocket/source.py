"""What a run configuration calls `pocket`: the shipped base models, and tasks that are drawn when first needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from asd_training.pocket import TASKS, Facts

if TYPE_CHECKING:
    from asd_training.config import DataConfig, TaskEntry

MODELS: dict[str, Facts] = {"pocket": "some", "pocket-knowing": "all"}
"""Name in a run configuration -> what the base was told before the sequence."""
DRAWING_VERSION = 4
"""Raised whenever the same settings write other files."""
_MARK = "drawn.json"


def model_location(name: str) -> str:
    """The folder of a shipped base model, any other name as it is."""
    if name not in MODELS:
        return name
    from asd_training.pocket.base_model import base_folder

    return str(base_folder(MODELS[name]))


def with_drawn_tasks(config: DataConfig) -> DataConfig:
    """With `source` and `image_root` of the pocket tasks filled in; they are drawn unless they are there already."""
    drawn = config.pocket
    if drawn is None:
        return config
    folder = Path(drawn.folder)
    wanted = {"version": DRAWING_VERSION, "train": drawn.train, "test": drawn.test, "seed": drawn.seed}
    _draw(folder, wanted)

    def located(entry: TaskEntry) -> TaskEntry:
        if entry.name not in TASKS or entry.source:
            return entry
        return entry.model_copy(update={"source": str(folder / entry.name), "image_root": str(folder)})

    return config.model_copy(update={"tasks": tuple(map(located, config.tasks))})


def _draw(folder: Path, wanted: dict[str, int]) -> None:
    from filelock import FileLock

    from asd_training.pocket.data import write_tasks

    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / _MARK
    with FileLock(folder / ".lock"):
        if mark.is_file() and json.loads(mark.read_text("utf-8")) == wanted:
            return
        mark.unlink(missing_ok=True)
        write_tasks(folder, train=wanted["train"], test=wanted["test"], seed=wanted["seed"])
        mark.write_text(json.dumps(wanted), encoding="utf-8")
