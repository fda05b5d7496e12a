"""Run configurations for tests: two tiny tasks, a tiny model, a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asd
from asd_training.config import RunConfig, build_config
from tests.training.tiny_models import BUILDERS
from tests.training.tiny_tasks import two_tasks

TRAIN = {
    "batch": 4,
    "lr": 1e-2,
    "projector_lr": 1e-3,
    "epochs": 2,
    "log_steps": 4,
    "lora": {"r": 4, "alpha": 8, "dropout": 0.1},
}


def make_settings(root: Path, *, model: str = "llava", name: str = "run", **sections: Any) -> dict[str, Any]:
    """Settings of a run below `root`; the model and the shards that are there already are used again."""
    if not (root / model).is_dir():
        BUILDERS[model](root / model)
    settings: dict[str, Any] = {
        "name": name,
        "out": str(root / "runs" / name),
        "method": {"method": "reglora"},
        "model": {"name": str(root / model)},
        "data": _converted(root),
        "train": TRAIN,
        "eval": {"batch": 6, "max_new_tokens": 2},
    }
    for section, changes in sections.items():
        settings[section] = changes if section == "method" else {**settings[section], **changes}
    return settings


def _converted(root: Path) -> dict[str, Any]:
    """The `data` section on shards that are made once."""
    if not (root / "asd").is_dir():
        for entry in two_tasks(root / "data")["tasks"]:
            for split, ratio, end in (("train", 0.25, ""), ("test", 0.0, "-test")):
                asd.convert(split=split, ratio=ratio, out=root / "asd" / f"{entry['task']}{end}", workers=1, **entry)
    tasks = [
        {"task": task, "train": str(root / "asd" / task), "test": str(root / "asd" / f"{task}-test")}
        for task in ("vqav2", "scienceqa")
    ]
    return {"root": str(root / "asd"), "tasks": tasks}


def make_config(root: Path, **settings: Any) -> RunConfig:
    return build_config(make_settings(root, **settings))
