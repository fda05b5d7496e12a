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

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

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
Flags = npt.NDArray[np.bool_]
Ints = Sequence[int] | npt.NDArray[np.integer[Any]]


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
    sizes = np.bincount(capable, minlength=1)
    masks = [mask for mask in range(1, len(sizes)) if sizes[mask]]
    shares = primary_weights({mask: int(sizes[mask]) for mask in masks}, len(TARGET_STYLES))
    primary = np.full(len(keys), UNKNOWN, np.uint8)
    for first in range(0, len(keys), _BLOCK):
        part = slice(first, first + _BLOCK)
        _draw_primary(keys[part], capable[part], shares, primary[part])
    return primary


def _draw_primary(
    keys: Keys, capable: npt.NDArray[np.uint8], shares: Mapping[int, list[float]], primary: npt.NDArray[np.uint8]
) -> None:
    """Fill in `primary`."""
    with np.errstate(over="ignore"):
        uniform = (mix(keys ^ np.uint64(0x5DEECE66D)) >> np.uint64(11)).astype(np.float64) / 2.0**53
    for mask, share in shares.items():
        rows = np.flatnonzero(capable == mask)
        edges = np.cumsum(share)
        picked = np.searchsorted(edges, uniform[rows] * edges[-1], side="right")
        last = max(s for s in range(len(share)) if mask >> s & 1)
        primary[rows] = np.minimum(picked, last).astype(np.uint8)


@dataclass
class Questions:
    """What the planner must know before it can go on: do these samples' makers accept?"""

    chain_rows: Rows
    """Samples to try in their primary style first, then in the fixed order after it."""
    single: Rows
    """(sample, style), shape (n, 2): try this one style only."""


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
        goal = total if quotas is None else sum(quotas.values())
        assert goal is not None
        self._goal, self._quotas = goal, quotas
        self._keys, self._capable, self._polarity = keys, capable, np.ascontiguousarray(polarity)
        self.primary = primary_styles(keys, capable) if goal else np.full(len(keys), UNKNOWN, np.uint8)
        self._outcome = np.full(len(keys), UNKNOWN, np.uint8)
        self._num_options = np.zeros(len(keys), np.uint8)
        self.processed = np.zeros(len(keys), np.uint8)
        """1 for every sample whose maker's answer was used: it is taken, or no maker accepts it."""
        any_capable = int(np.bitwise_or.reduce(capable)) if len(capable) and goal else 0
        styles = [s for s in range(len(TARGET_STYLES)) if any_capable >> s & 1]
        self._turns = [s for s in styles if quotas is None or quotas.get(s, 0) > 0]
        self._turn = 0
        self._pools: dict[int, list[_Pool]] = {s: self._make_pools(s) for s in styles}
        self._draws = {s: self._draw(s) for s in styles}
        self._waiting: dict[int, deque[int]] = {s: deque() for s in styles}
        self._tails: dict[int, _Tail] = {}
        self._given = _Given(goal if styles else 0)
        self._counts = dict.fromkeys(styles, 0)
        self._seed = seed
        self._yes = self._no = 0
        self._coin = Random(f"{seed}:polarity")

    def _make_pools(self, style: int) -> list[_Pool]:
        members = np.flatnonzero(self.primary == style)
        kinds = [members]
        if style == YES_NO:
            kinds = [members[self._polarity[members] == kind] for kind in (FREE, FIXED_YES, FIXED_NO)]
        return [_Pool(_by_key(rows, self._keys)) for rows in kinds]

    def answer_chain(self, rows: Ints, outcomes: Ints, num_options: Ints) -> None:
        """outcomes: the style bit that accepted, or NOBODY; num_options: of a multiple-choice draft, else 0."""
        asked, found = np.asarray(rows, np.int64), np.asarray(outcomes, np.uint8)
        self._outcome[asked] = found
        is_choice = found == MULTIPLE_CHOICE
        self._num_options[asked[is_choice]] = np.asarray(num_options, np.uint8)[is_choice]

    def answer_single(self, row: int, style: int, accepted: bool, num_options: int) -> None:
        self.answer_singles([row], [style], [accepted], [num_options])

    def answer_singles(self, rows: Ints, styles: Ints, accepted: Sequence[bool] | Flags, num_options: Ints) -> None:
        """The answers to `Questions.single`, one entry each."""
        asked, tried, taken = np.asarray(rows, np.int64), np.asarray(styles, np.uint8), np.asarray(accepted, np.bool_)
        for style in np.unique(tried).tolist():
            of_style = tried == style
            self._tail(style).answers[asked[of_style]] = np.where(taken[of_style], _ACCEPTED, _DECLINED)
        is_choice = taken & (tried == MULTIPLE_CHOICE)  # a row may be asked for other styles later
        self._num_options[asked[is_choice]] = np.asarray(num_options, np.uint8)[is_choice]

    def advance(self) -> Questions | None:
        """Draw until done (None) or until something must be known (the questions)."""
        turns, quotas, counts, draws, waiting = self._turns, self._quotas, self._counts, self._draws, self._waiting
        given, polarity, goal = self._given, self._polarity.data, self._goal
        rows, styles, deals = given.rows.data, given.styles.data, given.deals.data
        while turns and given.size < goal:
            style = turns[self._turn]
            if quotas is not None and counts[style] >= quotas[style]:
                self._leave(style)
                continue
            row = waiting[style].popleft() if waiting[style] else next(draws[style], _EMPTY)
            if row == _ASK:
                return self._questions()
            if row == _EMPTY:
                self._leave(style)
                continue
            counts[style] += 1
            size = given.size
            rows[size], styles[size] = row, style
            if style == YES_NO:
                deals[size] = self._deal_polarity(polarity[row])
            given.size = size + 1
            self._turn = self._turn + 1 if self._turn + 1 < len(turns) else 0
        return None

    def _leave(self, style: int) -> None:
        position = self._turns.index(style)
        self._turns.remove(style)
        self._turn = position if position < len(self._turns) else 0

    def _draw(self, style: int) -> Iterator[int]:
        """The samples that the style draws: those of its own pools, then others'; _ASK until what it needs is known."""
        outcomes, processed, waiting = self._outcome.data, self.processed.data, self._waiting
        for row in self._yes_no_heads() if style == YES_NO else self._pools[style][0].heads(processed):
            outcome = outcomes[row]
            if outcome == UNKNOWN:
                yield _ASK
                continue
            processed[row] = 1
            if outcome == style:
                yield row
            elif outcome != NOBODY:
                waiting[outcome].append(row)
        tail = self._tail(style)
        answers = tail.answers.data
        for row in tail.heads(processed):
            if answers[row] == _NOT_ASKED:
                yield _ASK
            else:
                processed[row] = 1
                yield row

    def _yes_no_heads(self) -> Iterator[int]:
        """Of the pools of yes/no, the sample to draw next: the first by key, of the polarity that is behind."""
        keys, processed = self._keys.data, self.processed.data
        pools = [pool.heads(processed) for pool in self._pools[YES_NO]]
        while True:
            free, yes, no = next(pools[0], None), next(pools[1], None), next(pools[2], None)
            if self._yes < self._no and not (free is None and yes is None):
                no = None
            elif self._no < self._yes and not (free is None and no is None):
                yes = None
            best = free
            for row in (yes, no):
                if row is not None and (best is None or (keys[row], row) < (keys[best], best)):
                    best = row
            if best is None:
                return
            yield best

    def _tail(self, style: int) -> _Tail:
        if style not in self._tails:
            order = next(iter(self._tails.values())).order if self._tails else _by_key(None, self._keys)
            is_candidate = (self._capable >> np.uint8(style) & np.uint8(1)).astype(np.bool_) & (self.primary != style)
            self._tails[style] = _Tail(order, is_candidate)
        return self._tails[style]

    def _deal_polarity(self, kind: int) -> int:
        if kind == FREE:
            yes = self._coin.random() < 0.5 if self._yes == self._no else self._yes < self._no
        else:
            yes = kind == FIXED_YES
        self._yes, self._no = self._yes + yes, self._no + (not yes)
        return int(yes)

    def _questions(self) -> Questions:
        """Everything that the draws ahead will probably need; asked in bulk so that workers are kept busy."""
        chains: list[Rows] = []
        singles: list[Rows] = []
        spare, pool_spare = self._spare
        for style in self._turns:
            pools = self._pools[style]
            if self._quotas is not None:
                wanted = self._quotas[style] - self._counts[style]
            else:
                wanted = -(-(self._goal - self._given.size) // len(self._turns))
            wanted += (wanted // 32 + spare) if spare else 0
            left = sum(pool.left() for pool in pools)
            ahead = [
                pool.ahead(wanted if len(pools) == 1 else wanted * pool.left() // max(left, 1) + pool_spare)
                for pool in pools
            ]
            ahead = [rows[(self._outcome[rows] == UNKNOWN) & (self.processed[rows] == 0)] for rows in ahead]
            chains += ahead
            used_up = not any(map(len, ahead)) if spare else all(pool.is_empty(self.processed) for pool in pools)
            if used_up and not self._waiting[style]:
                rows = self._tail(style).ahead(wanted, self.processed)
                singles.append(np.stack([rows, np.full(len(rows), style)], axis=1))
        return Questions(
            np.concatenate(chains, dtype=np.int64) if chains else np.zeros(0, np.int64),
            np.concatenate(singles, dtype=np.int64) if singles else np.zeros((0, 2), np.int64),
        )

    def result(self) -> Assignment:
        given = self._given
        deal_letters(given.deals[: given.size], self._options_of_choices(), self._seed)
        rows, styles, deals = given.by_sample()
        first = self.primary[rows]
        is_moved = first != styles
        pairs = first[is_moved].astype(np.int64) << 8 | styles[is_moved]
        found, counts = np.unique(pairs, return_counts=True)
        return Assignment(
            rows=rows,
            styles=styles,
            deals=deals,
            shortfall=self._goal - len(rows),
            moved={(pair >> 8, pair & 255): n for pair, n in zip(found.tolist(), counts.tolist(), strict=True)},
        )


    def _options_of_choices(self) -> npt.NDArray[np.uint8]:
        """Number of options of each sample given, 0 where it is none of multiple choice."""
        rows, styles = self._given.rows[: self._given.size], self._given.styles[: self._given.size]
        return np.where(styles == MULTIPLE_CHOICE, self._num_options[rows], 0)


def deal_letters(deals: npt.NDArray[np.uint8], num_options: npt.NDArray[np.uint8], seed: int) -> None:
    """Fill in the gold option's position where there are options: each run of n uses every position once, in a keyed
    order. In the order of the draws."""
    for count in np.unique(num_options[num_options > 1]).tolist():
        places = np.flatnonzero(num_options == count)
        dealt: list[int] = []
        for number in range(-(-len(places) // count)):
            hand = list(range(count))
            Random(f"{seed}:letters:{count}:{number}").shuffle(hand)
            dealt += hand
        deals[places] = dealt[: len(places)]


_ASK, _EMPTY = -1, -2
_NOT_ASKED, _DECLINED, _ACCEPTED = 0, 1, 2
_BLOCK = 1 << 20
"""Samples that are looked at at a time, so that what is needed in between stays small."""


def _by_key(rows: Rows | None, keys: Keys) -> npt.NDArray[np.unsignedinteger[Any]]:
    """The rows (None: all) in the order of their keys, and of their numbers where those are equal."""
    kind = np.uint32 if len(keys) < 2**32 else np.uint64
    if rows is None:
        return np.argsort(keys, kind="stable").astype(kind)
    return rows[np.argsort(keys[rows], kind="stable")].astype(kind)


class _Pool:
    """A style's samples by key, with a read position."""

    def __init__(self, members: npt.NDArray[np.unsignedinteger[Any]]) -> None:
        self._members = members
        self.position = 0

    def heads(self, processed: memoryview) -> Iterator[int]:
        """The first sample that is not taken, again and again until it is."""
        # Views give Python integers at the speed of a list, without its memory.
        rows, size = self._members.data, len(self._members)
        position = self.position
        while position < size:
            row = rows[position]
            if processed[row]:
                position += 1
                continue
            self.position = position
            yield row
        self.position = position

    def is_empty(self, processed: npt.NDArray[np.uint8]) -> bool:
        return bool(processed[self._members[self.position :]].all())

    def left(self) -> int:
        return len(self._members) - self.position

    def ahead(self, wanted: int) -> Rows:
        """The next `wanted` samples, taken ones too."""
        return self._members[self.position : self.position + wanted].astype(np.int64)


class _Tail:
    """Samples of other styles' pools that a style may take, the last ones by key first; what their makers said."""

    def __init__(self, order: npt.NDArray[np.unsignedinteger[Any]], is_candidate: Flags) -> None:
        self.order, self._is_candidate = order, is_candidate
        self.answers = np.zeros(len(order), np.uint8)
        self._end = len(order)

    def heads(self, processed: memoryview) -> Iterator[int]:
        """The first sample that is not taken and was not declined, again and again until it is."""
        answers = self.answers.data
        while self._end:
            for row in self._block_before(self._end).tolist():
                while not processed[row] and answers[row] != _DECLINED:
                    yield row
            self._end = max(self._end - _TAIL_BLOCK, 0)

    def _block_before(self, end: int) -> Rows:
        rows = self.order[max(end - _TAIL_BLOCK, 0) : end][::-1].astype(np.int64)
        return rows[self._is_candidate[rows]]

    def ahead(self, wanted: int, processed: npt.NDArray[np.uint8]) -> Rows:
        """The next `wanted` samples that have not been asked for and are not taken."""
        found: list[Rows] = [np.zeros(0, np.int64)]
        end = self._end
        while end and sum(map(len, found)) < wanted:
            rows = self._block_before(end)
            found.append(rows[(processed[rows] == 0) & (self.answers[rows] == _NOT_ASKED)])
            end = max(end - _TAIL_BLOCK, 0)
        return np.concatenate(found)[:wanted]


_TAIL_BLOCK = 1 << 16


class _Given:
    """Samples and what was dealt to them, in the order of the draws."""

    def __init__(self, most: int) -> None:
        self.rows = np.zeros(most, np.int64)
        self.styles, self.deals = np.zeros(most, np.uint8), np.zeros(most, np.uint8)
        self.size = 0

    def by_sample(self) -> tuple[Rows, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        order = np.argsort(self.rows[: self.size], kind="stable")
        return self.rows[order], self.styles[order], self.deals[order]


def run_planner(planner: Planner, answer: Callable[[Questions], None]) -> Assignment:
    """Drive the planner to its end; `answer` must feed every question back through `answer_chain`/`answer_single`."""
    while (questions := planner.advance()) is not None:
        answer(questions)
    return planner.result()
