"""Reading a source on a Ray cluster: nodes read its parts, this process puts together what they give, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asd.engines.ray.cluster import ask_nodes, most_memory
from asd.engines.ray.tasks import run_in_order
from asd.errors import SourceError
from asd.plain_files import Stamp, stamps_of
from asd.records import Reject
from asd.sources.batch import BATCH_ROWS, NativeBatch
from asd.sources.in_order import map_in_order
from asd.sources.open import Source
from asd.sources.parts import Kept, PartReader, SourcePart
from asd.work.collector import collect_young, collector_paused
from asd.work.measuring import MEASURED_SCHEMA, Measured, Measuring, read_here

_READER_BYTES, _PER_JOINED = 300_000_000, 10
"""Memory of a reader: a bare one, and per byte of the files that rows are joined with."""


def read_on_cluster(
    source: Source,
    measure: Measuring,
    stamps: Mapping[Path, Stamp],
    say: Callable[[str], None],
    batch_rows: int = BATCH_ROWS,
) -> Measured:
    """As `read_here`, its parts read on the nodes; those have to see the source's files as this one does.

    stamps: of the source's files when the version got its id.
    """
    parts = source.parts()
    if len(parts) < 2:
        return read_here(source, measure, batch_rows)
    needed = memory_of(source, parts)
    if why := _why_not_there(stamps, needed):
        say(f"note: the source is read here: {why}")
        return read_here(source, measure, batch_rows)
    work = ReadWork(source.reader.at(source.root.absolute()), source.root, measure, batch_rows)
    pieces = _batches(run_in_order(work, ((f"read {part}", part) for part in parts), needed), source.note)
    return map_in_order(measure.by_split, source.arrange(pieces, batch_rows))


def _why_not_there(stamps: Mapping[Path, Stamp], needed: int) -> str:
    if most_memory() < needed:
        return f"a reader needs {needed / 1e6:,.0f} MB, more than a node has"
    expected = {path.absolute(): stamp for path, stamp in stamps.items()}
    for node, seen in ask_nodes(stamps_of, list(expected)):
        if lacking := [path for path, stamp in expected.items() if seen.get(path) != stamp]:
            return (
                f"node {node} does not see {lacking[0]} as this one does (size and time of change), so it is in no folder "
                "that all nodes share"
            )
    return ""


@dataclass(frozen=True)
class ReadWork:
    """Parts of a source: parsed, mapped to native rows, measured."""

    reader: PartReader
    """Below the absolute path of the root."""
    root: Path
    """As it was given: what messages name."""
    measure: Measuring
    batch_rows: int
    name: str = "asd_read"

    def load(self) -> Callable[[SourcePart], Iterator[SentPiece | list[str]]]:
        kept: Kept = {}  # the tables that all rows are joined with, from one part to the next
        absolute = str(self.root.absolute())

        def read(part: SourcePart) -> Iterator[SentPiece | list[str]]:
            notes: list[str] = []
            with collector_paused():
                try:
                    for piece in self.reader.pieces(part.mains, self.batch_rows, notes.append, kept, part.span):
                        measured = self.measure.measured(piece)
                        yield SentPiece(measured.table.serialize(), measured.rejects, measured.ends)
                        collect_young()
                except SourceError as exc:
                    raise type(exc)(str(exc).replace(absolute, str(self.root))) from exc
            yield notes

        return read


@dataclass(frozen=True)
class SentPiece:
    """A `NativeBatch` of MEASURED_SCHEMA on its way: one buffer, which is read where it lies."""

    rows: pa.Buffer
    rejects: list[Reject]
    ends: npt.NDArray[np.int32] | None


def _batches(given: Iterator[SentPiece | list[str]], note: Callable[[str], None]) -> Iterator[NativeBatch]:
    """The pieces as batches; notes, which come at the end of a part, are passed on."""
    for piece in given:
        if isinstance(piece, SentPiece):
            yield NativeBatch(pa.ipc.read_record_batch(piece.rows, MEASURED_SCHEMA), piece.rejects, piece.ends)
        else:
            for text in piece:
                note(text)


def memory_of(source: Source, parts: Sequence[SourcePart]) -> int:
    """Bytes that a reader needs."""
    sizes = {file.path: file.size_bytes for file in source.files}
    joined = max(sum(sizes[name] for name in part.beside) for part in parts)
    return _READER_BYTES + _PER_JOINED * joined
