"""The questions that the planner asks, and the assignment that it hands over at the end: both are views of its arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asd.plan.codes import ASKED, FROM_OTHERS, PASSED, UNKNOWN, Bytes, Flags, Rows, given_styles, is_used
from asd.plan.pools import primary_of


@dataclass
class Questions:
    """What the planner must know before it can go on: do these samples' makers accept?"""

    num_chain: int
    """Samples to try in their primary style first, then in the fixed order after it."""
    single: Rows
    """(sample, style), shape (n, 2), by sample: try this one style only."""
    _state: Bytes
    _about: Bytes

    def __len__(self) -> int:
        return self.num_chain + len(self.single)

    def are_any_between(self, first: int, last: int) -> bool:
        """Whether there is a question about a sample from `first` to before `last`."""
        return bool((self._state[first:last] == ASKED).any()) or len(self.single_between(first, last)) > 0

    def chain_between(self, first: int, last: int) -> tuple[Rows, Bytes]:
        """Those among the samples from `first` to before `last` that have not been answered, and their primary styles."""
        rows = np.flatnonzero(self._state[first:last] == ASKED) + first
        return rows, primary_of(self._about[rows])

    def single_between(self, first: int, last: int) -> Rows:
        """Those of `single` with a sample from `first` to before `last`."""
        low, high = np.searchsorted(self.single[:, 0], [first, last])
        return self.single[low:high]


@dataclass
class Assignment:
    """The finished plan."""

    converted: int
    by_style: dict[int, int]
    shortfall: int
    """Samples that were wanted but that no maker could convert."""
    moved: dict[tuple[int, int], int]
    """(primary style, style it went to) -> samples."""
    _state: Bytes
    _deals: Bytes

    def between(self, first: int, last: int) -> tuple[Rows, Bytes, Bytes]:
        """The samples converted among those from `first` to before `last`, ascending; their styles; their deals.

        deals: of multiple_choice the gold option's position; of yes_no 1 = the answer is to be yes, 0 = no; else 0.
        """
        states = self._state[first:last]
        rows = np.flatnonzero(is_used(states) & (states != PASSED))
        return rows + first, given_styles(states[rows]), self._deals[first:last][rows]

    def used_between(self, first: int, last: int) -> Flags:
        """Flags the samples of which an answer was used: they are converted, or no maker accepts them."""
        return is_used(self._state[first:last])

    def answers_between(self, first: int, last: int) -> tuple[Flags, Bytes]:
        """Of which samples the answer that was used is the one of all styles in turn; and in which style the others were
        tried alone, UNKNOWN where that was not used."""
        states = self._state[first:last]
        used = is_used(states)
        is_from_others = used & (states >= FROM_OTHERS) & (states != PASSED)
        return used & ~is_from_others, np.where(is_from_others, given_styles(states), np.uint8(UNKNOWN))
