"""Deals what a sample gets beside its style: the letter of the right option, or whether the answer is yes."""

from __future__ import annotations

from collections import defaultdict
from random import Random

from asd.plan.codes import FIXED_YES, FREE


class Letters:
    """The right option's position. For each number of options every run of n deals uses each position once, in a
    keyed order."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random()
        self._hands: dict[int, list[int]] = defaultdict(list)
        self._hands_dealt: dict[int, int] = defaultdict(int)

    def deal(self, options: int) -> int:
        """options: their number; 0 or 1 where there is nothing to deal."""
        if options < 2:
            return 0
        hand = self._hands[options]
        if not hand:
            hand += range(options)
            self._random.seed(f"{self._seed}:letters:{options}:{self._hands_dealt[options]}")
            self._random.shuffle(hand)
            hand.reverse()
            self._hands_dealt[options] += 1
        return hand.pop()


class Polarities:
    """Yes or no: whichever is behind; a keyed coin where neither is. Samples with an answer of their own keep it."""

    def __init__(self, seed: int) -> None:
        self.ahead = 0
        """The number by which yes was dealt more often than no."""
        self._coin = Random(f"{seed}:polarity")

    def deal(self, kind: int) -> int:
        """1 for yes. kind: FREE, FIXED_YES or FIXED_NO."""
        if kind != FREE:
            yes = kind == FIXED_YES
        elif self.ahead:
            yes = self.ahead < 0
        else:
            yes = self._coin.random() < 0.5
        self.ahead += 1 if yes else -1
        return int(yes)
