"""Rows of a Hugging Face data set, saved on disk or on the hub, as records that layouts can map.

The only file that imports `datasets`, and only when such a source is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from asd.errors import SourceError
from asd.sources.batch import SourceFile
from asd.sources.formats import ARROW_ERRORS, Record, arrow_fault
from asd.sources.json_columns import records_of
from asd.sources.layouts import MainFile
from asd.sources.native_rows import normalise_split

_BATCH_ROWS = 1024


@dataclass(frozen=True)
class LoadedDataSet:
    """The chosen splits of a data set."""

    root: Path
    parts: dict[str, Any]
    """Split name -> datasets.Dataset."""
    files: tuple[SourceFile, ...]

    @property
    def column_names(self) -> list[str]:
        return list(next(iter(self.parts.values())).column_names)

    def main_files(self, fields: Sequence[str]) -> list[MainFile]:
        """One main file per split, reading only `fields` (so images that nobody asked for are not loaded)."""
        return [
            MainFile(name, records=_reader(part, fields), split=normalise_split(name))
            for name, part in self.parts.items()
        ]


def record_batches(part: Any) -> Iterator[pa.RecordBatch]:
    """The rows of one split with all their columns, as Arrow."""
    for table in _tables(part):
        yield from table.combine_chunks().to_batches()


def _tables(part: Any) -> Iterator[pa.Table]:
    """Raises: SourceError for damaged files."""
    row = 0
    try:
        for table in part.with_format("arrow").iter(batch_size=_BATCH_ROWS):
            table.validate(full=True)
            yield table
            row += len(table)
    except ARROW_ERRORS as exc:
        raise arrow_fault(f"split {part.split}", "data set", row, exc) from exc


def load_data_set(location: str, split: str | None) -> LoadedDataSet:
    """`hf:NAME`, `hf:NAME#CONFIG`, or the folder of a saved data set. Raises: SourceError if it cannot be
    loaded."""
    import datasets

    try:
        if location.startswith("hf:"):
            name, _, config = location.removeprefix("hf:").partition("#")
            loaded = datasets.load_dataset(name, config or None)
            root = Path(name)
        else:
            root = Path(location)
            loaded = datasets.load_from_disk(location)
    except Exception as exc:  # `datasets` raises whatever its many back ends raise
        raise SourceError(f"{location}: the data set cannot be loaded ({type(exc).__name__}: {exc})") from exc
    parts: dict[str, Any]
    if isinstance(loaded, dict):
        parts = dict(loaded)
        if split is not None:
            parts = {name: part for name, part in parts.items() if normalise_split(name) == normalise_split(split)}
            if not parts:
                raise SourceError(f"{location}: no split {split!r} (found {', '.join(loaded)})")
    else:
        name = str(loaded.split) if loaded.split is not None else split or "train"
        parts = {name: loaded}
    files = tuple(_identity(name, part) for name, part in parts.items())
    return LoadedDataSet(root, parts, files)


def _identity(name: str, part: Any) -> SourceFile:
    """The fingerprint that `datasets` keeps covers the rows and every operation on them, so no file is read
    here."""
    fingerprint = f"{part._fingerprint}:{part.num_rows}"
    size = part.info.dataset_size or 0
    return SourceFile(name, int(size), xxhash.xxh3_128_hexdigest(fingerprint.encode()))


def _reader(part: Any, fields: Sequence[str]) -> Callable[[], Iterator[Record]]:
    def read() -> Iterator[Record]:
        import datasets

        columns = [name for name in part.column_names if name in fields]
        chosen = part.select_columns(columns) if columns else part
        labels = {n: f.names for n, f in chosen.features.items() if isinstance(f, datasets.ClassLabel)}
        row = 0
        for table in _tables(chosen):
            for record in records_of(table):
                for name, names in labels.items():
                    value = record[name]
                    record[name] = names[value] if value is not None and value >= 0 else None
                yield row, None, record
                row += 1

    return read
