"""A source in parts: runs of main files that any process can read without the others, and how what they give is put
together, so that nobody sees where it was cut.

A reader that fills its batches over the ends of files says after which records a batch may end (`NativeBatch.ends`).
By that rule the batches of parts are cut anew: as if one reader had gone through all the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from asd.sources.batch import NativeBatch
from asd.sources.in_order import UntilFault
from asd.sources.line_spans import LineSpan

Note = Callable[[str], None]
Kept = dict[str, Any]
"""What a reader leaves for its next part in the same process, such as tables that all files are joined with."""

PART_BYTES = 4 << 20
"""Main files that are smaller are read together, up to so many bytes: some layouts have a file for each record."""

SPAN_BYTES = 16 << 20
"""A file of lines that is larger is read in several parts, where its layout is mapped record by record: about a second's
work each."""


class PartReader(Protocol):
    """Reads the main files of one source. Can be pickled if `is_movable`."""

    @property
    def mains(self) -> Sequence[str]:
        """Names of the main files, in order; relative to the root."""

    @property
    def is_movable(self) -> bool:
        """Whether another process can read, given the files."""

    def at(self, root: Path) -> PartReader:
        """A reader of the same files below another folder."""

    def with_image_roots(self, roots: tuple[str, ...]) -> PartReader:
        """The same, reading absolute image paths as paths below one of these folders, which are one and the same."""

    def first_images(self, count: int) -> Iterator[Any]:
        """The images of the first `count` records of some files, as they stand there. Raises: SourceError."""

    def beside(self, main: int) -> Sequence[str]:
        """Names of the files that are needed to read a main file."""

    def spans(self, main: int, span_bytes: int) -> list[LineSpan]:
        """Stretches of a main file that can be read alone; none if it has to be read whole."""

    def pieces(
        self, mains: range, batch_rows: int, note: Note, kept: Kept, span: LineSpan | None = None
    ) -> Iterator[NativeBatch]:
        """The rows of these main files, or of one stretch of one. Raises: SourceError."""


@dataclass(frozen=True)
class SourcePart:
    """Main files that follow each other."""

    mains: range
    names: tuple[str, ...]
    beside: tuple[str, ...]
    """Other files that are needed to read them."""
    span: LineSpan | None = None
    """The stretch of a single main file."""

    def __str__(self) -> str:
        first, more = self.names[0], len(self.names) - 1
        if self.span is not None:
            return f"{first} from line {self.span.line + 1} on"
        return f"{first} and {more} more files" if more else first


def cut_into_parts(
    reader: PartReader, sizes: Mapping[str, int], part_bytes: int = PART_BYTES, span_bytes: int = SPAN_BYTES
) -> list[SourcePart]:
    """Empty if no other process can read this source. sizes: of the files."""
    if not reader.is_movable:
        return []
    whole = _whole_files(reader, sizes, part_bytes, span_bytes)
    return [stretch for part in whole for stretch in _stretches(reader, sizes, part, span_bytes)]


def _stretches(reader: PartReader, sizes: Mapping[str, int], part: SourcePart, span_bytes: int) -> list[SourcePart]:
    """The part in several where it is one large file, else as it is."""
    if len(part.mains) > 1 or sizes[part.names[0]] <= span_bytes:
        return [part]
    return [replace(part, span=span) for span in reader.spans(part.mains[0], span_bytes)] or [part]


def _whole_files(reader: PartReader, sizes: Mapping[str, int], part_bytes: int, span_bytes: int) -> list[SourcePart]:
    """Runs of files, each as short as makes `part_bytes`; a file larger than `span_bytes` is alone."""
    parts, first, size = [], 0, 0
    counted: set[str] = set()  # what all files are joined with makes the first part long, not every one
    mains = reader.mains
    for number, name in enumerate(mains):
        if number > first and sizes[name] > span_bytes:
            parts.append(_part(reader, mains, range(first, number)))
            first, size = number, 0
        fresh = {name, *reader.beside(number)} - counted
        counted |= fresh
        size += sum(sizes[file] for file in fresh)
        if size >= part_bytes or sizes[name] > span_bytes or number + 1 == len(mains):
            parts.append(_part(reader, mains, range(first, number + 1)))
            first, size = number + 1, 0
    return parts


def _part(reader: PartReader, mains: Sequence[str], run: range) -> SourcePart:
    beside = dict.fromkeys(name for main in run for name in reader.beside(main))
    return SourcePart(run, tuple(mains[run.start : run.stop]), tuple(beside))


def rejoin(pieces: Iterable[NativeBatch], batch_rows: int) -> Iterator[NativeBatch]:
    """The batches of one reader that goes through all files, from those of readers that each begin with a part.

    Tables may have more columns than native ones. An error comes after all that was read before it.
    """
    held: list[NativeBatch] = []
    weight = 0  # rows and rejects held
    given = UntilFault(pieces)
    for piece in given:
        if piece.ends is None:
            yield piece
            continue
        rest = piece
        while (cut := _next_end(rest, batch_rows - weight)) is not None:
            head, rest = _cut(rest, cut)
            yield _joined([*held, head])
            held, weight = [], 0
        if rest.table.num_rows or rest.rejects:
            held.append(rest)
            weight += rest.table.num_rows + len(rest.rejects)
    if held:
        yield _joined(held)
    given.raise_fault()


def _next_end(piece: NativeBatch, lacking: int) -> int | None:
    """The first record of the piece that makes the batch full, or None."""
    assert piece.ends is not None
    place = int(np.searchsorted(piece.ends.sum(axis=1), lacking))
    return place if place < len(piece.ends) else None


def _cut(piece: NativeBatch, record: int) -> tuple[NativeBatch, NativeBatch]:
    """Up to the end of a record, and the rest."""
    assert piece.ends is not None
    end = piece.ends[record]
    rows, rejects = end.tolist()
    head = NativeBatch(_rows(piece.table, 0, rows), piece.rejects[:rejects])
    rest = _rows(piece.table, rows, piece.table.num_rows)
    return head, NativeBatch(rest, piece.rejects[rejects:], piece.ends[record + 1 :] - end)


def _rows(table: pa.RecordBatch, first: int, last: int) -> pa.RecordBatch:
    """A copy where it is not all of the table: of a mere slice, more bytes than its rows' would reach a file."""
    if last - first in (0, table.num_rows):
        return table.slice(first, last - first)
    return pa.concat_batches([table.slice(first, last - first), table.slice(0, 0)])


def _joined(pieces: Sequence[NativeBatch]) -> NativeBatch:
    tables = [piece.table for piece in pieces if piece.table.num_rows] or [pieces[0].table]
    table = tables[0] if len(tables) == 1 else pa.concat_batches(tables)
    return NativeBatch(table, [reject for piece in pieces for reject in piece.rejects])
