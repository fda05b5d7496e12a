"""Rows of a version by number, read where they are touched: opening one costs the same for a thousand rows and a million."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from asd.errors import ShardError, UsageError
from asd.shards.manifest import Manifest
from asd.shards.reader import damage_told, open_shard, shard_paths
from asd.shards.store import Store

BLOCK_ROWS = 8192
"""Rows that are looked at in one go; a request ends between two blocks."""


class _Shard:
    """One Arrow file, memory-mapped when it is first read."""

    def __init__(self, path: Path, num_rows: int) -> None:
        self.path, self.num_rows = path, num_rows

    @cached_property
    def reader(self) -> pa.ipc.RecordBatchFileReader:
        return open_shard(self.path)

    @cached_property
    def starts(self) -> list[int]:
        """Where each record batch begins, and where the last one ends. Raises: ShardError."""
        with damage_told(self.path):
            sizes = [self.reader.get_batch(number).num_rows for number in range(self.reader.num_record_batches)]
        starts = list(accumulate(sizes, initial=0))
        if starts[-1] != self.num_rows:
            raise ShardError(
                f"{self.path} has {starts[-1]:,} rows, the manifest says {self.num_rows:,}. Run `asd verify` on the dataset."
            )
        return starts

    def part(self, batch: int, offset: int, columns: Sequence[str]) -> pa.RecordBatch:
        """Up to `BLOCK_ROWS` rows of a batch, checked whole: damage must be an error, never a crash."""
        with damage_told(self.path):
            chosen = self.reader.get_batch(batch).select(list(columns)).slice(offset, BLOCK_ROWS)
            chosen.validate(full=True)
            return chosen

    def row(self, number: int) -> dict[str, Any]:
        place = bisect_right(self.starts, number) - 1
        with damage_told(self.path):
            batch = self.reader.get_batch(place).slice(number - self.starts[place], 1)
            batch.validate(full=True)
            row: dict[str, Any] = batch.to_pylist()[0]
        return row


class VersionRows:
    """One version: its manifest, its rows by number (0 to `len` - 1, in the order of its files), and blocks of columns.

    Raises: UsageError, UnknownNameError, ShardError.
    """

    def __init__(self, root: Path, name: str | None) -> None:
        self.store = Store(root)
        self.version = self.store.resolve(name)
        self.folder = self.store.path_of(self.version)
        self.manifest: Manifest = self.store.manifest(self.version)
        entries = [entry for entry in self.manifest.files if entry.split is not None]
        paths = shard_paths(self.folder, self.manifest)
        self._shards = [_Shard(path, entry.rows or 0) for path, entry in zip(paths, entries, strict=True)]
        self._starts = list(accumulate((shard.num_rows for shard in self._shards), initial=0))

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def image_root(self) -> Path | None:
        root = self.store.image_root(self.version)
        return None if root is None else Path(root)

    @property
    def has_rewriter(self) -> bool:
        return self.manifest.rewriter is not None

    def row(self, number: int) -> dict[str, Any]:
        """Raises: UsageError for a number that is none of a row; ShardError."""
        if not 0 <= number < len(self):
            raise UsageError(f"there is no row {number:,}: version {self.version} has {len(self):,}.")
        place = bisect_right(self._starts, number) - 1
        return self._shards[place].row(number - self._starts[place])

    def rows(self, numbers: Iterable[int]) -> list[dict[str, Any]]:
        return [self.row(number) for number in numbers]

    @cached_property
    def blocks(self) -> list[tuple[int, int, int, int]]:
        """(shard, batch, offset in it, number of its first row) of every block of up to `BLOCK_ROWS` rows, in order."""
        return [
            (number, batch, offset, first + start + offset)
            for number, (shard, first) in enumerate(zip(self._shards, self._starts, strict=False))
            for batch, (start, end) in enumerate(pairwise(shard.starts))
            for offset in range(0, end - start, BLOCK_ROWS)
        ]

    def block(self, place: int, columns: Sequence[str]) -> tuple[int, pa.RecordBatch]:
        """Number of the first row of a block, and some of its columns."""
        shard, batch, offset, first = self.blocks[place]
        return first, self._shards[shard].part(batch, offset, columns)
