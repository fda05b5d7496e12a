"""Passes over all keys, with a part of them in view, find what a look at all of them at once finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.plan.key_passes import repeated_keys, rows_with_smallest

keys = st.lists(
    st.one_of(st.sampled_from([0, 1, 2**63, 2**64 - 2, 2**64 - 1]), st.integers(0, 2**64 - 1)), min_size=1, max_size=80
)
sizes = st.sampled_from([1, 3, 1000])


@settings(max_examples=100)
@given(keys, sizes, sizes)
def test_repeated_keys(values: list[int], block: int, at_once: int) -> None:
    found = repeated_keys(np.array(values, np.uint64), block, at_once)
    assert found.tolist() == sorted({value for value in values if values.count(value) > 1})


@settings(max_examples=100)
@given(keys, st.integers(1, 90), sizes)
def test_rows_with_the_smallest_keys(values: list[int], count: int, block: int) -> None:
    rows, found = rows_with_smallest(np.array(values, np.uint64), count, block)
    bound = sorted(values)[: min(count, len(values))][-1]
    assert rows.tolist() == [row for row, value in enumerate(values) if value <= bound]
    assert found.tolist() == [values[row] for row in rows.tolist()]
