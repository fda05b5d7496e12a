"""A bounded, order-independent sample of rows: those whose keyed hash is smallest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import xxhash

T = TypeVar("T")


def keyed_hash(key: str, purpose: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{purpose}:{key}".encode())


class KeyedSample(Generic[T]):
    """Keeps the `limit` rows of smallest keyed hash; the result depends on the rows only, never on their
    order.
    """

    def __init__(self, limit: int, purpose: str) -> None:
        self.limit, self.purpose = limit, purpose
        self._kept: list[tuple[int, str, T]] = []
        self._bar = 1 << 64

    def add(self, ids: Sequence[str], rows: Sequence[T]) -> None:
        """ids: unique sample ids, one per row."""
        purpose, bar = self.purpose, self._bar
        for sample_id, row in zip(ids, rows, strict=True):
            rank = keyed_hash(sample_id, purpose)
            if rank < bar:
                self._kept.append((rank, sample_id, row))
        if len(self._kept) > 2 * self.limit:
            self._shrink()

    def offer(self, sample_id: str, make_row: Callable[[], T]) -> None:
        """Like `add` for one row that costs something to make: it is made only where it may be kept."""
        rank = keyed_hash(sample_id, self.purpose)
        if rank < self._bar:
            self._kept.append((rank, sample_id, make_row()))
            if len(self._kept) > 2 * self.limit:
                self._shrink()

    def rows(self) -> list[T]:
        """The sample, by rising hash."""
        self._shrink()
        return [row for _, _, row in self._kept]

    def _shrink(self) -> None:
        self._kept.sort(key=lambda kept: kept[:2])
        del self._kept[self.limit :]
        if len(self._kept) == self.limit and self._kept:
            self._bar = self._kept[-1][0] + 1
