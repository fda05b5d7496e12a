"""One parabola for all tasks equals the sum over tasks, by hand and by property; the diagonal Fisher by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from hypothesis import given, settings  # noqa: E402

from asd_training.errors import TaskDataError  # noqa: E402
from asd_training.layers.anchored_values import first_anchor  # noqa: E402
from asd_training.layers.fisher import diagonal_fisher  # noqa: E402
from tests.training.strategies import seeds  # noqa: E402


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_equals_the_sum_over_tasks_and_its_gradient(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    importance = torch.rand(4, 3, 5, generator=draw) * (torch.rand(4, 3, 5, generator=draw) > 0.3)
    left = torch.randn(4, 3, 5, generator=draw)
    anchor = first_anchor(importance[0], left[0])
    for task in range(1, 4):
        anchor = anchor.joined(importance[task], left[task])
    values = torch.randn(3, 5, generator=draw, requires_grad=True)
    expected = (importance * (values - left).square()).sum()
    got = anchor.penalty(values)
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(*(torch.autograd.grad(x, values)[0] for x in (got, expected)))


def test_by_hand() -> None:
    """F = 1 at 0 and F = 3 at 4: at 2 it is 1 * 4 + 3 * 4 = 16, and least, 12, at 3."""
    anchor = first_anchor(torch.tensor([1.0]), torch.tensor([0.0])).joined(torch.tensor([3.0]), torch.tensor([4.0]))
    assert anchor.penalty(torch.tensor([2.0])).item() == pytest.approx(16)
    assert (anchor.anchor.item(), anchor.constant.item()) == pytest.approx((3, 12))


def test_a_new_origin_and_fading() -> None:
    anchor = first_anchor(torch.tensor([2.0]), torch.tensor([1.0]))
    assert anchor.moved(torch.tensor([5.0])).penalty(torch.tensor([-4.0])).item() == 0
    assert anchor.faded(0.5).penalty(torch.tensor([3.0])).item() == pytest.approx(4)


def test_fisher_by_hand() -> None:
    """Losses 2 x and 4 x + y: squared gradients (4, 0) and (16, 1), mean (10, 0.5)."""
    x, y = (torch.zeros((), requires_grad=True) for _ in range(2))
    found = diagonal_fisher({"x": x, "y": y}, iter([2 * x + 0 * y, 4 * x + y]))
    assert {name: value.item() for name, value in found.items()} == {"x": 10.0, "y": 0.5}


def test_fisher_without_rows() -> None:
    with pytest.raises(TaskDataError, match="needs at least one row"):
        diagonal_fisher({}, [])
