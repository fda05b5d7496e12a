"""Run configurations for tests: two tiny tasks, a tiny model, a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.training.tiny_models import BUILDERS
from tests.training.tiny_tasks import two_tasks
from training.config import RunConfig, build_config

TRAIN = {
    "batch": 4,
    "lr": 1e-2,
    "projector_lr": 1e-3,
    "epochs": 2,
    "log_steps": 4,
    "lora": {"r": 4, "alpha": 8, "dropout": 0.1},
}


def make_settings(root: Path, *, model: str = "llava", name: str = "run", **sections: Any) -> dict[str, Any]:
    """Settings of a run below `root`; models and sources that are there already are used again."""
    if not (root / model).is_dir():
        BUILDERS[model](root / model)
    settings: dict[str, Any] = {
        "name": name,
        "out": str(root / "runs" / name),
        "method": {"method": "reglora"},
        "model": {"name": str(root / model)},
        "data": two_tasks(root / "data"),
        "train": TRAIN,
        "eval": {"batch": 4, "max_new_tokens": 4, "constrained": True},
    }
    for section, changes in sections.items():
        old = settings[section]
        settings[section] = {**old, **changes} if isinstance(old, dict) and section != "method" else changes
    return settings


def make_config(root: Path, **settings: Any) -> RunConfig:
    return build_config(make_settings(root, **settings))
