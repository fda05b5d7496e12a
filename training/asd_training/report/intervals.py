"""A mean over seeds with its 95 % interval by Student's t."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """mean ± half, of n values; half is None for one value: a single seed says nothing about the others."""

    n: int
    mean: float
    half: float | None

    @property
    def low(self) -> float | None:
        return None if self.half is None else self.mean - self.half

    @property
    def high(self) -> float | None:
        return None if self.half is None else self.mean + self.half

    def to_json(self) -> dict[str, Any]:
        return {"n": self.n, "mean": self.mean, "low": self.low, "high": self.high}


def interval(values: Sequence[float | None]) -> Interval | None:
    """mean ± t(0.975, n-1) · s / √n of the values that are there; None where there are none.

    s divides by n - 1. The values are taken to be independent and about normal, one a seed.
    """
    there = [value for value in values if value is not None and math.isfinite(value)]
    if not there:
        return None
    count = len(there)
    mean = math.fsum(there) / count
    if count == 1:
        return Interval(1, mean, None)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in there) / (count - 1))
    return Interval(count, mean, student_t(count - 1) * spread / math.sqrt(count))


def student_t(freedom: int) -> float:
    """The quantile that leaves (1 - LEVEL) / 2 above it: 12.706 for 1 degree of freedom, 4.303 for 2."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))
