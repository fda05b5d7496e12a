"""Reading a version: memory-mapped batches, tables, and `datasets.Dataset`s."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from asd.columns import READABLE_SCHEMAS
from asd.errors import ShardError, UnknownNameError, UsageError
from asd.schemas.styles import parse_style
from asd.shards.files import open_arrow, sha256_of
from asd.shards.manifest import FileEntry, Manifest
from asd.shards.store import Store
from asd.shards.untrusted import require_inner_images, require_inside

if TYPE_CHECKING:
    import datasets


CHECKED_AT_LOAD_BYTES = 1 << 30
"""Versions up to this size are checked whole when they are loaded."""


def _sized(folder: Path, entry: FileEntry) -> Path:
    """Raises: ShardError for a file that is not there or cut off, the commonest damage and the cheapest to see; and for
    a link out of the folder."""
    path = folder / entry.path
    require_inside(path, folder)
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
    return [_sized(folder, entry) for entry in _entries(manifest, split)]


def _entries(manifest: Manifest, split: str | None) -> list[FileEntry]:
    return [entry for entry in manifest.files if entry.split is not None and split in (None, entry.split)]


def require_sum(path: Path, entry: FileEntry) -> None:
    """Reads the whole file, once in a process. Raises: ShardError if it is not as it was written."""
    status = path.stat()
    digest = _sum_of(path, status.st_mtime_ns, status.st_size, status.st_ino)
    if digest != entry.sha256:
        raise ShardError(
            f"{path} has changed since it was written (sha256 {digest[:12]}, expected {entry.sha256[:12]}). "
            "Run `asd verify` on the dataset, then convert again."
        )


@lru_cache(maxsize=1 << 14)
def _sum_of(path: Path, changed_ns: int, size: int, inode: int) -> str:
    return sha256_of(path)


def read_batches(
    root: Path,
    version: str | None = None,
    *,
    style: str | None = None,
    split: str | None = None,
    columns: Sequence[str] | None = None,
    check_values: bool = True,
    check_sums: bool = True,
) -> Iterator[pa.RecordBatch]:
    """Record batches with the columns of the version (`Manifest.row_schema`), or those asked for, memory-mapped.

    check_values: look at every offset and every character, so that damage is an error and never a crash; without it
    (for training) pages are read only when they are used. check_sums: compare each file with its checksum before its
    rows are given, for callers that read it to its end anyway.

    Raises: ShardError for damaged files or unknown formats; UnknownNameError for unknown versions, styles, splits, columns.
    """
    store = Store(root)
    resolved = store.resolve(version)
    wanted = parse_style(style).value if style is not None else None
    manifest = store.manifest(resolved)
    _schema_of(columns, manifest, store.path_of(resolved))
    paths = shard_paths(store.path_of(resolved), manifest, split)
    for path, entry in zip(paths, _entries(manifest, split), strict=True):
        if check_sums:
            require_sum(path, entry)
        for batch in read_shard(path, wanted, columns, check_values=check_values):
            yield require_inner_images(batch, path) if "images" in batch.schema.names else batch


def _schema_of(columns: Sequence[str] | None, manifest: Manifest, folder: Path) -> pa.Schema:
    """Of the columns asked for. Raises: UnknownNameError, UsageError."""
    schema = manifest.row_schema
    known = schema.names
    for place, name in enumerate(columns or ()):
        if name not in known:
            raise UnknownNameError("column", str(name), known, hint=f"Looked in {folder}.")
        if name in (columns or ())[:place]:
            raise UsageError(f"columns: {name!r} is asked for twice.")
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])


def read_shard(
    path: Path, style: str | None = None, columns: Sequence[str] | None = None, *, check_values: bool = True
) -> Iterator[pa.RecordBatch]:
    with damage_told(path):
        reader = open_shard(path)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            batch.validate(full=check_values)
            chosen = batch if columns is None else batch.select(columns)
            yield chosen if style is None else chosen.filter(pc.equal(batch["style"], style))


def open_shard(path: Path) -> pa.ipc.RecordBatchFileReader:
    """Memory-mapped. Raises: ShardError if it is no Arrow file or has other columns than the formats read here."""
    with damage_told(path):
        reader = open_arrow(path)
        if not any(reader.schema.equals(schema) for schema in READABLE_SCHEMAS):
            raise ShardError(f"{path}: its columns are not those of this format. Run `asd verify` on the dataset.")
    return reader


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Raises: ShardError for what Arrow finds damaged."""
    try:
        yield
    except (OSError, pa.ArrowException) as exc:
        raise ShardError(
            f"{path} cannot be read ({exc}). Run `asd verify` on the dataset, then convert again."
        ) from exc


def load(
    path: str | Path,
    version: str | None = None,
    style: str | None = None,
    split: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    decode: bool = False,
    image_root: str | Path | None = None,
    check: bool | None = None,
) -> datasets.Dataset:
    """A version as a `datasets.Dataset` over the memory-mapped shards.

    path: dataset directory, or "DIR@version"; of a folder of several, the rows of all, one dataset after the other;
    version: "latest" (default), "v1", a name, or an id; style, split: keep only these rows; columns: only these, in this
    order (default: all); decode: `images` as `datasets.Image`, opened when a row is read, from the bytes in the shards or
    below `image_root` (default: the recorded one). Without it they are dicts of `path`, relative to that folder, and
    `bytes`. check: compare every file with its checksum first, which reads it whole. By default that is done where the
    rows are read anyway (for a `style`) and for versions of up to 1 GiB.
    Rows are dicts; `asd.show(row)` displays one in a notebook, `asd.show(rows)` several, with the images that the
    version's recorded image root holds.
    Raises: UsageError, UnknownNameError, ShardError.
    """
    from datasets.table import ConcatenationTable, InMemoryTable

    from asd.shards.loaded_rows import opened, together
    from asd.shards.locations import datasets_below
    from asd.shards.store import split_location

    if isinstance(columns, str):
        raise UsageError(f"columns: give a list of names, [{columns!r}], not one text.")
    if len(locations := datasets_below(str(path))) > 1:
        same: dict[str, Any] = {"columns": columns, "decode": decode, "image_root": image_root, "check": check}
        return together([load(location, version, style, split, **same) for location in locations])
    root, named = split_location(str(path))
    store = Store(root)
    resolved = store.resolve(version or named)
    manifest = store.manifest(resolved)
    if check is None:
        size = sum(entry.size_bytes for entry in _entries(manifest, split))
        check = style is not None or size <= CHECKED_AT_LOAD_BYTES
    table = pa.Table.from_batches(
        read_batches(root, resolved, style=style, split=split, columns=columns, check_values=False, check_sums=check),
        schema=_schema_of(columns, manifest, store.path_of(resolved)),
    )
    if decode and "images" in table.schema.names:
        from asd.shards.hub_images import with_pictures

        return with_pictures(table, str(image_root) if image_root is not None else store.image_root(resolved))
    wrapped = ConcatenationTable.from_tables([InMemoryTable(table)])
    return opened(wrapped, store.image_root(resolved))
