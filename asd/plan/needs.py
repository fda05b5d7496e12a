"""Estimates how many samples of each pool will be drawn, from what the makers have said so far. It changes no result.

Processes that draw the same plan, each for itself, must ask the same in each round: so there is nothing here that could
round differently on another machine (whole numbers, the four operations, square roots).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from asd.plan.codes import (
    FROM_OTHERS,
    GIVEN,
    NOBODY,
    NUM_STYLES,
    PASSED,
    UNKNOWN,
    YES_NO,
    Bytes,
    blocks,
)
from asd.plan.pools import NUM_POOLS, YES_NO_POOLS, pools_of

_DEVIATIONS = 4
"""Standard deviations that are asked for beyond what is expected, so that a further round is rare."""
_ITERATIONS = 50


@dataclass(frozen=True)
class Tally:
    """The number of samples of each pool in each state, shape (NUM_POOLS, 256)."""

    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, about: Bytes, state: Bytes, block: int) -> Tally:
        counts = np.zeros((NUM_POOLS + 1) * 256, np.int64)
        for part in blocks(len(about), block):
            counts += np.bincount(pools_of(about[part]).astype(np.uint16) << 8 | state[part], minlength=len(counts))
        return cls(counts.reshape(-1, 256)[:NUM_POOLS])

    def known(self, pool: int) -> int:
        """Samples that are answered for and not used."""
        return int(self.counts[pool, :NUM_STYLES].sum() + self.counts[pool, NOBODY])

    def unknown(self, pool: int) -> int:
        """Samples that are neither answered for nor used."""
        return int(self.counts[pool, UNKNOWN])

    def used(self, pool: int) -> int:
        return int(self.counts[pool, GIVEN : PASSED + 1].sum())

    def left(self, pool: int) -> int:
        return int(self.counts[pool].sum()) - self.used(pool)

    def accepted(self, style: int) -> int:
        """Samples of the style's pools that it accepts and has not drawn."""
        return int(self.counts[list(pools_of_style(style)), style].sum())

    def given(self) -> npt.NDArray[np.int64]:
        """Samples by primary style and style given."""
        given = np.zeros((NUM_STYLES, NUM_STYLES), np.int64)
        for style in range(NUM_STYLES):
            given[style] = self._of(style, GIVEN) + self._of(style, FROM_OTHERS)
        return given

    def outcomes(self, style: int) -> npt.NDArray[np.int64]:
        """Samples of the style's pools by the style that accepted them, and those that none did or that wait for it."""
        others = self.counts[list(pools_of_style(style))][:, [NOBODY, PASSED]].sum()
        return np.append(self._of(style, 0) + self._of(style, GIVEN), others)

    def _of(self, style: int, kind: int) -> npt.NDArray[np.int64]:
        """Samples of the style's pools whose state is `kind` plus a style, by that style."""
        by_style: npt.NDArray[np.int64] = self.counts[list(pools_of_style(style)), kind : kind + NUM_STYLES].sum(axis=0)
        return by_style


def pools_of_style(style: int) -> tuple[int, ...]:
    return YES_NO_POOLS if style == YES_NO else (style,)


def known_ahead(
    tally: Tally, wanted: Mapping[int, int], waiting: Mapping[int, int], *, thrifty: bool
) -> dict[int, int]:
    """By pool: how many samples that are not yet drawn should be answered for.

    wanted: by style, samples that it is still to be given; waiting: those passed on to it and not yet drawn.
    """
    draws = dict(wanted) if thrifty else _expected_draws(tally, wanted, waiting)
    wanted_of_pool = {}
    for style, expected in draws.items():
        pools = [pool for pool in pools_of_style(style) if tally.left(pool)]
        shares = [tally.left(pool) for pool in pools]
        if not thrifty and all(map(tally.used, pools)):
            shares = [tally.used(pool) for pool in pools]
        for pool, share in zip(pools, shares, strict=True):
            part = expected * share // sum(shares)
            wanted_of_pool[pool] = part + _spare(
                part, tally.outcomes(style), style, thrifty=thrifty, is_split=len(pools) > 1
            )
    return wanted_of_pool


def others_ahead(tally: Tally, style: int, lack: int) -> int:
    """The number of samples of other pools to ask about, if their makers accept as often as those of its own pools."""
    outcomes = tally.outcomes(style)
    tried = ceil(lack / float(_rates(outcomes, style)[style]))
    return tried + _spare(tried, outcomes, style, thrifty=False, is_split=False)


def _spare(draws: int, outcomes: npt.NDArray[np.int64], style: int, *, thrifty: bool, is_split: bool) -> int:
    """Samples beyond those that are expected to be drawn."""
    if thrifty:
        return int(is_split)
    seen = int(outcomes.sum())
    if not seen:
        return draws // 32 + 32
    rate = _rates(outcomes, style)[style]
    spread = draws * (1 - rate) / rate + (draws if is_split else 0)  # which of the pools is drawn from is chance, too
    return ceil(_DEVIATIONS * sqrt(spread)) + 8


def _rates(outcomes: npt.NDArray[np.int64], style: int) -> npt.NDArray[np.float64]:
    """Share of the style's pools that each style accepts; before anything is known, all by its own."""
    hopeful = outcomes.astype(np.float64)
    hopeful[style] += 1
    rates: npt.NDArray[np.float64] = hopeful / hopeful.sum()
    return rates


def _expected_draws(tally: Tally, wanted: Mapping[int, int], waiting: Mapping[int, int]) -> dict[int, int]:
    """By style: draws from its own pools, d, so that it gets what it wants, from them and from those passed on to it:
    wanted_s - waiting_s = sum_t d_t * rate_ts."""
    rates = {style: _rates(tally.outcomes(style), style) for style in wanted}
    left = {style: sum(map(tally.left, pools_of_style(style))) for style in wanted}
    draws = {style: float(number) for style, number in wanted.items()}
    for _ in range(_ITERATIONS):
        for style, number in wanted.items():
            passed_on = sum(draws[other] * rates[other][style] for other in wanted if other != style)
            own = max(number - waiting[style] - passed_on, 0.0) / rates[style][style]
            draws[style] = min(own, left[style])
    return {style: ceil(number) for style, number in draws.items()}
