"""Reading a version: memory-mapped batches, tables, and `datasets.Dataset`s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from asd.columns import READABLE_SCHEMAS, schema_of_format
from asd.errors import ShardError, UnknownNameError
from asd.schemas.styles import parse_style
from asd.shards.files import open_arrow
from asd.shards.manifest import FileEntry, Manifest
from asd.shards.store import Store

if TYPE_CHECKING:
    import datasets


def _sized(path: Path, entry: FileEntry) -> Path:
    """Raises: ShardError for a file that is not there or cut off, the commonest damage and the cheapest to see."""
    try:
        size = path.stat().st_size
    except OSError as exc:
        raise ShardError(f"{path} cannot be read ({exc.strerror}). Run `asd verify` on the dataset.") from exc
    if size != entry.size_bytes:
        raise ShardError(f"{path} has {size} bytes, expected {entry.size_bytes}. Run `asd verify` on the dataset.")
    return path


def shard_paths(folder: Path, manifest: Manifest, split: str | None = None) -> list[Path]:
    """The Arrow files of a version, in order. Raises: UnknownNameError for a split that it does not have."""
    splits = sorted({entry.split for entry in manifest.files if entry.split is not None})
    if split is not None and split not in splits:
        raise UnknownNameError("split", split, splits, hint=f"Looked in {folder}.")
    return [
        _sized(folder / entry.path, entry)
        for entry in manifest.files
        if entry.split is not None and split in (None, entry.split)
    ]


def read_batches(
    root: Path,
    version: str | None = None,
    *,
    style: str | None = None,
    split: str | None = None,
    check_values: bool = True,
) -> Iterator[pa.RecordBatch]:
    """Record batches with the columns of the version's format (`schema_of_format`), memory-mapped.

    check_values: look at every offset and every character, so that damage is an error and never a crash; without it
    (for training) pages are read only when they are used.

    Raises: ShardError for damaged files or unknown formats; UnknownNameError for unknown versions, styles, splits.
    """
    store = Store(root)
    resolved = store.resolve(version)
    wanted = parse_style(style).value if style is not None else None
    for path in shard_paths(store.path_of(resolved), store.manifest(resolved), split):
        yield from read_shard(path, wanted, check_values=check_values)


def _format_of(root: Path, version: str | None) -> int:
    store = Store(root)
    return store.manifest(store.resolve(version)).format_version


def read_shard(path: Path, style: str | None = None, *, check_values: bool = True) -> Iterator[pa.RecordBatch]:
    try:
        reader = open_arrow(path)
        if not any(reader.schema.equals(schema) for schema in READABLE_SCHEMAS):
            raise ShardError(f"{path}: its columns are not those of this format. Run `asd verify` on the dataset.")
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            batch.validate(full=check_values)
            yield batch if style is None else batch.filter(pc.equal(batch["style"], style))
    except (OSError, pa.ArrowException) as exc:
        raise ShardError(
            f"{path} cannot be read ({exc}). Run `asd verify` on the dataset, then convert again."
        ) from exc


def load(
    path: str | Path, version: str | None = None, style: str | None = None, split: str | None = None
) -> datasets.Dataset:
    """A version as a `datasets.Dataset` over the memory-mapped shards.

    path: dataset directory, or "DIR@version"; version: "latest" (default), "v1", a name, or an id; style, split: keep
    only these rows. Rows are dicts; `asd.show(row)` displays one in a notebook.
    Raises: UsageError, UnknownNameError, ShardError.
    """
    import datasets
    from datasets.table import ConcatenationTable, InMemoryTable

    from asd.shards.store import split_location

    root, named = split_location(str(path))
    table = pa.Table.from_batches(
        read_batches(root, version or named, style=style, split=split, check_values=False),
        schema=schema_of_format(_format_of(root, version or named)),
    )
    wrapped = ConcatenationTable.from_tables([InMemoryTable(table)])
    return datasets.Dataset(wrapped)
