"""Chi-square test of dealt letters. Its tail probability is ten lines, for which SciPy, 140 MB, is no base dependency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

MIN_EXPECTED = 5.0
"""Cells with fewer expected rows make the chi-square approximation useless, so such groups are left out."""


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
    """P(X >= statistic) for a chi-square variable: Q(dof/2, statistic/2), the regularised upper gamma function.

    By its recurrence (Abramowitz and Stegun, 6.5.21), which is finite: Q(a + 1, x) = Q(a, x) + x^a e^-x / Gamma(a + 1),
    from Q(1, x) = e^-x for even dof and Q(1/2, x) = erfc(sqrt(x)) for odd.
    """
    x = statistic / 2.0
    if x <= 0.0:
        return 1.0
    a, tail = (0.5, math.erfc(math.sqrt(x))) if dof % 2 else (1.0, math.exp(-x))
    while a < dof / 2.0:
        tail += math.exp(a * math.log(x) - x - math.lgamma(a + 1.0))
        a += 1.0
    return min(1.0, tail)
