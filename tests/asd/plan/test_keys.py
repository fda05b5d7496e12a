"""Keys depend on the text and the seed alone, and the vectorised form equals the definition."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from asd.plan.keys import key_of, keys_of, salt


@given(st.lists(st.text(max_size=40), max_size=30), st.integers(0, 2**64 - 1))
def test_column_keys_equal_the_definition(texts: list[str], start: int) -> None:
    keys = keys_of(pa.array(texts, pa.string()), start)
    assert keys.tolist() == [key_of(text, start) for text in texts]


def test_a_slice_has_the_keys_of_its_rows() -> None:
    column = pa.array([f"id-{number}" * (number % 5) for number in range(50)])
    assert np.array_equal(keys_of(column.slice(7, 11), 3), keys_of(column, 3)[7:18])


def test_keys_differ_by_seed_split_and_text() -> None:
    starts = {
        salt(0, "vqav2", "train"),
        salt(1, "vqav2", "train"),
        salt(0, "vqav2", "val"),
        salt(0, "gqa", "train"),
    }
    assert len(starts) == 4
    ids = pa.array([str(number) for number in range(200_000)])
    assert len(np.unique(keys_of(ids, salt(0)))) == 200_000


def test_keys_are_pinned() -> None:
    """A change of these values would move every sample of every dataset: it needs a new format version."""
    assert key_of("", 0) == 16294208416658607535
    assert key_of("scienceqa-1", 7) == 3054882706632696184
