"""Packed weights: writing and reading is the identity, sizes are as promised, damaged states are named."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from asd_training.errors import ShapeError, StateError  # noqa: E402
from asd_training.layers.packed_bits import (  # noqa: E402
    add_weights,
    join_weights,
    pack_bits,
    pack_weights,
    unpack_bits,
    weights_from_state,
    weights_to_state,
)
from tests.training.strategies import make_counts, make_weights, seeds, sizes  # noqa: E402


def test_layout_of_a_small_matrix() -> None:
    mask = torch.zeros(2, 70, dtype=torch.bool)
    mask[0, 0] = mask[0, 3] = mask[1, 63] = mask[1, 65] = True
    words = pack_bits(mask)
    assert words.tolist() == [[0b1001, -(2**63)], [0, 0b10]]  # word [c // 64, r], bit c % 64
    assert torch.equal(unpack_bits(words, 70), mask.to(torch.uint8))


def test_duplicates_are_planes_over_present_elements_in_row_major_order() -> None:
    weights = pack_weights(torch.tensor([[0, 1, 3], [2, 0, 4]]))
    assert (weights.num_present, weights.total, weights.num_planes) == (4, 10, 2)
    assert weights.row_start.tolist() == [0, 2]
    assert weights.extra[:, 0].tolist() == [
        0b1100,
        0b1010,
    ]  # weight - 1 is 0, 2, 1, 3: low bits, then high bits


@given(sizes, sizes, st.integers(1, 15), st.floats(0, 1), seeds)
def test_unpacking_returns_what_was_packed(rows: int, columns: int, most: int, density: float, seed: int) -> None:
    counts = make_counts(rows, columns, most=most, density=density, seed=seed)
    weights = pack_weights(counts)
    assert torch.equal(weights.unpack(), counts)
    some = slice(rows // 3, rows // 3 + max(1, rows // 2))
    assert torch.equal(weights.unpack(some), counts[some])
    assert weights.total == int(counts.sum()) and weights.num_present == int((counts > 0).sum())


@given(sizes, sizes, seeds)
def test_adding_and_joining(rows: int, columns: int, seed: int) -> None:
    first = make_counts(rows, columns, most=9, density=0.3, seed=seed)
    second = make_counts(rows, columns, most=9, density=0.3, seed=seed + 1)
    added = add_weights(pack_weights(first), pack_weights(second)).unpack()
    assert torch.equal(added, (first + second).clamp(max=15))
    assert torch.equal(join_weights(pack_weights(first), pack_weights(second)).unpack(), ((first + second) > 0).byte())


def test_memory_is_one_bit_an_element_and_little_more_for_counts() -> None:
    rows, columns = 512, 1024
    bits = rows * columns / 8
    one_task = make_weights(rows, columns, density=0.02)
    assert one_task.size_bytes <= bits + 16 * rows
    seven_tasks = pack_weights(sum(make_counts(rows, columns, density=0.02, seed=task) for task in range(7)))
    released = 7 * 0.02 * rows * columns * 16
    assert seven_tasks.size_bytes < 1.5 * bits + 16 * rows
    assert released / seven_tasks.size_bytes > 10


@given(sizes, sizes, st.integers(1, 15), seeds)
def test_state_round_trip(rows: int, columns: int, most: int, seed: int) -> None:
    weights = make_weights(rows, columns, most=most, density=0.3, seed=seed)
    again = weights_from_state(weights_to_state(weights), "layer")
    assert torch.equal(again.unpack(), weights.unpack())
    assert (again.total, again.num_present, again.shape) == (
        weights.total,
        weights.num_present,
        weights.shape,
    )


def test_damaged_states_are_named() -> None:
    state = weights_to_state(make_weights(10, 70, most=3))
    with pytest.raises(StateError, match=r"layers\.0\.q: expected the entries .*'row_start'\], got"):
        weights_from_state({key: state[key] for key in ("presence", "extra", "numbers")}, "layers.0.q")
    with pytest.raises(StateError, match=r"expected int64 tensors and 4 numbers, got .*float32"):
        weights_from_state({**state, "extra": state["extra"].float()}, "layers.0.q")
    with pytest.raises(StateError, match=r"entry 'presence' has shape \(1, 10\), expected \(2, 10\); damaged"):
        weights_from_state({**state, "presence": state["presence"][:1]}, "layers.0.q")
    flipped = state["presence"].clone()
    flipped[0, 3] ^= 1 << 60
    with pytest.raises(StateError, match="contradict their counts"):
        weights_from_state({**state, "presence": flipped}, "layers.0.q")


def test_shapes_that_cannot_be_joined_or_packed() -> None:
    with pytest.raises(ShapeError, match=r"key elements of a \(2, 3\) matrix with those of a \(3, 2\) one"):
        add_weights(make_weights(2, 3), make_weights(3, 2))
    with pytest.raises(ShapeError, match=r"both at least 1, got \(0, 3\)"):
        pack_weights(torch.zeros(0, 3))
