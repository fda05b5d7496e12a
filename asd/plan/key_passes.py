"""Answers questions about all keys together, in passes over the column with a small part of it in view."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asd.plan.codes import BLOCK, Column, blocks
from asd.plan.keys import Keys

AT_ONCE = 1 << 21
"""Keys that are sorted at once, at the least; of many, a sixteenth."""


def repeated_keys(keys: Column, block: int = BLOCK, at_once: int = AT_ONCE) -> Keys:
    """The keys that occur more than once, ascending. Keys are hashes, so equal ranges hold about as many of them."""
    passes = -(-len(keys) // max(at_once, len(keys) // 16))
    repeated = [np.zeros(0, np.uint64)]
    for number in range(passes):
        low, high = (np.uint64(min((edge << 64) // passes, 2**64 - 1)) for edge in (number, number + 1))
        is_last = number + 1 == passes
        parts = []
        for part in blocks(len(keys), block):
            values = keys[part]
            parts.append(values[(values >= low) & (is_last | (values < high))])
        inside = np.concatenate(parts)
        inside.sort()
        repeated.append(np.unique(inside[1:][inside[1:] == inside[:-1]]))
    return np.concatenate(repeated)


def rows_with_smallest(keys: Column, count: int, block: int = BLOCK) -> tuple[npt.NDArray[np.int64], Keys]:
    """Rows with the `count` smallest keys, ascending by row, and their keys; more where the last of them is repeated.

    keys: one at least.
    """
    smallest = np.zeros(0, np.uint64)
    for part in blocks(len(keys), block):
        values = keys[part]
        if len(smallest) == count:
            values = values[values < smallest.max()]
        smallest = np.concatenate([smallest, values])
        if len(smallest) > count:
            smallest = np.partition(smallest, count - 1)[:count]
    bound = smallest.max()
    rows, chosen = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
    for part in blocks(len(keys), block):
        values = keys[part]
        inside = np.flatnonzero(values <= bound)
        rows.append(inside + part.start)
        chosen.append(values[inside])
    return np.concatenate(rows), np.concatenate(chosen)
