"""Prediction rows, one a test question, found by id, in Arrow IPC files that any Arrow reader opens."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from asd_training.errors import RunError

_AGAIN = "; a run makes it again where it and the done.json of its stage (tasks/NN-<task>/) are deleted"
_strings = pa.list_(pa.string())

PREDICTION_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("style", pa.string(), nullable=False),  # the style that the question asks for
        pa.field("native", pa.bool_(), nullable=False),  # that is the task's own style
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("image", pa.string()),
        pa.field("text", pa.string(), nullable=False),  # what the model wrote
        pa.field("parsed", pa.string()),  # as the style's parser reads it; null: not an answer of this style
        pa.field("gold", pa.string(), nullable=False),
        pa.field("accepted", _strings, nullable=False),
        pa.field("options", _strings, nullable=False),
        pa.field("score", pa.float64(), nullable=False),  # 0 to 1
        pa.field("constrained_text", pa.string()),  # written with only answers of the style allowed
        pa.field("constrained_score", pa.float64()),
    ]
)


def write_predictions(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """All of them or nothing. Raises: RunError if an id stands twice."""
    ids = [row["id"] for row in rows]
    if len(set(ids)) != len(ids):
        twice = next(row_id for row_id in ids if ids.count(row_id) > 1)
        raise RunError(f"{path}: the id {twice!r} stands twice among the predictions")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=PREDICTION_SCHEMA)
    with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, PREDICTION_SCHEMA) as writer:
        writer.write_table(table)
    os.replace(partial, path)  # noqa: PTH105


def read_predictions(path: Path) -> list[dict[str, Any]]:
    """Raises: RunError if it is no file of predictions."""
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
    except (OSError, pa.ArrowException) as exc:
        raise RunError(f"{path} cannot be read as predictions ({exc}){_AGAIN}") from exc
    missing = [name for name in PREDICTION_SCHEMA.names if name not in table.column_names]
    if missing:
        raise RunError(f"{path} holds no predictions: the columns {', '.join(missing)} are missing{_AGAIN}")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
