"""Decides which sample takes which style: exact totals, even styles, nested ratios, dealt letters and polarities.

The plan is a fixed sequence of draws, cut off once the wanted number of samples has been assigned; so a larger ratio
keeps every assignment of a smaller one. Each sample has a key (a hash of seed and id) and a *primary* style, drawn
among the styles it can take with weights that make the pools of all styles as equal as the data allows. The styles
take turns. In its turn a style draws

1. a sample that another style's maker declined and that was passed on to this one, oldest first; else
2. the next sample of its own pool, by key. If its maker declines, the sample is passed on to the first style, in the
   fixed order after the declining one, whose maker accepts it, and the style draws again; else
3. (own pool used up) the last sample, by key, of the other pools that can take the style; else
4. the style is used up and takes no more turns.

So after every draw the styles' counts differ by at most one, unless a style is used up. Whether a maker declines is a
pure function of (sample, style, seed), asked for lazily and in bulk: `Planner.advance` returns the questions that it
needs answered and is called again with the answers. How many are asked at once changes no result.

Letters: for each number of options, every run of n samples uses each position once, in a keyed order. Yes/no: the
polarity that is behind is dealt next; samples whose question is itself a yes/no question bring their own.

What must be known of all samples together are counts (of capability masks, and of keys in each pool), which add up from
those of any parts. Beyond them three bytes are held per sample, and the windows of the pools that are being drawn from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from asd.plan.codes import (
    BLOCK,
    FIXED_NO,
    FIXED_YES,
    FREE,
    FROM_OTHERS,
    GIVEN,
    MULTIPLE_CHOICE,
    NO_STYLE,
    NOBODY,
    NUM_STYLES,
    PASSED,
    STYLE_BITS,
    STYLE_WIDTH,
    UNKNOWN,
    YES_NO,
    Column,
    Flags,
    Rows,
    blocks,
)
from asd.plan.dealing import Letters, Polarities
from asd.plan.needs import Tally, known_ahead, others_ahead, pools_of_style
from asd.plan.other_pools import OtherPools
from asd.plan.pools import (
    ASK,
    NUM_POOLS,
    NUM_STEPS,
    YES_NO_POOLS,
    Cursor,
    Pools,
    about_of,
    count_pools,
)
from asd.plan.results import Assignment, Questions
from asd.plan.shares import count_masks, primary_shares, primary_styles

__all__ = [
    "FIXED_NO", "FIXED_YES", "FREE", "MULTIPLE_CHOICE", "NOBODY", "STYLE_BITS", "UNKNOWN", "YES_NO",
    "Assignment", "Planner", "Questions", "run_planner",
]  # fmt: skip

Ints = Sequence[int] | npt.NDArray[np.integer[Any]]
_EMPTY = -2
_WINDOW = 1 << 18
"""Samples of all pools that are sorted and held at once, at the least; of many samples, a sixteenth."""


class Planner:
    """See the module docstring."""

    def __init__(
        self,
        keys: Column,
        capable: Column,
        polarity: Column,
        *,
        total: int | None = None,
        quotas: Mapping[int, int] | None = None,
        seed: int = 0,
        thrifty: bool = False,
        block: int = BLOCK,
        window: int = _WINDOW,
    ) -> None:
        """capable: bit s set = style s may be possible. Exactly one of `total` (even split) and `quotas` (by style).

        thrifty: ask in more rounds for fewer answers that turn out not to be needed.
        block, window: samples looked at, and sorted, at a time; they change no result.
        """
        goal = total if quotas is None else sum(quotas.values())
        assert goal is not None
        self._goal, self._quotas, self._thrifty = goal, quotas, thrifty
        self._keys, self._capable = keys, capable
        self._block, self._window = block, max(window, len(keys) // 16)
        self._about = np.full(len(keys), NO_STYLE, np.uint8)
        self._state = np.full(len(keys), UNKNOWN, np.uint8)
        self._detail = np.zeros(len(keys), np.uint8)
        """Number of options of a sample's multiple-choice draft; what is dealt, once it is given."""
        masks, counts = self._look_at_all(polarity) if goal else (0, np.zeros((NUM_POOLS, NUM_STEPS), np.int64))
        self._pools = Pools(keys, self._about, counts, block, self._window)
        styles = [s for s in range(NUM_STYLES) if masks >> s & 1]
        self._turns = [s for s in styles if quotas is None or quotas.get(s, 0) > 0]
        self._turn = 0
        self._draws = {s: self._draw(s) for s in styles}
        self._waiting: dict[int, deque[int]] = {s: deque() for s in styles}
        self._others: dict[int, OtherPools] = {}
        self._counts = dict.fromkeys(styles, 0)
        self._given = 0
        self._letters, self._polarities = Letters(seed), Polarities(seed)

    def _look_at_all(self, polarity: Column) -> tuple[int, npt.NDArray[np.int64]]:
        """Fill in primary styles; the styles that any sample can take, as bits, and the counts of the pools."""
        parts = list(blocks(len(self._keys), self._block))
        mask_counts = sum((count_masks(self._capable[part]) for part in parts), np.zeros(1 << NUM_STYLES, np.int64))
        shares = primary_shares(mask_counts, NUM_STYLES)
        counts = np.zeros((NUM_POOLS, NUM_STEPS), np.int64)
        for part in parts:
            keys = self._keys[part]
            self._about[part] = about_of(primary_styles(keys, self._capable[part], shares), polarity[part])
            counts += count_pools(keys, self._about[part])
        masks = int(np.bitwise_or.reduce(np.flatnonzero(mask_counts), initial=0))
        return masks, counts

    def answer_chain(self, rows: Ints, outcomes: Ints, num_options: Ints) -> None:
        """outcomes: the style bit that accepted, or NOBODY; num_options: of a multiple-choice draft, else 0."""
        asked, codes = np.asarray(rows, np.int64), np.asarray(outcomes, np.uint8)
        self._state[asked] = codes
        self._note_options(asked, codes == MULTIPLE_CHOICE, num_options)

    def answer_singles(self, rows: Ints, styles: Ints, accepted: Sequence[bool] | Flags, num_options: Ints) -> None:
        """The answers to `Questions.single`, one entry each."""
        asked, tried, taken = np.asarray(rows, np.int64), np.asarray(styles, np.uint8), np.asarray(accepted, np.bool_)
        for style in np.unique(tried).tolist():
            of_style = tried == style
            self._others[style].answer(asked[of_style], taken[of_style])
        self._note_options(asked, taken & (tried == MULTIPLE_CHOICE), num_options)

    def _note_options(self, rows: Rows, is_choice: Flags, num_options: Ints) -> None:
        """A row may be asked for other styles later."""
        self._detail[rows[is_choice]] = np.asarray(num_options, np.uint8)[is_choice]

    def advance(self) -> Questions | None:
        """Draw until done (None) or until something must be known (the questions)."""
        while self._draw_on():
            if questions := self._questions():
                return questions
        return None

    def _draw_on(self) -> bool:
        """Draw until done (False) or until something must be known (True)."""
        turns, quotas, counts, draws, waiting = self._turns, self._quotas, self._counts, self._draws, self._waiting
        state, detail, about = self._state.data, self._detail.data, self._about.data
        deal_letter, deal_polarity = self._letters.deal, self._polarities.deal
        while turns and self._given < self._goal:
            style = turns[self._turn]
            if quotas is not None and counts[style] >= quotas[style]:
                self._leave(style)
                continue
            row = waiting[style].popleft() if waiting[style] else next(draws[style], _EMPTY)
            if row == ASK:
                return True
            if row == _EMPTY:
                self._leave(style)
                continue
            counts[style] += 1
            self._given += 1
            state[row] = style + (FROM_OTHERS if state[row] == FROM_OTHERS else GIVEN)
            if style == MULTIPLE_CHOICE:
                detail[row] = deal_letter(detail[row])
            else:
                detail[row] = deal_polarity(about[row] >> STYLE_WIDTH) if style == YES_NO else 0
            self._turn = self._turn + 1 if self._turn + 1 < len(turns) else 0
        return False

    def _leave(self, style: int) -> None:
        position = self._turns.index(style)
        self._turns.remove(style)
        self._turn = position if position < len(self._turns) else 0

    def _draw(self, style: int) -> Iterator[int]:
        """The samples that the style draws: those of its own pools, then others'; ASK until what it needs is known."""
        state, waiting = self._state.data, self._waiting
        for rows in [self._yes_no_heads()] if style == YES_NO else self._pools.read(style):
            for row in rows:
                outcome = state[row] if row != ASK else UNKNOWN
                if outcome == style:
                    yield row
                elif outcome < NUM_STYLES:
                    state[row] = PASSED
                    waiting[outcome].append(row)
                elif outcome == NOBODY:
                    state[row] = PASSED
                elif outcome == UNKNOWN:
                    yield ASK
        for row, is_accepted in self._other_pools(style).heads():
            if is_accepted:
                state[row] = FROM_OTHERS
            yield row if is_accepted else ASK

    def _yes_no_heads(self) -> Iterator[int]:
        """Of the pools of yes/no, the sample to draw next: the first by key, of the polarity that is behind."""
        cursors = [Cursor(self._pools, pool, self._state.data) for pool in YES_NO_POOLS]
        heads = [cursor.head() for cursor in cursors]
        while True:
            free, yes, no = heads
            if self._polarities.ahead < 0 and (free or yes):
                no = None
            elif self._polarities.ahead > 0 and (free or no):
                yes = None
            best = min(filter(None, (free, yes, no)), default=None)
            if best is None:
                return
            yield best[1]
            if best[1] == ASK or self._others:  # the other styles may have taken any of them
                heads = [cursor.head() for cursor in cursors]
            else:
                drawn = heads.index(best)
                heads[drawn] = cursors[drawn].head()

    def _other_pools(self, style: int) -> OtherPools:
        if style not in self._others:
            self._others[style] = OtherPools(
                style, self._keys, self._capable, self._about, self._state, self._block, self._window
            )
        return self._others[style]

    def _questions(self) -> Questions:
        """Everything that the draws ahead will probably need; asked in bulk so that workers are kept busy."""
        tally = Tally.of(self._about, self._state, self._block)
        wanted = {style: self._wanted(style) for style in self._turns}
        waiting = {style: len(self._waiting[style]) for style in self._turns}
        missing = {
            pool: number - tally.known(pool)
            for pool, number in known_ahead(tally, wanted, waiting, thrifty=self._thrifty).items()
        }
        for pool in pools_of_style(self._turns[self._turn]):  # the style that cannot go on asks for one at least
            if not tally.known(pool):
                missing[pool] = max(missing.get(pool, 0), 1)
        asked = {pool: number for pool, number in missing.items() if number > 0 and not self._pools.is_asked(pool)}
        num_chain = self._pools.ask(asked, self._state)
        singles = [np.zeros((0, 2), np.int64)]
        for style in self._turns:
            rows = self._others_ahead(style, wanted[style], tally)
            singles.append(np.stack([rows, np.full(len(rows), style)], axis=1))
        single = np.concatenate(singles)
        return Questions(num_chain, single[np.argsort(single[:, 0], kind="stable")], self._state, self._about)

    def _wanted(self, style: int) -> int:
        if self._quotas is not None:
            return self._quotas[style] - self._counts[style]
        return -(-(self._goal - self._given) // len(self._turns))

    def _others_ahead(self, style: int, wanted: int, tally: Tally) -> Rows:
        """Samples of other pools that the style will probably draw, once all of its own pools is known."""
        pools = pools_of_style(style)
        at_hand = len(self._waiting[style]) + tally.accepted(style)
        if any(map(tally.unknown, pools)) or at_hand >= wanted:
            return np.zeros(0, np.int64)
        if self._thrifty:
            return np.zeros(0, np.int64) if any(map(tally.known, pools)) else self._other_pools(style).ahead(wanted)
        return self._other_pools(style).ahead(others_ahead(tally, style, wanted - at_hand))

    def result(self) -> Assignment:
        given = Tally.of(self._about, self._state, self._block).given()
        return Assignment(
            converted=self._given,
            by_style={style: int(given[:, style].sum()) for style in range(NUM_STYLES) if given[:, style].any()},
            shortfall=self._goal - self._given,
            moved={
                (first, last): int(given[first, last]) for first, last in np.argwhere(given).tolist() if first != last
            },
            _state=self._state,
            _deals=self._detail,
        )


def run_planner(planner: Planner, answer: Callable[[Questions], None]) -> Assignment:
    """Drive the planner to its end; `answer` must feed every question back through `answer_chain` and `answer_singles`."""
    while (questions := planner.advance()) is not None:
        answer(questions)
    return planner.result()
