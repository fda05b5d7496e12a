"""What mining works on: the rows that an index is built from, and the keyed stream that draws from it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import xxhash

Row = tuple[int, str, str, str | None]
"""(key, question, gold answer, answer type): the key orders the rows where there are more than MAX_ROWS."""

MAX_ROWS = 131_072
"""Rows an index is built from at most: bounds its memory and its build time (a few seconds)."""


def smallest_rows(rows: Iterable[Row]) -> list[Row]:
    """The MAX_ROWS rows with the smallest keys, in canonical order: independent of the order in which they
    come.
    """
    return heapq.nsmallest(MAX_ROWS, list(rows), key=lambda row: (row[0], row[1], row[2]))


MULTIPLIER, INCREMENT, MASK = 6364136223846793005, 1442695040888963407, 0xFFFFFFFFFFFFFFFF


def first_state(key: str) -> int:
    """Where the stream of `Draws` with this key begins."""
    return xxhash.xxh3_64_intdigest(key.encode()) | 1


class Draws:
    """A stream of 32-bit numbers keyed by one 64-bit hash (a multiplicative generator: quick, and the same
    everywhere).
    """

    __slots__ = ("_state",)

    def __init__(self, key: str) -> None:
        self._state = first_state(key)

    def unit(self) -> float:
        """In [0, 1), in steps of 2**-32."""
        return self.below(1 << 32) / (1 << 32)

    def below(self, bound: int) -> int:
        self._state = (self._state * MULTIPLIER + INCREMENT) & MASK
        return ((self._state >> 32) * bound) >> 32
