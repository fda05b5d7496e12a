"""Hand-worked intervals. Quantiles from a printed table of Student's t: 12.706 (1 degree of freedom), 4.303 (2)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd_training.report.intervals import Interval, interval, student_t


def test_three_values() -> None:
    found = interval([1.0, 2.0, 3.0])  # s = 1, so half = 4.303 / sqrt(3)
    assert found is not None
    assert (found.n, found.mean) == (3, 2.0)
    assert found.half == pytest.approx(2.4842, abs=1e-4)
    assert (found.low, found.high) == pytest.approx((-0.4842, 4.4842), abs=1e-4)


def test_two_values() -> None:
    found = interval([0.0, 1.0])  # s = 1 / sqrt(2), so half = 12.706 / 2
    assert found is not None
    assert found.half == pytest.approx(6.3531, abs=1e-4)


def test_quantiles_of_the_printed_table() -> None:
    assert [round(student_t(freedom), 3) for freedom in (1, 2, 3, 4, 9, 30)] == [
        12.706,
        4.303,
        3.182,
        2.776,
        2.262,
        2.042,
    ]


def test_one_value_has_no_interval() -> None:
    assert interval([0.25]) == Interval(1, 0.25, None)
    assert Interval(1, 0.25, None).to_json() == {"n": 1, "mean": 0.25, "low": None, "high": None}


@pytest.mark.parametrize("values", [[], [None], [math.nan, None]])
def test_nothing_evaluated_is_no_figure(values: list[float | None]) -> None:
    assert interval(values) is None


def test_what_was_not_evaluated_does_not_count() -> None:
    assert interval([0.5, None, math.nan]) == Interval(1, 0.5, None)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6), st.floats(-5, 5))
def test_a_shift_moves_the_mean_and_keeps_the_width(values: list[float], shift: float) -> None:
    before, after = interval(values), interval([value + shift for value in values])
    assert before is not None and before.half is not None
    assert after is not None and after.half is not None
    assert after.mean == pytest.approx(before.mean + shift, abs=1e-9)
    assert after.half == pytest.approx(before.half, abs=1e-6)
