"""Data-Juicer: a recipe with one custom batched mapper, two processes, exported as Parquet by its own executor."""

from __future__ import annotations

from pathlib import Path

import yaml
from data_juicer.config import init_configs
from data_juicer.core import DefaultExecutor

OPERATOR = Path(__file__).with_name("data_juicer_operator.py")


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    recipe = {
        "project_name": "styles",
        "dataset_path": str(source / "rows.jsonl"),
        "export_path": str(out / "rows.parquet"),
        "export_in_parallel": True,
        "ds_cache_dir": str(out / "cache"),
        "np": 2,
        "text_keys": "image",
        "custom_operator_paths": [str(OPERATOR)],
        "process": [{"answer_style_mapper": {"ratio": ratio, "batch_size": 1000}}],
    }
    path = out / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), "utf-8")
    DefaultExecutor(init_configs(["--config", str(path)])).run()


def stop() -> None:
    """Nothing runs on."""
