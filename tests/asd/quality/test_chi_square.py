"""The tail probability against SciPy and tables; pooling against hand-worked counts."""

from __future__ import annotations

import pytest

from asd.quality.chi_square import chi_square_tail, pooled_letter_p


@pytest.mark.parametrize("dof", [1, 2, 3, 7, 40, 300])
@pytest.mark.parametrize("statistic", [0.0, 1e-6, 0.5, 3.0, 12.0, 80.0, 900.0])
def test_tail_agrees_with_scipy(dof: int, statistic: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert chi_square_tail(statistic, dof) == pytest.approx(stats.chi2.sf(statistic, dof), rel=1e-9, abs=1e-13)


def test_tail_at_the_five_percent_points_of_printed_tables() -> None:
    assert chi_square_tail(3.841, 1) == pytest.approx(0.05, abs=1e-4)
    assert chi_square_tail(7.815, 3) == pytest.approx(0.05, abs=1e-4)


def test_balanced_letters_give_one_and_skewed_ones_nearly_zero() -> None:
    assert pooled_letter_p({4: [10, 10, 10, 10]}) == 1.0
    skewed = pooled_letter_p({4: [100, 10, 10, 10]})
    assert skewed is not None and skewed < 1e-6


def test_groups_are_pooled_by_adding_statistics_and_degrees_of_freedom() -> None:
    # k=2: (12-10)^2/10 * 2 = 0.8, 1 dof; k=3: (13-10)^2/10 + (7-10)^2/10 = 1.8, 2 dof
    assert pooled_letter_p({2: [12, 8], 3: [13, 10, 7]}) == pytest.approx(chi_square_tail(2.6, 3))


def test_too_few_rows_per_letter_are_not_tested() -> None:
    assert pooled_letter_p({4: [4, 4, 4, 4]}) is None
    assert pooled_letter_p({}) is None
    assert pooled_letter_p({2: [9, 11], 4: [4, 0, 0, 0]}) == pooled_letter_p({2: [9, 11]})
