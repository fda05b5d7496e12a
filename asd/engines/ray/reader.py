"""What runs on the nodes of a Ray cluster to read a part of a source: parse, map to native rows, measure.

A node that sees a part's files (same path, size and time of change) reads them where they are; any other gets them
through Ray's object store, from an actor on the driver's node.
"""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asd.engines.ray.worker import load_once, scratch_folder
from asd.errors import AsdError, SourceError
from asd.records import Reject
from asd.shards.files import storage_errors
from asd.sources.batch import NativeBatch
from asd.sources.in_order import limit_threads
from asd.sources.line_spans import LineSpan
from asd.sources.parts import Kept, Note, Part, PartReader
from asd.work.collector import collect_young, collector_paused
from asd.work.measuring import MEASURED_SCHEMA, Measuring

_CHUNK_BYTES = 64 << 20


@dataclass(frozen=True)
class SourceSite:
    """Where the files of a source are, for readers anywhere."""

    mark: str
    root: Path
    """As it was given: what messages name."""
    reader: PartReader
    """Below the absolute path of the root."""
    absolute: Path
    stamps: dict[str, tuple[int, int]]
    """Size and time of change, by name."""
    measure: Measuring
    batch_rows: int
    files: Any
    """Handle of the `SourceFiles` actor."""
    ship: bool
    """Never look for the files."""


@dataclass(frozen=True)
class SentPiece:
    """A `NativeBatch` of MEASURED_SCHEMA on its way: one buffer, which is read where it lies."""

    rows: pa.Buffer
    rejects: list[Reject]
    ends: npt.NDArray[np.int32] | None

    def batch(self) -> NativeBatch:
        return NativeBatch(pa.ipc.read_record_batch(self.rows, MEASURED_SCHEMA), self.rejects, self.ends)


@dataclass(frozen=True)
class PartEnd:
    """The last thing that comes of a part: what the user should know, and the error that ended it, if one did."""

    notes: list[str]
    fault: AsdError | None


class SourceFiles:
    """An actor on the driver's node: reads the source for nodes that do not see it."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def read(self, name: str, start: int, size: int) -> Any:
        """Bytes of a file as uint8 (at most size,), or the refusal in words."""
        try:
            return np.fromfile(self._root / name, np.uint8, size, offset=start)
        except OSError as exc:
            return f"{exc.strerror or exc}"


def read_part(mark: str, site: list[Any], part: Part, skip: int) -> Iterator[SentPiece | PartEnd]:
    """The pieces of a part from number `skip` on, then its end. site: the reference of a `SourceSite`, alone."""
    import ray

    limit_threads(1)
    reader_here = load_once(mark, lambda: _PartReader(ray.get(site[0])))
    notes: list[str] = []
    fault: AsdError | None = None
    with collector_paused():
        try:
            for number, piece in enumerate(reader_here.pieces(part, notes.append)):
                if number >= skip:
                    yield _sent(reader_here.site.measure.measured(piece))
                collect_young()
        except AsdError as exc:  # as a value: a failure of the data is no reason to try again
            fault = exc
    yield PartEnd(notes, fault)


def _sent(piece: NativeBatch) -> SentPiece:
    return SentPiece(piece.table.serialize(), piece.rejects, piece.ends)


class _PartReader:
    """Reads parts of a source, and keeps the tables that all rows are joined with from one part to the next."""

    def __init__(self, site: SourceSite) -> None:
        self.site = site
        self._kept: Kept = {}
        self._folder: Path | None = None

    def pieces(self, part: Part, note: Note) -> Iterator[NativeBatch]:
        names = (*part.names, *part.beside)
        is_here = not self.site.ship and all(self._is_here(name) for name in names)
        folder = self.site.absolute if is_here else self._scratch()
        try:
            if not is_here:
                self._fetch(part, folder)
            reader = self.site.reader.at(folder)
            yield from reader.pieces(part.mains, self.site.batch_rows, note, self._kept, part.span)
        except SourceError as exc:
            raise self._as_given(exc, names, folder) from exc
        finally:
            if not is_here:
                for name in part.names:
                    (folder / name).unlink(missing_ok=True)

    def _is_here(self, name: str) -> bool:
        try:
            status = (self.site.absolute / name).stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == self.site.stamps.get(name)

    def _scratch(self) -> Path:
        if self._folder is None:
            self._folder = scratch_folder()
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    def _fetch(self, part: Part, folder: Path) -> None:
        """The main files, and of the others those that are not there from an earlier part."""
        for name in part.names:  # one that is joined with itself is needed whole
            self._fetch_file(name, folder / name, None if name in part.beside else part.span)
        for name in part.beside:
            if not (folder / name).exists():
                self._fetch_file(name, folder / name, None)

    def _fetch_file(self, name: str, to: Path, span: LineSpan | None) -> None:
        """Of a stretch, only its bytes, in their place."""
        if name not in self.site.stamps:
            raise SourceError(
                f"{self.site.root / name}: cannot be read (it was not there any more when the conversion began)"
            )
        first, last = (span.start, span.stop) if span is not None else (0, self.site.stamps[name][0])
        with storage_errors(to):
            to.parent.mkdir(parents=True, exist_ok=True)
            with to.open("wb") as file:
                file.seek(first)
                for start in range(first, last, _CHUNK_BYTES):
                    file.write(memoryview(self._ask(name, start, min(_CHUNK_BYTES, last - start))))

    def _ask(self, name: str, start: int, size: int) -> Any:
        import ray

        content = ray.get(self.site.files.read.remote(name, start, size))
        if isinstance(content, str):
            raise SourceError(f"{self.site.root / name}: cannot be read ({content})")
        return content

    def _as_given(self, exc: SourceError, names: Iterable[str], folder: Path) -> SourceError:
        """The same error with the paths that the driver knows."""
        text = str(exc)
        for name in names:
            text = text.replace(str(folder / name), str(self.site.root / name))
        return type(exc)(text)
