"""Samples of other styles' pools that a style may take once its own is used up: the last ones by key first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from asd.plan.codes import GIVEN, PASSED, Bytes, Column, Flags, Mask, Rows, blocks, is_used
from asd.plan.keys import Keys
from asd.plan.pools import NUM_STEPS, Counts, primary_of, row_type, step_with, steps_of

NOT_ASKED, DECLINED, ACCEPTED = 0, 1, 2


class OtherPools:
    """The samples of other pools that one style may take, and what its maker said of them. Holds those picked so far."""

    def __init__(
        self, style: int, keys: Column, capable: Column, about: Bytes, state: Bytes, block: int, window: int
    ) -> None:
        self._style, self._keys, self._capable, self._about, self._state = style, keys, capable, about, state
        self._block, self._window = block, window
        self._rows = np.zeros(0, row_type(len(about)))
        self._answers = np.zeros(0, np.uint8)
        self._position = 0
        self._picked = 0
        self._counts = self._count()

    def heads(self) -> Iterator[tuple[int, bool]]:
        """The first sample that is neither used nor declined, and whether it is known to be accepted; again and again
        until it is used."""
        state = self._state.data
        while True:
            if self._position == len(self._rows):
                if not self._pick(self._window):
                    return
                continue
            row, answer = self._rows.data[self._position], self._answers.data[self._position]
            if answer == DECLINED or GIVEN <= state[row] <= PASSED:
                self._position += 1
            else:
                yield row, answer == ACCEPTED

    def ahead(self, wanted: int) -> Rows:
        """The next `wanted` samples that have not been asked for and are not used, or fewer: at most a window's."""
        wanted = min(wanted, self._window)
        while True:
            rows = self._rows[self._position :]
            open_rows = rows[(self._answers[self._position :] == NOT_ASKED) & ~is_used(self._state[rows])]
            if len(open_rows) >= wanted or not self._pick(wanted - len(open_rows)):
                next_rows: Rows = open_rows[:wanted].astype(np.int64)
                return next_rows

    def answer(self, rows: Rows, accepted: Flags) -> None:
        """Note what the maker said of samples that `ahead` gave."""
        order = np.argsort(self._rows, kind="stable")
        places = order[np.searchsorted(self._rows, rows, sorter=order)]
        self._answers[places] = np.where(accepted, ACCEPTED, DECLINED)

    def _candidates(self, part: slice) -> Flags:
        able = (self._capable[part] >> Mask(self._style) & Mask(1)).astype(np.bool_)
        flags: Flags = able & (primary_of(self._about[part]) != self._style) & ~is_used(self._state[part])
        return flags

    def _count(self) -> Counts:
        """Candidates in each step from the end."""
        counts = np.zeros(NUM_STEPS, np.int64)
        for part in blocks(len(self._about), self._block):
            counts += np.bincount(steps_of(~self._keys[part][self._candidates(part)]), minlength=NUM_STEPS)
        return counts

    def _pick(self, wanted: int) -> bool:
        """Take at least `wanted` candidates more into what is held, as far as there are so many; False if none is left."""
        if not self._counts[self._picked :].any():
            return False
        rows: list[npt.NDArray[np.unsignedinteger]] = []
        keys: list[Keys] = []
        low = self._picked
        self._picked = high = step_with(self._counts, low, wanted)
        for part in blocks(len(self._about), self._block):
            part_keys = self._keys[part]
            steps = steps_of(~part_keys)
            places = np.flatnonzero(self._candidates(part) & (steps >= low) & (steps < high))
            rows.append((places + part.start).astype(self._rows.dtype))
            keys.append(part_keys[places])
        self._hold(np.concatenate(rows)[::-1], np.concatenate(keys)[::-1])
        return True

    def _hold(self, rows: npt.NDArray[np.unsignedinteger], keys: Keys) -> None:
        """rows: descending; what has been passed is let go of."""
        rows = rows[np.argsort(~keys, kind="stable")]
        self._rows = np.concatenate([self._rows[self._position :], rows])
        self._answers = np.concatenate([self._answers[self._position :], np.zeros(len(rows), np.uint8)])
        self._position = 0
