"""Key elements: exact count, the largest ones, ties to the first in row-major order, whatever the tiles."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from asd_training.errors import SettingError, ShapeError  # noqa: E402
from asd_training.layers.delta_weight import delta_weight  # noqa: E402
from asd_training.layers.key_elements import key_elements, num_key_elements  # noqa: E402
from tests.training.strategies import make_pair, ranks, seeds, sizes  # noqa: E402


def sorted_selection(importance, k: int):  # type: ignore[no-untyped-def]
    """The obvious way: a stable sort of the whole matrix."""
    order = importance.reshape(-1).sort(descending=True, stable=True).indices
    chosen = torch.zeros(importance.numel(), dtype=torch.uint8)
    chosen[order[:k]] = 1
    return chosen.view(importance.shape)


def test_by_hand() -> None:
    b, a = torch.tensor([[1.0], [-2.0]]), torch.tensor([[1.0, -3.0]])  # B A = [[1, -3], [-2, 6]]
    assert key_elements(a, b, 0.5).unpack().tolist() == [[0, 1], [0, 1]]
    assert key_elements(a, b, 0.75).unpack().tolist() == [[0, 1], [1, 1]]


@given(sizes, sizes, ranks, st.sampled_from([0.02, 0.1, 0.5, 1.0]), seeds)
def test_equals_sorting(rows: int, columns: int, rank: int, fraction: float, seed: int) -> None:
    a, b = make_pair(rows, columns, rank, seed)
    k = int(fraction * rows * columns)
    if not k:
        return
    found = key_elements(a, b, fraction)
    assert found.total == found.num_present == k
    assert torch.equal(found.unpack(), sorted_selection(delta_weight(a, b).abs(), k))


@given(sizes, sizes, st.integers(1, 3), seeds, st.sampled_from([1, 50, 1000]))
def test_ties_go_to_the_first_whatever_the_tiles(rows: int, columns: int, levels: int, seed: int, tile: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    a = torch.randint(-levels, levels + 1, (2, columns), generator=draw).float()
    b = torch.randint(-levels, levels + 1, (rows, 2), generator=draw).float()
    k = max(1, rows * columns // 3)
    fraction = (k + 0.5) / (rows * columns)
    found = key_elements(a, b, min(1.0, fraction), tile_elements=tile)
    k = int(min(1.0, fraction) * rows * columns)
    assert torch.equal(found.unpack(), sorted_selection(delta_weight(a, b).abs(), k))


def test_all_equal_takes_the_first_rows() -> None:
    found = key_elements(torch.zeros(4, 10), torch.zeros(10, 4), 0.15)
    assert found.unpack().reshape(-1).nonzero()[:, 0].tolist() == list(range(15))


def test_bfloat16_factors_are_multiplied_in_float32_even_under_autocast() -> None:
    a, b = (factor.detach().bfloat16() for factor in make_pair(40, 90, 8))
    expected = sorted_selection((b.float() @ a.float()).abs(), int(0.1 * 3600))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(key_elements(a, b, 0.1).unpack(), expected)


def test_errors() -> None:
    a, b = make_pair(4, 5, 2)
    with pytest.raises(SettingError, match=r"must be in \(0, 1\], got 2; 0.02 is 2 %"):
        key_elements(a, b, 2)
    with pytest.raises(SettingError, match=r"0\.02 of a 4 x 5 layer is not one element; raise"):
        num_key_elements(4, 5, 0.02)
    with pytest.raises(ShapeError, match=r"q_proj: expected lora_A .* got \(2, 5\) and \(4, 3\)"):
        key_elements(a, torch.zeros(4, 3), layer="q_proj")
    with pytest.raises(ShapeError, match=r"is empty; gather sharded parameters"):
        key_elements(torch.zeros(0, 5), torch.zeros(4, 0))
    broken = b.detach().clone()
    broken[1, 1] = float("nan")
    with pytest.raises(ShapeError, match="v_proj: B A has values that are not finite; the adapter diverged"):
        key_elements(a, broken, 0.5, layer="v_proj")
