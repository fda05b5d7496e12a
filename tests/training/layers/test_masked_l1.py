"""The masked L1 term: all forms give the value and the gradients of the plain definition."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from asd_training.errors import ShapeError  # noqa: E402
from asd_training.layers import masked_l1  # noqa: E402
from asd_training.layers.masked_l1 import dense_masked_l1, masked_delta_l1, masked_delta_l1_means  # noqa: E402
from asd_training.layers.packed_bits import pack_weights  # noqa: E402
from tests.training.strategies import make_pair, make_weights, ranks, seeds, sizes  # noqa: E402


def gradients(value, *inputs):  # type: ignore[no-untyped-def]
    return torch.autograd.grad(value, inputs)


def assert_near(got, expected, tolerance: float = 1e-5) -> None:  # type: ignore[no-untyped-def]
    """Relative to the norm; the factors have entries of about 1, so sums of products are good to 1e-6."""
    got, expected = got.detach(), expected.detach()
    assert float((got - expected).norm()) <= tolerance * float(expected.norm()) + 1e-6


def test_by_hand() -> None:
    b = torch.tensor([[1.0], [-2.0]], requires_grad=True)
    a = torch.tensor([[1.0, -3.0]], requires_grad=True)  # B A = [[1, -3], [-2, 6]]
    weights = pack_weights(torch.tensor([[0, 1], [2, 0]]))  # -3 once, -2 twice
    value = masked_delta_l1(a, b, weights)
    assert value.item() == pytest.approx((3 + 2 * 2) / 3)
    d_a, d_b = gradients(value, a, b)
    # G = [[0, -1], [-2, 0]];  dB = G A^T / 3 = [3, -2] / 3;  dA = B^T G / 3 = [4, -1] / 3
    torch.testing.assert_close(d_b, torch.tensor([[3.0], [-2.0]]) / 3)
    torch.testing.assert_close(d_a, torch.tensor([[4.0, -1.0]]) / 3)


@given(sizes, sizes, ranks, st.integers(1, 15), st.sampled_from([0.01, 0.3]), seeds)
def test_equals_the_dense_definition(rows: int, columns: int, rank: int, most: int, density: float, seed: int) -> None:
    a, b = make_pair(rows, columns, rank, seed)
    weights = make_weights(rows, columns, most=most, density=density, seed=seed)
    expected = dense_masked_l1(a, b, weights)
    got = masked_delta_l1(a, b, weights)
    assert_near(got, expected)
    for one, other in zip(gradients(3 * got, a, b), gradients(3 * expected, a, b), strict=True):
        assert_near(one, other)


def test_tiles_of_any_size_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = make_pair(50, 70, 4)
    weights = make_weights(50, 70, most=5)
    whole = masked_delta_l1(a, b, weights)
    monkeypatch.setattr(masked_l1, "_CPU_TILE_ELEMENTS", 210)
    tiled = masked_delta_l1(a, b, weights)
    assert_near(tiled, whole)
    for one, other in zip(gradients(tiled, a, b), gradients(whole, a, b), strict=True):
        assert_near(one, other)


def test_equals_the_mean_over_a_joined_list_of_positions() -> None:
    """The released reading: positions of three tasks joined, an element in two of them counted twice."""
    a, b = make_pair(30, 40, 3)
    draw = torch.Generator().manual_seed(1)
    lists = [torch.randperm(1200, generator=draw)[:300] for _ in range(3)]
    joined = torch.cat(lists)
    counts = torch.zeros(1200, dtype=torch.int64).index_add_(0, joined, torch.ones(900, dtype=torch.int64))
    assert counts.max() > 1
    expected = (b @ a)[joined // 40, joined % 40].abs().mean()
    got = masked_delta_l1(a, b, pack_weights(counts.view(30, 40)))
    assert_near(got, expected)
    for one, other in zip(gradients(got, a, b), gradients(expected, a, b), strict=True):
        assert_near(one, other)


def test_numeric_gradient_in_float64() -> None:
    a, b = (factor.detach().double().requires_grad_() for factor in make_pair(6, 9, 2))
    weights = make_weights(6, 9, most=3, density=0.5)
    assert torch.autograd.gradcheck(lambda x, y: masked_delta_l1(x, y, weights), (a, b))


def test_zero_at_a_fresh_adapter() -> None:
    a, _ = make_pair(20, 30, 4)
    b = torch.zeros(20, 4, requires_grad=True)
    value = masked_delta_l1(a, b, make_weights(20, 30, density=0.5))
    assert value.item() == 0
    assert all(not gradient.any() for gradient in gradients(value, a, b))


@given(sizes, sizes, seeds)
def test_no_gradient_off_the_key_elements(rows: int, columns: int, seed: int) -> None:
    a, b = make_pair(rows, columns, 3, seed)
    weights = make_weights(rows, columns, density=0.02, seed=seed)
    counts = weights.unpack()
    d_a, d_b = gradients(masked_delta_l1(a, b, weights), a, b)
    assert not d_b[counts.sum(1) == 0].any()
    assert not d_a[:, counts.sum(0) == 0].any()


def test_many_layers_in_one_call() -> None:
    shapes = [(20, 30), (30, 20), (20, 30), (7, 9)]
    pairs = [make_pair(*shape, 4, seed) for seed, shape in enumerate(shapes)]
    weights = [make_weights(*shape, most=1 + seed, seed=seed) for seed, shape in enumerate(shapes)]
    means = masked_delta_l1_means(pairs, weights)
    for mean, (a, b), one in zip(means, pairs, weights, strict=True):
        assert_near(mean, dense_masked_l1(a, b, one))
    scale = torch.arange(1.0, 5.0)
    (means * scale).sum().backward()
    for (a, b), one, factor in zip(pairs, weights, scale, strict=True):
        for parameter, expected in zip((a, b), gradients(factor * dense_masked_l1(a, b, one), a, b), strict=True):
            assert_near(parameter.grad, expected)


def test_bfloat16_factors_and_autocast() -> None:
    a, b = (factor.detach().bfloat16().requires_grad_() for factor in make_pair(40, 90, 8))
    weights = make_weights(40, 90, most=3)
    expected = dense_masked_l1(a, b, weights)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = masked_delta_l1(a, b, weights)
    assert got.dtype == torch.float32
    assert_near(got, expected)
    for one, other in zip(gradients(got, a, b), gradients(expected, a, b), strict=True):
        assert one.dtype == torch.bfloat16
        assert_near(one.float(), other.float(), 1e-2)


def test_compute_dtype_rounds_the_factors() -> None:
    a, b = make_pair(40, 90, 8)
    weights = make_weights(40, 90)
    rounded = dense_masked_l1(a.bfloat16(), b.bfloat16(), weights)
    got = masked_delta_l1(a, b, weights, compute_dtype=torch.bfloat16)
    assert_near(got, rounded)
    assert all(gradient.dtype == torch.float32 for gradient in gradients(got, a, b))


def test_errors() -> None:
    a, b = make_pair(4, 5, 2)
    with pytest.raises(ShapeError, match="belong to a layer of 5 x 4, but B A is 4 x 5"):
        masked_delta_l1(a, b, make_weights(5, 4))
    with pytest.raises(ShapeError, match="no key element is set in a layer of 4 x 5"):
        masked_delta_l1(a, b, pack_weights(torch.zeros(4, 5)))
    with pytest.raises(ShapeError, match="got 1 pairs, 2 sets"):
        masked_delta_l1_means([(a, b)], [make_weights(4, 5)] * 2)
    with pytest.raises(ShapeError, match="key elements are on meta, the factors on cpu"):
        masked_delta_l1(a, b, make_weights(4, 5).to("meta"))


def test_a_retained_graph_gives_the_same_gradients_again() -> None:
    a, b = make_pair(4, 5, 2)
    value = masked_delta_l1(a, b, make_weights(4, 5, density=0.5))
    first = torch.autograd.grad(value, (a, b), retain_graph=True)
    second = torch.autograd.grad(value, (a, b))
    assert all(torch.equal(one, two) for one, two in zip(first, second, strict=True))
