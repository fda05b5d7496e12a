"""Rows of native shards as the records that makers take, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asd.columns import NATIVE_SCHEMA
from asd.records import Sample
from asd.shards.files import open_staged

_SAMPLE_COLUMNS = tuple(name for name in Sample.__slots__)
assert set(_SAMPLE_COLUMNS) == set(NATIVE_SCHEMA.names)


def samples_of(batch: pa.RecordBatch) -> list[Sample]:
    """Rows of NATIVE_SCHEMA as records. Columns that are empty throughout cost nothing."""
    columns: list[Sequence[Any]] = []
    for name in _SAMPLE_COLUMNS:
        column = batch[name]
        if pa.types.is_list(column.type) and len(column.flatten()) == 0:
            columns.append([[] for _ in range(batch.num_rows)])
        elif column.null_count == batch.num_rows:
            columns.append([None] * batch.num_rows)
        else:
            columns.append(column.to_pylist())
    return [Sample(*values) for values in zip(*columns, strict=True)]


def batches_of(
    path: Path, rows: npt.ArrayLike
) -> Iterator[tuple[npt.NDArray[np.int64], pa.RecordBatch, npt.NDArray[np.int64]]]:
    """The given rows of a native shard, batch by batch: their places among `rows`, the batch, and where in it they are."""
    wanted = np.asarray(rows, np.int64)
    order = np.argsort(wanted, kind="stable")
    ordered = wanted[order]
    reader = open_staged(path)
    first = 0
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number)
        low, high = np.searchsorted(ordered, [first, first + batch.num_rows])
        if low < high:
            yield order[low:high], batch, ordered[low:high] - first
        first += batch.num_rows


def read_samples(path: Path, rows: Sequence[int]) -> list[Sample]:
    """The given rows of a native shard, in the order given."""
    samples: list[Sample | None] = [None] * len(rows)
    for places, batch, local in batches_of(path, rows):
        for place, sample in zip(places.tolist(), samples_of(batch.take(pa.array(local))), strict=True):
            samples[place] = sample
    return [sample for sample in samples if sample is not None]
