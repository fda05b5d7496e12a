"""The pools of the plan, read a window at a time in the order of the keys.

A pool is all samples with one primary style (yes/no has three pools, by polarity). It is never sorted as a whole: what
is known of all its samples is how many lie in each *step* of the keys. A pass over all samples then picks those
between two steps, and only they are sorted and held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from asd.plan.codes import (
    ASKED,
    FIXED_NO,
    FIXED_YES,
    GIVEN,
    NO_STYLE,
    NUM_STYLES,
    PASSED,
    STYLE_WIDTH,
    UNKNOWN,
    YES_NO,
    Bytes,
    Column,
    blocks,
)
from asd.plan.keys import Keys

NUM_POOLS = NUM_STYLES + 2
"""The pool of a style has the style's number; that is the free one of yes/no, whose others are the last two."""
YES_NO_POOLS = (YES_NO, NUM_STYLES, NUM_STYLES + 1)
"""By polarity."""
_NO_POOL = NUM_POOLS
_HEAD_BITS, _FINE_BITS = 24, 10
_FIRST_STEP = 127 << _FINE_BITS
NUM_STEPS = (_HEAD_BITS << _FINE_BITS) + 1

ASK = -1
"""In place of a row: it has not been asked for."""

Counts = npt.NDArray[np.int64]


def about_of(primary: Bytes, polarity: Bytes) -> Bytes:
    """Primary style and polarity in one byte."""
    about: Bytes = np.minimum(primary, np.uint8(NO_STYLE)) | polarity << np.uint8(STYLE_WIDTH)
    return about


def primary_of(about: Bytes) -> Bytes:
    primary: Bytes = about & np.uint8(NO_STYLE)
    return primary


def _pool_of_each() -> Bytes:
    pool_of = np.full(256, _NO_POOL, np.uint8)
    for polarity in range(1 << 8 - STYLE_WIDTH):
        for style in range(NUM_STYLES):
            pool_of[style | polarity << STYLE_WIDTH] = style
    for polarity, pool in zip((FIXED_YES, FIXED_NO), YES_NO_POOLS[1:], strict=True):
        pool_of[YES_NO | polarity << STYLE_WIDTH] = pool
    return pool_of


_POOL_OF = _pool_of_each()


def pools_of(about: Bytes) -> Bytes:
    """The number of each sample's pool; NUM_POOLS where it is in none."""
    pools: Bytes = _POOL_OF[about]
    return pools


def steps_of(keys: Keys) -> npt.NDArray[np.uint32]:
    """The step of each key, 0 to NUM_STEPS - 1. A larger key has no smaller step.

    Steps are as wide as a thousandth of where they begin (a floating-point number's leading bits), so that what lies
    below a bound is known about as well for few samples as for many.
    """
    heads = (keys >> np.uint64(64 - _HEAD_BITS)).astype(np.uint32) + np.uint32(1)  # exact as a 32-bit float
    return (heads.astype(np.float32).view(np.uint32) >> np.uint32(23 - _FINE_BITS)) - np.uint32(_FIRST_STEP)


def floor_of(step: int) -> int:
    """The smallest key that can lie in a step."""
    bits = np.array([(step + _FIRST_STEP) << (23 - _FINE_BITS)], np.uint32)
    return (ceil(float(bits.view(np.float32)[0])) - 1) << (64 - _HEAD_BITS)


def count_pools(keys: Keys, about: Bytes) -> Counts:
    """Samples in each step of each pool, shape (NUM_POOLS, NUM_STEPS). Counts of parts add up to those of the whole."""
    pools = pools_of(about)
    places = pools.astype(np.int64) * NUM_STEPS + steps_of(keys)
    return np.bincount(places, minlength=(NUM_POOLS + 1) * NUM_STEPS).reshape(-1, NUM_STEPS)[:NUM_POOLS]


def step_with(counts: Counts, first: int, wanted: int) -> int:
    """The end of the shortest range of steps from `first` on that holds so many samples, or of all steps."""
    return min(first + int(np.searchsorted(np.cumsum(counts[first:]), wanted)) + 1, NUM_STEPS)


@dataclass(frozen=True)
class Window:
    """Some samples of a pool, by key, and by row where keys are equal."""

    rows: npt.NDArray[np.unsignedinteger]
    keys: Keys

    @classmethod
    def sort(cls, rows: npt.NDArray[np.unsignedinteger], keys: Keys) -> Window:
        """rows: ascending."""
        order = np.argsort(keys, kind="stable")
        return cls(rows[order], keys[order])


class Pools:
    """All pools: what has been asked of each, and the windows that its cursor reads.

    about: see `about_of`; window: how many samples are picked in one pass, at most by a step more for each pool.
    """

    def __init__(self, keys: Column, about: Bytes, counts: Counts, block: int, window: int) -> None:
        self.counts, self._keys, self._about = counts, keys, about
        self._block, self._window = block, window
        self.asked = [0] * NUM_POOLS
        """By pool: what lies in steps below has been asked for."""
        self._picked = [0] * NUM_POOLS
        """By pool: what lies in steps below is or was in a window."""
        self._windows: list[deque[Window]] = [deque() for _ in range(NUM_POOLS)]
        self._ends = [int(np.flatnonzero(of_pool)[-1]) + 1 if of_pool.any() else 0 for of_pool in counts]

    def is_asked(self, pool: int) -> bool:
        """Whether all of the pool has been asked for."""
        return self.asked[pool] >= self._ends[pool]

    def next_window(self, pool: int) -> Window | None:
        """None where nothing is left that has been asked for."""
        if self._may_pick(pool):
            self._pick()
        return self._windows[pool].popleft() if self._windows[pool] else None

    def _may_pick(self, pool: int) -> bool:
        return not self._windows[pool] and self._picked[pool] < min(self.asked[pool], self._ends[pool])

    def _pick(self) -> None:
        """Windows for all pools that have none, since pools are read at about the same pace."""
        short = list(filter(self._may_pick, range(NUM_POOLS)))
        low, high = np.zeros(NUM_POOLS + 1, np.uint32), np.zeros(NUM_POOLS + 1, np.uint32)
        for pool in short:
            low[pool] = first = self._picked[pool]
            end = step_with(self.counts[pool], first, max(self._window // len(short), 1))
            high[pool] = self._picked[pool] = min(end, self.asked[pool])
        parts = list(self._picks(low, high))
        pools, rows, keys = (np.concatenate(column) for column in zip(*parts, strict=True))
        for pool in short:
            chosen = pools == pool
            if chosen.any():
                self._windows[pool].append(Window.sort(rows[chosen], keys[chosen]))

    def _picks(
        self, low: npt.NDArray[np.uint32], high: npt.NDArray[np.uint32]
    ) -> Iterator[tuple[Bytes, npt.NDArray[np.unsignedinteger], Keys]]:
        """Pool, row and key of the samples in steps from `low` to below `high` of their pools."""
        kind = row_type(len(self._about))
        for part in blocks(len(self._about), self._block):
            keys, pools = self._keys[part], pools_of(self._about[part])
            steps = steps_of(keys)
            places = np.flatnonzero((steps >= low[pools]) & (steps < high[pools]))
            yield pools[places], (places + part.start).astype(kind), keys[places]

    def read(self, pool: int) -> Iterator[Iterable[int]]:
        """The samples of a pool by key, some at a time, those used meanwhile too; ASK until they have been asked for."""
        while True:
            if (window := self.next_window(pool)) is not None:
                yield window.rows.data
            elif self.is_asked(pool):
                return
            else:
                yield (ASK,)

    def ask(self, wanted: dict[int, int], state: Bytes) -> int:
        """Ask for the next samples of each pool, at least so many; returns how many of them had not been used."""
        low, high = np.zeros(NUM_POOLS + 1, np.uint32), np.zeros(NUM_POOLS + 1, np.uint32)
        for pool, number in wanted.items():
            low[pool] = first = self.asked[pool]
            high[pool] = self.asked[pool] = step_with(self.counts[pool], first, number)
        marked = 0
        for part in blocks(len(self._about), self._block) if wanted else ():
            steps, pools, states = steps_of(self._keys[part]), pools_of(self._about[part]), state[part]
            chosen = (steps >= low[pools]) & (steps < high[pools]) & (states == UNKNOWN)
            states[chosen] = ASKED
            marked += int(np.count_nonzero(chosen))
        return marked


def row_type(count: int) -> type[np.unsignedinteger]:
    """The smallest type that holds the number of each of so many samples."""
    return np.uint32 if count < 2**32 else np.uint64


class Cursor:
    """Where yes/no stands in one of its pools."""

    def __init__(self, pools: Pools, pool: int, state: memoryview) -> None:
        self._pools, self._pool, self._state = pools, pool, state
        self._rows = self._keys = memoryview(b"")
        self._position = 0

    def head(self) -> tuple[int, int] | None:
        """Key and row of the first sample that is not used; None if there is none. Where it has not been asked for,
        the smallest key that it can have, and ASK."""
        while True:
            while self._position < len(self._rows):
                row: int = self._rows[self._position]
                if not GIVEN <= self._state[row] <= PASSED:
                    return self._keys[self._position], row
                self._position += 1
            if (window := self._pools.next_window(self._pool)) is None:
                asked = self._pools.asked[self._pool]
                return None if self._pools.is_asked(self._pool) else (floor_of(asked), ASK)
            self._rows, self._keys, self._position = window.rows.data, window.keys.data, 0
