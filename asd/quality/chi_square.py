"""Chi-square test of dealt letters, with the tail probability from `math` alone (SciPy is not in the base
install).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

MIN_EXPECTED = 5.0
"""Cells with fewer expected rows make the chi-square approximation useless, so such groups are left out."""

_TINY = 1e-300
_ROUNDS = 10_000


def pooled_letter_p(counts: Mapping[int, Sequence[int]]) -> float | None:
    """p of "every letter is equally likely", pooled over numbers of options.

    counts: number of options k -> how often the gold answer stood at each of the k positions.
    Per k: X2_k = sum over positions of (n_i - n/k)^2 / (n/k) with k - 1 degrees of freedom; pooled by adding
    both up. Groups with n/k < 5 are left out; None where no group remains.
    """
    statistic, dof = 0.0, 0
    for k, observed in sorted(counts.items()):
        expected = sum(observed) / k
        if k < 2 or expected < MIN_EXPECTED:
            continue
        statistic += sum((n - expected) ** 2 for n in observed) / expected
        dof += k - 1
    return chi_square_tail(statistic, dof) if dof else None


def chi_square_tail(statistic: float, dof: int) -> float:
    """P(X >= statistic) for a chi-square variable: the regularised upper gamma function Q(dof/2,
    statistic/2).
    """
    a, x = dof / 2.0, statistic / 2.0
    if x <= 0.0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    tail = 1.0 - scale * _series(a, x) if x < a + 1.0 else scale * _continued_fraction(a, x)
    return min(1.0, max(0.0, tail))


def _series(a: float, x: float) -> float:
    """Lower gamma function without its scale; converges quickly for x < a + 1."""
    term = total = 1.0 / a
    for n in range(1, _ROUNDS):
        term *= x / (a + n)
        total += term
        if term < total * 1e-15:
            break
    return total


def _continued_fraction(a: float, x: float) -> float:
    """Upper gamma function without its scale (modified Lentz); converges quickly for x > a + 1."""
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    value = d
    for n in range(1, _ROUNDS):
        step = -n * (n - a)
        b += 2.0
        d = 1.0 / _away_from_zero(step * d + b)
        c = _away_from_zero(b + step / c)
        value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
