"""Choosing rows by a hash: the same name and the same ids give the same rows, whatever the order or machine."""

from __future__ import annotations

from collections.abc import Sequence

import xxhash


def sample_rows(ids: Sequence[str], count: int, sample: str) -> list[int]:
    """Positions, ascending, of `count` of the ids (of all, if there are fewer); uniform over samples' names."""
    keys = [(xxhash.xxh3_64_intdigest(f"{sample}:{row_id}".encode()), position) for position, row_id in enumerate(ids)]
    return sorted(position for _, position in sorted(keys)[:count])
