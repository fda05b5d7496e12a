"""Measures what planning needs of each row: a key, a capability mask and a polarity. A batch at a time, anywhere, since
it is a pure function of the row."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from asd.columns import NATIVE_SCHEMA
from asd.plan.capability import Bits, capable_bits, polarity_bits
from asd.plan.codes import Mask, Masks
from asd.plan.keys import Keys, keys_of, salt
from asd.records import Reject
from asd.schemas.styles import AnswerStyle
from asd.schemas.task import TaskSpec
from asd.sources.batch import BATCH_ROWS, NativeBatch
from asd.sources.in_order import map_in_order

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings
    from asd.sources.open import Source

_MEASURES = (("key", pa.uint64()), ("capable", pa.from_numpy_dtype(Mask)), ("polarity", pa.uint8()))
MEASURED_SCHEMA = pa.schema([*NATIVE_SCHEMA, *(pa.field(name, kind, nullable=False) for name, kind in _MEASURES)])
"""Native rows, and what was measured of each."""


@dataclass(frozen=True)
class MeasuredRows:
    """Rows of one split of one batch, and what planning needs of them. The arrays have one entry per row."""

    split: str
    rows: pa.RecordBatch
    keys: Keys
    capable: Masks
    polarity: Bits

    def without(self, bad: Mapping[int, tuple[str, str]]) -> tuple[MeasuredRows, list[Reject]]:
        """The other rows, and a reject for each of the bad ones. bad: place -> reason and detail."""
        if not bad:
            return self, []
        names = ("source_file", "source_row", "source_id")
        places = self.rows.select(names).take(pa.array(list(bad))).to_pylist()
        rejects = [
            Reject(place["source_file"], place["source_row"], place["source_id"], reason, detail)
            for place, (reason, detail) in zip(places, bad.values(), strict=True)
        ]
        kept = np.setdiff1d(np.arange(self.rows.num_rows), list(bad))
        rows = self.rows.take(pa.array(kept))
        return MeasuredRows(self.split, rows, self.keys[kept], self.capable[kept], self.polarity[kept]), rejects


Measured = Generator[tuple[NativeBatch, list[MeasuredRows]], None, None]
Reading = Callable[["Source", "Measuring"], Measured]
"""Goes through a source, wherever that is done: its batches in order, each with its rows measured."""


@dataclass(frozen=True)
class Measuring:
    """From a batch of a source to what the first pass keeps of it."""

    spec: TaskSpec
    styles: tuple[AnswerStyle, ...]
    rewriter: RewriterSettings | None
    seed: int
    only_split: str | None

    def __call__(self, batch: NativeBatch) -> tuple[NativeBatch, list[MeasuredRows]]:
        return self.by_split(self.measured(batch))

    def measured(self, batch: NativeBatch) -> NativeBatch:
        """The same batch, its table of MEASURED_SCHEMA."""
        rows = batch.table
        polarity = polarity_bits(rows)
        capable = capable_bits(rows, self.spec, self.styles, self.rewriter, polarity)
        arrays = [pa.array(values) for values in (self._keys(rows), capable, polarity)]
        return replace(batch, table=pa.record_batch([*rows.columns, *arrays], schema=MEASURED_SCHEMA))

    def by_split(self, batch: NativeBatch) -> tuple[NativeBatch, list[MeasuredRows]]:
        """The rows of a measured batch."""
        return batch, [_rows(name, rows) for name, rows in _by_split(batch.table) if self.only_split in (None, name)]

    def _keys(self, rows: pa.RecordBatch) -> Keys:
        names = rows["split"].unique().to_pylist()
        if len(names) == 1:
            return self._keys_of_split(rows["source_id"], names[0])
        keys = np.zeros(rows.num_rows, np.uint64)
        column = np.asarray(rows["split"].to_pylist())
        for name in names:
            places = np.flatnonzero(column == name)
            keys[places] = self._keys_of_split(rows["source_id"].take(pa.array(places)), name)
        return keys

    def _keys_of_split(self, source_ids: pa.Array, split: str) -> Keys:
        return keys_of(source_ids, salt(self.seed, self.spec.name, split))


def read_here(source: Source, measure: Measuring, batch_rows: int = BATCH_ROWS) -> Measured:
    """In this process, measured on a few threads."""
    return map_in_order(measure, source.batches(batch_rows))


def _rows(split: str, measured: pa.RecordBatch) -> MeasuredRows:
    """The arrays are copies, for they outlive the rows, which may lie in memory that others share."""
    keys, capable, polarity = (measured[name].to_numpy().copy() for name, _ in _MEASURES)
    return MeasuredRows(split, measured.select(NATIVE_SCHEMA.names), keys, capable, polarity)


def _by_split(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    if batch.num_rows == 0:
        return
    names = batch["split"].unique().to_pylist()
    if len(names) == 1:
        yield names[0], batch
        return
    column = np.asarray(batch["split"].to_pylist())
    for name in names:
        yield name, batch.take(pa.array(np.flatnonzero(column == name)))
