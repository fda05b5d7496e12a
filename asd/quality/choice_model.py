"""Conditional logistic regression over hashed features, in NumPy only: pick one alternative of each row.

P(alternative a | row) = exp(w . x_a) / sum over the row's alternatives b of exp(w . x_b); with two
alternatives of which one has no features it is plain logistic regression. Fitted by L-BFGS on the
ridge-penalised mean log loss, written here: SciPy would add 140 MB to the base install, and its sums depend on the
number of threads, so that a report would not be the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(slots=True, frozen=True)
class Choices:
    """Rows of alternatives of sparse features, each as one flat array plus sizes. Every alternative has >= 1
    feature.
    """

    features: Ints
    """Feature index per non-zero."""
    values: Floats
    """Feature value per non-zero."""
    num_features: Ints
    """Non-zeros of each alternative."""
    num_alternatives: Ints
    """Alternatives of each row."""
    gold: Ints
    """Index of the gold alternative within its row."""

    def take(self, rows: Bools) -> Choices:
        """The rows where `rows` is true, in order."""
        alternatives = np.repeat(rows, self.num_alternatives)
        kept = np.repeat(alternatives, self.num_features)
        return Choices(
            self.features[kept],
            self.values[kept],
            self.num_features[alternatives],
            self.num_alternatives[rows],
            self.gold[rows],
        )


def _starts(sizes: Ints) -> Ints:
    return np.cumsum(sizes) - sizes


def fit(choices: Choices, num_weights: int, *, ridge: float, rounds: int = 40) -> Floats:
    """Weights (num_weights,) that minimise mean log loss + ridge/2 * |w|^2."""
    gold = _starts(choices.num_alternatives) + choices.gold
    row_starts, alternative_starts = _starts(choices.num_alternatives), _starts(choices.num_features)

    def loss_and_gradient(weights: Floats) -> tuple[float, Floats]:
        scores = np.add.reduceat(weights[choices.features] * choices.values, alternative_starts)
        scores -= np.repeat(np.maximum.reduceat(scores, row_starts), choices.num_alternatives)
        raised = np.exp(scores)
        totals = np.add.reduceat(raised, row_starts)
        residual = raised / np.repeat(totals, choices.num_alternatives)
        residual[gold] -= 1.0
        residual /= gold.size
        loss = float(np.mean(np.log(totals) - scores[gold]) + 0.5 * ridge * _dot(weights, weights))
        spread = np.repeat(residual, choices.num_features) * choices.values
        return loss, np.bincount(choices.features, weights=spread, minlength=num_weights) + ridge * weights

    return _minimise(loss_and_gradient, np.zeros(num_weights), rounds)


def hit_rate(choices: Choices, weights: Floats) -> float:
    """Share of rows whose best-scored alternative is the gold one; t best alternatives tied count 1/t."""
    scores = np.add.reduceat(weights[choices.features] * choices.values, _starts(choices.num_features))
    return tied_hit_rate(scores, choices.num_alternatives, choices.gold)


def tied_hit_rate(scores: Floats, num_alternatives: Ints, gold: Ints) -> float:
    """Share of rows whose gold alternative has the highest score; t alternatives tied for it count 1/t."""
    starts = _starts(num_alternatives)
    best = np.maximum.reduceat(scores, starts)
    at_best = scores >= np.repeat(best, num_alternatives) - 1e-12
    ties = np.add.reduceat(at_best.astype(np.float64), starts)
    return float(np.mean(at_best[starts + gold] / ties))


def _dot(left: Floats, right: Floats) -> float:
    return float(np.sum(left * right))  # not `@`: that sums in an order that depends on the number of threads


def _minimise(
    loss_and_gradient: Callable[[Floats], tuple[float, Floats]], weights: Floats, rounds: int, memory: int = 8
) -> Floats:
    """L-BFGS with a backtracking line search; stops when a step no longer helps."""
    pairs: list[tuple[Floats, Floats, float]] = []
    loss, gradient = loss_and_gradient(weights)
    for _ in range(rounds):
        direction = _descent_direction(gradient, pairs)
        slope = _dot(gradient, direction)
        if slope > -1e-12:
            break
        step = 1.0 if pairs else 1.0 / max(1.0, float(np.abs(gradient).sum()))
        for _ in range(20):
            moved = weights + step * direction
            new_loss, new_gradient = loss_and_gradient(moved)
            if new_loss <= loss + 1e-4 * step * slope:
                break
            step *= 0.5
        else:
            break
        change, bend = moved - weights, new_gradient - gradient
        curvature = _dot(change, bend)
        if curvature > 1e-14:
            pairs = [*pairs[-(memory - 1) :], (change, bend, 1.0 / curvature)]
        if loss - new_loss < 1e-7:
            return moved
        weights, loss, gradient = moved, new_loss, new_gradient
    return weights


def _descent_direction(gradient: Floats, pairs: list[tuple[Floats, Floats, float]]) -> Floats:
    """The two-loop recursion: minus the approximate inverse Hessian times the gradient."""
    direction = -gradient
    steps = []
    for change, bend, inverse in reversed(pairs):
        alpha = inverse * _dot(change, direction)
        steps.append(alpha)
        direction = direction - alpha * bend
    if pairs:
        change, bend, inverse = pairs[-1]
        direction = direction / (inverse * _dot(bend, bend))
    for (change, bend, inverse), alpha in zip(pairs, reversed(steps), strict=True):
        beta = inverse * _dot(bend, direction)
        direction = direction + (alpha - beta) * change
    return direction
