"""What a report must know of a task to show its answers: how to read them, and where its pictures are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from asd.errors import AsdError
from asd.schemas.task import TaskSpec
from asd.tasks.registry import load_task
from asd_training.data import Shards, describe, read_rows
from asd_training.evaluation.forgetting import reader_for
from asd_training.evaluation.lenient_reader import LenientReader
from asd_training.report.run_record import RunRecord


@dataclass(frozen=True)
class TestedTask:
    """shards: of the test questions; None where they are gone, and pictures can then only be found by path."""

    name: str
    spec: TaskSpec
    rule: str
    shards: Shards | None
    split: str
    image_root: Path | None

    @cached_property
    def reader(self) -> LenientReader:
        return reader_for(self.spec.native_style, rule=self.rule, class_labels=self.spec.family == "classification")

    def picture(self, row_id: str) -> tuple[str | None, bytes | None] | None:
        """Path and bytes of the question's first picture; path None: it has none; None: not in the shards."""
        if self._table is None:
            return None
        rows = self._table.filter(pc.equal(self._table["id"], row_id)).to_pylist()
        if not rows:
            return None
        images = rows[0]["images"]
        return (images[0]["path"], images[0]["bytes"]) if images else (None, None)

    @cached_property
    def _table(self) -> Any:
        if self.shards is None:
            return None
        try:
            return read_rows(self.shards.location, self.split).table.select(["id", "images"])
        except AsdError:
            return None


def tested_task(run: RunRecord, name: str) -> tuple[TestedTask | None, str]:
    """The task, or None where its answers cannot be read; and a note on what is missing, or ""."""
    data = run.config["data"]
    entry: Mapping[str, Any] = next((task for task in data["tasks"] if _name(task["task"]) == name), {"task": name})
    shards, note = _shards(run, name)
    try:
        spec = shards.spec if shards else load_task(entry["task"])
        rule = entry.get("scorer") or spec.scorer
        root = entry.get("image_root") or data.get("image_root") or (shards and shards.image_root)
        task = TestedTask(name, spec, rule, shards, data.get("test_split", "test"), Path(root) if root else None)
        task.reader  # noqa: B018 - an unknown rule is told here
    except AsdError as exc:
        return None, f"{name}: no examples, as its task is not known here ({exc})"
    return task, note


def _shards(run: RunRecord, name: str) -> tuple[Shards | None, str]:
    location = ((run.facts.get("shards") or {}).get(name) or {}).get("test")
    if not location:
        return None, f"{name}: which test questions were asked is not recorded"
    try:
        return describe(location), ""
    except AsdError:
        return None, f"{name}: its test questions are no longer at {location}; pictures inside them are not shown"


def _name(task: str) -> str:
    return Path(task).stem if task.endswith((".yaml", ".yml")) else task
