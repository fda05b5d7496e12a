"""The classifier against a slow, obvious reference."""

from __future__ import annotations

import numpy as np
import pytest

from asd.quality.choice_model import Choices, fit, hit_rate, tied_hit_rate


def make_choices(rows: list[tuple[list[dict[int, float]], int]]) -> Choices:
    alternatives = [alternative for options, _ in rows for alternative in options]
    return Choices(
        features=np.array([feature for one in alternatives for feature in one]),
        values=np.array([value for one in alternatives for value in one.values()], dtype=float),
        num_features=np.array([len(one) for one in alternatives]),
        num_alternatives=np.array([len(options) for options, _ in rows]),
        gold=np.array([gold for _, gold in rows]),
    )


def test_fit_is_the_optimum_of_the_penalised_loss() -> None:
    generator = np.random.default_rng(0)
    rows = [
        ([{f: float(generator.normal()) for f in range(4)} for _ in range(3)], int(generator.integers(3)))
        for _ in range(60)
    ]
    weights = fit(make_choices(rows), 4, ridge=0.1, rounds=200)

    def loss(point: np.ndarray) -> float:
        total = 0.0
        for options, gold in rows:
            scores = [sum(point[f] * v for f, v in one.items()) for one in options]
            total += np.log(np.sum(np.exp(scores))) - scores[gold]
        return total / len(rows) + 0.05 * float(point @ point)

    for _ in range(20):
        assert loss(weights) <= loss(weights + generator.normal(scale=0.02, size=4)) + 1e-7


def test_logistic_regression_is_the_case_of_one_empty_alternative() -> None:
    # 3 yes of 4: the bias of an unpenalised fit is log(3)
    rows = [([{1: 0.0}, {0: 1.0}], gold) for gold in (1, 1, 1, 0)]
    assert fit(make_choices(rows), 2, ridge=0.0, rounds=100)[0] == pytest.approx(np.log(3), abs=1e-2)


def test_take_keeps_whole_rows() -> None:
    choices = make_choices([([{0: 1.0}, {1: 2.0, 2: 3.0}], 1), ([{3: 4.0}, {4: 5.0}, {5: 6.0}], 2)])
    kept = choices.take(np.array([False, True]))
    assert kept.features.tolist() == [3, 4, 5]
    assert kept.num_alternatives.tolist() == [3]
    assert hit_rate(kept, np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])) == 1.0


def test_ties_share_the_hit() -> None:
    assert tied_hit_rate(np.array([1.0, 1.0, 0.0, 5.0, 7.0]), np.array([3, 2]), np.array([0, 0])) == 0.25
