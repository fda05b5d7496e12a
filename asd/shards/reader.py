"""Reading a version: memory-mapped batches, tables, and `datasets.Dataset`s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from asd.columns import SHARD_SCHEMA
from asd.errors import ShardError, UnknownNameError
from asd.schemas.styles import parse_style
from asd.shards.files import open_arrow
from asd.shards.manifest import Manifest
from asd.shards.store import Store

if TYPE_CHECKING:
    import datasets


def shard_paths(folder: Path, manifest: Manifest, split: str | None = None) -> list[Path]:
    """The Arrow files of a version, in order. Raises: UnknownNameError for a split that it does not have."""
    splits = sorted({entry.split for entry in manifest.files if entry.split is not None})
    if split is not None and split not in splits:
        raise UnknownNameError("split", split, splits, hint=f"Looked in {folder}.")
    return [folder / e.path for e in manifest.files if e.split is not None and split in (None, e.split)]


def read_batches(
    root: Path, version: str | None = None, *, style: str | None = None, split: str | None = None
) -> Iterator[pa.RecordBatch]:
    """Record batches of SHARD_SCHEMA, memory-mapped.

    Raises: ShardError for damaged files or unknown formats; UnknownNameError for unknown versions, styles, splits.
    """
    store = Store(root)
    resolved = store.resolve(version)
    wanted = parse_style(style).value if style is not None else None
    for path in shard_paths(store.path_of(resolved), store.manifest(resolved), split):
        yield from read_shard(path, wanted)


def read_shard(path: Path, style: str | None = None) -> Iterator[pa.RecordBatch]:
    try:
        reader = open_arrow(path)
    except (OSError, pa.ArrowInvalid) as exc:
        raise ShardError(f"{path} cannot be read ({exc}). Run `asd verify` on the dataset, then convert again.") from exc
    if not reader.schema.equals(SHARD_SCHEMA):
        raise ShardError(f"{path}: its columns are not those of this format. Run `asd verify` on the dataset.")
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number)
        yield batch if style is None else batch.filter(pc.equal(batch["style"], style))


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
        read_batches(root, version or named, style=style, split=split), schema=SHARD_SCHEMA
    )
    wrapped = ConcatenationTable.from_tables([InMemoryTable(table)])
    return datasets.Dataset(wrapped)
