"""Daft: native reader and Parquet writer around one batch function that returns a struct of columns."""

from __future__ import annotations

from pathlib import Path

import daft
from daft import DataType, Series, col
from peers.task import COLUMNS, convert_columns, threshold

ROW = DataType.struct({name: DataType.string() for name in COLUMNS})


@daft.func.batch(return_dtype=ROW, unnest=True)
def converted(ids: Series, images: Series, conversations: Series, below: str) -> list[dict[str, str]]:
    batch = {"id": ids.to_pylist(), "image": images.to_pylist(), "conversations": conversations.to_pylist()}
    columns = convert_columns(batch, int(below))
    return [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def start() -> None:
    daft.set_runner_native()


def work(source: Path, out: Path, ratio: float) -> None:
    rows = daft.read_json(str(source / "parts" / "*.jsonl"))
    rows = rows.select(converted(col("id"), col("image"), col("conversations"), str(threshold(ratio))))
    rows.write_parquet(str(out / "rows"))


def stop() -> None:
    """Nothing runs on."""
