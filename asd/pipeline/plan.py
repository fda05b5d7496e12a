"""Which sample takes which style: exact totals, even styles, nested ratios, dealt letters and polarities.

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
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
import numpy.typing as npt

from asd.pipeline.keys import Keys, mix
from asd.schemas.styles import TARGET_STYLES, AnswerStyle

STYLE_BITS: dict[AnswerStyle, int] = {style: index for index, style in enumerate(TARGET_STYLES)}
YES_NO, MULTIPLE_CHOICE = STYLE_BITS[AnswerStyle.YES_NO], STYLE_BITS[AnswerStyle.MULTIPLE_CHOICE]
FREE, FIXED_YES, FIXED_NO = 0, 1, 2
UNKNOWN, NOBODY = 255, 254
"""Values of an outcome beside a style's bit: not asked yet; no style's maker accepts the sample."""

Rows = npt.NDArray[np.int64]


def primary_weights(group_sizes: Mapping[int, int], num_styles: int) -> dict[int, list[float]]:
    """For each capability mask, the share of its samples whose primary style is each style.

    Weights w_s are scaled until the pools sum_g n_g * w_s / sum_{t in g} w_t are as equal as the masks allow
    (iterative proportional fitting); a mask with one style always gives that style all its samples.
    """
    weights = [1.0] * num_styles
    total = sum(group_sizes.values())
    for _ in range(400):
        pools = [0.0] * num_styles
        for mask, size in sorted(group_sizes.items()):
            members = [s for s in range(num_styles) if mask >> s & 1]
            norm = sum(weights[s] for s in members)
            for s in members:
                pools[s] += size * weights[s] / norm
        live = [s for s in range(num_styles) if pools[s] > 0]
        if not live:
            break
        even = total / len(live)
        for s in live:
            weights[s] = min(max(weights[s] * (even / pools[s]) ** 0.5, 1e-9), 1e9)
        scale = max(weights[s] for s in live)
        weights = [w / scale for w in weights]
    shares = {}
    for mask in group_sizes:
        members = [s for s in range(num_styles) if mask >> s & 1]
        norm = sum(weights[s] for s in members)
        # Rounded, so that the last bit of a platform's arithmetic cannot move a sample to another pool.
        shares[mask] = [round(weights[s] / norm, 6) if s in members else 0.0 for s in range(num_styles)]
    return shares


def primary_styles(keys: Keys, capable: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Primary style bit of each sample, shape (n,), uint8; UNKNOWN where it can take none."""
    masks, sizes = np.unique(capable[capable > 0], return_counts=True)
    shares = primary_weights(dict(zip(masks.tolist(), sizes.tolist(), strict=True)), len(TARGET_STYLES))
    with np.errstate(over="ignore"):
        uniform = (mix(keys ^ np.uint64(0x5DEECE66D)) >> np.uint64(11)).astype(np.float64) / 2.0**53
    primary = np.full(len(keys), UNKNOWN, np.uint8)
    for mask, share in shares.items():
        rows = np.flatnonzero(capable == mask)
        edges = np.cumsum(share)
        picked = np.searchsorted(edges, uniform[rows] * edges[-1], side="right")
        last = max(s for s in range(len(share)) if mask >> s & 1)
        primary[rows] = np.minimum(picked, last).astype(np.uint8)
    return primary


@dataclass
class Questions:
    """What the planner must know before it can go on: do these samples' makers accept?"""

    chain_rows: list[int] = field(default_factory=list)
    """Samples to try in their primary style first, then in the fixed order after it."""
    single: list[tuple[int, int]] = field(default_factory=list)
    """(sample, style): try this one style only."""


@dataclass
class Assignment:
    """The finished plan. Arrays are parallel, sorted by sample index."""

    rows: Rows
    styles: npt.NDArray[np.uint8]
    deals: npt.NDArray[np.uint8]
    """multiple_choice: the gold option's position; yes_no: 1 = the answer is to be yes, 0 = no; else 0."""
    shortfall: int
    """Samples that were wanted but that no maker could convert."""
    moved: dict[tuple[int, int], int]
    """(primary style, style it went to) -> samples."""


class Planner:
    """See the module docstring. All arrays have one entry per sample."""

    def __init__(
        self,
        keys: Keys,
        capable: npt.NDArray[np.uint8],
        polarity: npt.NDArray[np.uint8],
        *,
        total: int | None = None,
        quotas: Mapping[int, int] | None = None,
        seed: int = 0,
        thrifty: bool = False,
    ) -> None:
        """capable: bit s set = style s may be possible. Exactly one of `total` (even split) and `quotas` (by style).

        thrifty: ask in more rounds for fewer answers that turn out not to be needed.
        """
        self._spare = (0, 1) if thrifty else (32, 8)
        styles = [s for s in range(len(TARGET_STYLES)) if np.any(capable >> s & 1)]
        self.primary = primary_styles(keys, capable)
        self._capable, self._polarity = capable, polarity
        self._order = np.argsort(keys, kind="stable").astype(np.uint32 if len(keys) < 2**32 else np.int64)
        # Views give Python integers at the speed of a list, without its memory.
        self._primary_of, self._polarity_of = self.primary.data, np.ascontiguousarray(polarity).data
        self._goal = total if quotas is None else sum(quotas.values())
        assert self._goal is not None
        self._quotas = quotas
        self._turns = [s for s in styles if quotas is None or quotas.get(s, 0) > 0]
        self._turn = 0
        self._pools: dict[int, list[_Pool]] = {s: self._make_pools(s) for s in styles}
        self._waiting: dict[int, deque[int]] = {s: deque() for s in styles}
        self._tails = dict.fromkeys(styles, len(keys) - 1)
        self._outcome = bytearray([UNKNOWN]) * len(keys)
        self._num_options = bytearray(len(keys))
        self._single: dict[tuple[int, int], bool] = {}
        self._taken = bytearray(len(keys))
        self.processed = bytearray(len(keys))
        """1 for every sample whose maker's answer was used."""
        self._rows: list[int] = []
        self._styles: list[int] = []
        self._deals: list[int] = []
        self._counts = dict.fromkeys(styles, 0)
        self._moved: dict[tuple[int, int], int] = {}
        self._letters = _LetterDealer(seed)
        self._yes = self._no = 0
        self._coin = Random(f"{seed}:polarity")

    def _make_pools(self, style: int) -> list[_Pool]:
        members = self._order[self.primary[self._order] == style]
        if style != YES_NO:
            return [_Pool(members)]
        return [_Pool(members[self._polarity[members] == kind]) for kind in (FREE, FIXED_YES, FIXED_NO)]

    def answer_chain(self, rows: Sequence[int], outcomes: Sequence[int], num_options: Sequence[int]) -> None:
        """outcomes: the style bit that accepted, or NOBODY; num_options: of a multiple-choice draft, else 0."""
        for row, outcome, count in zip(rows, outcomes, num_options, strict=True):
            self._outcome[row] = outcome
            if outcome == MULTIPLE_CHOICE:
                self._num_options[row] = count

    def answer_single(self, row: int, style: int, accepted: bool, num_options: int) -> None:
        self._single[row, style] = accepted
        if accepted and style == MULTIPLE_CHOICE:  # a row may be asked for other styles later
            self._num_options[row] = num_options

    def advance(self) -> Questions | None:
        """Draw until done (None) or until something must be known (the questions)."""
        while self._turns and len(self._rows) < self._goal:  # type: ignore[operator]
            style = self._turns[self._turn]
            if self._quotas is not None and self._counts[style] >= self._quotas[style]:
                self._leave(style)
                continue
            row = self._draw(style)
            if row == _ASK:
                return self._questions()
            if row == _EMPTY:
                self._leave(style)
                continue
            self._assign(row, style)
            self._turn = (self._turn + 1) % len(self._turns)
        return None

    def _leave(self, style: int) -> None:
        position = self._turns.index(style)
        self._turns.remove(style)
        self._turn = position if position < len(self._turns) else 0

    def _draw(self, style: int) -> int:
        if self._waiting[style]:
            return self._waiting[style].popleft()
        while (pool := self._next_pool(style)) is not None:
            row = pool.rows[pool.position]
            outcome = self._outcome[row]
            if outcome == UNKNOWN:
                return _ASK
            pool.position += 1
            self._taken[row] = self.processed[row] = 1
            if outcome == style:
                return row
            if outcome != NOBODY:
                self._waiting[outcome].append(row)
        return self._steal(style)

    def _next_pool(self, style: int) -> _Pool | None:
        """The pool to draw from, its position on a sample that is not taken; None where all are used up."""
        if style != YES_NO:
            (pool,) = self._pools[style]
            return None if pool.empty(self._taken) else pool
        free, yes, no = self._pools[YES_NO]
        wanted = [free, yes, no] if self._yes == self._no else [free, yes if self._yes < self._no else no]
        fitting = [pool for pool in wanted if not pool.empty(self._taken)]
        if not fitting:
            fitting = [pool for pool in (free, yes, no) if not pool.empty(self._taken)]
        if len(fitting) < 2:
            return fitting[0] if fitting else None
        return min(fitting, key=lambda pool: self._ranks[pool.rows[pool.position]])

    @functools.cached_property
    def _ranks(self) -> memoryview:
        ranks = np.empty(len(self._order), self._order.dtype)
        ranks[self._order] = np.arange(len(self._order), dtype=self._order.dtype)
        return ranks.data

    def _steal(self, style: int) -> int:
        position = self._tails[style]
        while position >= 0:
            row = int(self._order[position])
            if not self._taken[row] and self._capable[row] >> style & 1 and self.primary[row] != style:
                accepted = self._single.get((row, style))
                if accepted is None:
                    self._tails[style] = position
                    return _ASK
                if accepted:
                    self._tails[style] = position - 1
                    self._taken[row] = self.processed[row] = 1
                    return row
            position -= 1
        self._tails[style] = -1
        return _EMPTY

    def _assign(self, row: int, style: int) -> None:
        self._rows.append(row)
        self._styles.append(style)
        self._counts[style] += 1
        if (first := self._primary_of[row]) != style:
            self._moved[first, style] = self._moved.get((first, style), 0) + 1
        deal = 0
        if style == MULTIPLE_CHOICE:
            deal = self._letters.deal(self._num_options[row])
        elif style == YES_NO:
            deal = self._deal_polarity(self._polarity_of[row])
        self._deals.append(deal)

    def _deal_polarity(self, kind: int) -> int:
        if kind == FREE:
            yes = self._coin.random() < 0.5 if self._yes == self._no else self._yes < self._no
        else:
            yes = kind == FIXED_YES
        self._yes, self._no = self._yes + yes, self._no + (not yes)
        return int(yes)

    def _questions(self) -> Questions:
        """Everything that the draws ahead will probably need; asked in bulk so that workers are kept busy."""
        questions = Questions()
        for style in self._turns:
            if self._quotas is not None:
                wanted = self._quotas[style] - self._counts[style]
            else:
                wanted = -(-(self._goal - len(self._rows)) // len(self._turns))  # type: ignore[operator]
            spare, pool_spare = self._spare
            wanted += (wanted // 32 + spare) if spare else 0
            found = 0
            left = sum(pool.left() for pool in self._pools[style])
            for pool in self._pools[style]:
                share = wanted if len(self._pools[style]) == 1 else wanted * pool.left() // max(left, 1) + pool_spare
                found += len(ahead := pool.ahead(share, self._outcome, self._taken))
                questions.chain_rows.extend(ahead)
            used_up = found == 0 if spare else all(pool.empty(self._taken) for pool in self._pools[style])
            if used_up and not self._waiting[style]:
                questions.single.extend(self._steals_ahead(style, wanted))
        return questions

    def _steals_ahead(self, style: int, wanted: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        position = self._tails[style]
        while position >= 0 and len(found) < wanted:
            row = int(self._order[position])
            free = not self._taken[row] and self._capable[row] >> style & 1 and self.primary[row] != style
            if free and (row, style) not in self._single:
                found.append((row, style))
            position -= 1
        return found

    def result(self) -> Assignment:
        order = np.argsort(np.asarray(self._rows, np.int64), kind="stable")
        return Assignment(
            rows=np.asarray(self._rows, np.int64)[order],
            styles=np.asarray(self._styles, np.uint8)[order],
            deals=np.asarray(self._deals, np.uint8)[order],
            shortfall=self._goal - len(self._rows),  # type: ignore[operator]
            moved=self._moved,
        )


_ASK, _EMPTY = -1, -2


class _Pool:
    """A style's samples by key, with a read position."""

    def __init__(self, members: npt.NDArray[np.integer[npt.NBitBase]]) -> None:
        self._members = members
        self.rows = np.ascontiguousarray(members).data
        self.position = 0
        self._size = len(members)

    def empty(self, taken: bytearray) -> bool:
        rows, position, size = self.rows, self.position, self._size
        while position < size and taken[rows[position]]:
            position += 1
        self.position = position
        return position >= size

    def left(self) -> int:
        return len(self._members) - self.position

    def ahead(self, wanted: int, outcome: bytearray, taken: bytearray) -> list[int]:
        """The next `wanted` samples, of which those whose outcome is not known yet."""
        rows = self._members[self.position : self.position + wanted].tolist()
        return [row for row in rows if outcome[row] == UNKNOWN and not taken[row]]


class _LetterDealer:
    """Deals the gold option's position: each run of n uses every position once, in a keyed order."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._dealt: dict[int, int] = {}
        self._hands: dict[int, list[int]] = {}

    def deal(self, num_options: int) -> int:
        if num_options < 2:
            return 0
        slot = self._dealt.get(num_options, 0)
        if slot % num_options == 0:
            hand = list(range(num_options))
            Random(f"{self._seed}:letters:{num_options}:{slot // num_options}").shuffle(hand)
            self._hands[num_options] = hand
        self._dealt[num_options] = slot + 1
        return self._hands[num_options][slot % num_options]


def run_planner(planner: Planner, answer: Callable[[Questions], None]) -> Assignment:
    """Drive the planner to its end; `answer` must feed every question back through `answer_chain`/`answer_single`."""
    while (questions := planner.advance()) is not None:
        answer(questions)
    return planner.result()
