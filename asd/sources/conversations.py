"""The readers of conversation layouts: of files, and of a `datasets` data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from asd.columns import NATIVE_SCHEMA
from asd.schemas.task import TaskSpec
from asd.sources import llava
from asd.sources.batch import NativeBatch
from asd.sources.formats import ReadOptions, iterate_records
from asd.sources.json_columns import records_of
from asd.sources.line_spans import LineSpan
from asd.sources.messages import looks_like, shown_images
from asd.sources.native_rows import normalise_split, split_in_name
from asd.sources.parts import Kept, Note

if TYPE_CHECKING:
    from asd.sources.data_sets import LoadedDataSet


FILES_SNIFFED = 16


@dataclass(frozen=True)
class ConversationFiles:
    """Files of conversations or flat questions: a `PartReader`."""

    spec: TaskSpec
    root: Path
    mains: tuple[str, ...]
    split: str | None
    """Of the rows of files whose names speak of none."""
    image_roots: tuple[str, ...] = ()
    is_movable: bool = True

    def with_image_roots(self, roots: tuple[str, ...]) -> ConversationFiles:
        return replace(self, image_roots=roots)

    def first_images(self, count: int) -> Iterator[Any]:
        """The images of the first records, as they stand there."""
        for rel in self.mains[:FILES_SNIFFED]:
            for _, _, record in islice(iterate_records(self.root / rel, ReadOptions(is_record=looks_like)), count):
                yield from shown_images(record)

    def at(self, root: Path) -> ConversationFiles:
        return replace(self, root=root)

    def beside(self, main: int) -> tuple[str, ...]:
        return ()

    def spans(self, main: int, span_bytes: int) -> list[LineSpan]:
        return []

    def pieces(
        self, mains: range, batch_rows: int, note: Note, kept: Kept, span: LineSpan | None = None
    ) -> Iterator[NativeBatch]:
        for main in mains:
            rel = self.mains[main]
            given = self.split if split_in_name(rel) is None else None
            for batch in llava.batches(
                self.root / rel, rel, self.spec, batch_rows=batch_rows, image_roots=self.image_roots
            ):
                yield batch if given is None else NativeBatch(_with_split(batch.table, given), batch.rejects)


@dataclass(frozen=True)
class ConversationDataSet:
    """The rows of a data set that is open in this process: a `PartReader` with a main file for each split."""

    spec: TaskSpec
    loaded: LoadedDataSet
    image_roots: tuple[str, ...] = ()
    is_movable: bool = False

    @property
    def mains(self) -> tuple[str, ...]:
        return tuple(self.loaded.parts)

    def with_image_roots(self, roots: tuple[str, ...]) -> ConversationDataSet:
        return replace(self, image_roots=roots)

    def first_images(self, count: int) -> Iterator[Any]:
        from asd.sources.data_sets import record_batches

        for part in self.loaded.parts.values():
            for record in records_of(next(record_batches(part)).slice(0, count)):
                yield from shown_images(record)

    def at(self, root: Path) -> ConversationDataSet:
        return self

    def beside(self, main: int) -> tuple[str, ...]:
        return ()

    def spans(self, main: int, span_bytes: int) -> list[LineSpan]:
        return []

    def pieces(
        self, mains: range, batch_rows: int, note: Note, kept: Kept, span: LineSpan | None = None
    ) -> Iterator[NativeBatch]:
        from asd.sources.data_sets import record_batches

        for name in (self.mains[main] for main in mains):
            records = record_batches(self.loaded.parts[name])
            for batch in llava.record_batches(
                records, name, self.spec, batch_rows=batch_rows, image_roots=self.image_roots
            ):
                yield NativeBatch(_with_split(batch.table, normalise_split(name)), batch.rejects)


def _with_split(table: pa.RecordBatch, split: str) -> pa.RecordBatch:
    position = NATIVE_SCHEMA.get_field_index("split")
    return table.set_column(position, NATIVE_SCHEMA.field(position), pa.repeat(pa.scalar(split), table.num_rows))
