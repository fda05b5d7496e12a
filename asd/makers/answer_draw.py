"""Buckets of answers cut into strata of nearly equal mass, and the draw of one answer from each but the gold one's.

Why strata, and what follows from them, is told in `asd.makers.distractors`. No I/O; every choice is keyed.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from random import Random
from typing import NamedTuple, Protocol

import xxhash

from asd.makers.box_distractors import BoxPool, draw_boxes
from asd.makers.exclusive_answers import RightAnswers
from asd.makers.mining_rows import INCREMENT, MASK, MULTIPLIER, first_state
from asd.makers.normalise import AnswerForm, answer_form, is_clear
from asd.records import Sample

NUM_CUTS = 4
"""Different ways in which a bucket is cut into strata."""
MAX_TRIES = 6
"""Draws from one stratum before another one may serve."""
FEW_ANSWERS = 8
"""Buckets of no more are looked through before anything is drawn: the fallbacks of rare kinds often hold too few."""
_LEAST, _SPREAD = 0.75, 1.33 - 0.75
"""A bucket's answers change their order from cut to cut: each weighs 0.75 to 1.33 times its rows."""
BucketsOf = Callable[[str, str], Iterator["Bucket"]]


class Stratum(NamedTuple):
    """Answers of one stratum with cumulative row counts."""

    answers: list[str]
    forms: list[AnswerForm]
    cumulative: list[int]
    total: int


class Cut(NamedTuple):
    """One partition of a bucket into strata of nearly equal mass."""

    strata: list[Stratum]
    stratum_of: dict[str, int]
    """Compact normalised answer -> its stratum."""


class _Spellings(NamedTuple):
    """The answers of a bucket that are one answer in different spellings."""

    answers: list[str]
    forms: list[AnswerForm]
    mass: int
    """Rows of all of them."""


class Bucket:
    """The gold answers of the questions that share one key, with their row counts; cuts are made when first
    needed.
    """

    __slots__ = ("_cuts", "_groups", "counts", "key")

    def __init__(self, key: str, counts: dict[str, int]) -> None:
        self.key = key
        self.counts = counts
        self._cuts: dict[tuple[int, int], Cut] = {}
        self._groups: dict[str, _Spellings] | None = None

    def cut(self, num_strata: int, number: int) -> Cut:
        cut = self._cuts.get((num_strata, number))
        if cut is None:
            if self._groups is None:
                self._groups = _spellings(self.counts)
            cut = self._cuts[num_strata, number] = _cut(self.counts, self._groups, num_strata, f"{self.key}:{number}")
        return cut


def _spellings(counts: dict[str, int]) -> dict[str, _Spellings]:
    """By compact normalised answer."""
    spellings: dict[str, _Spellings] = {}
    for answer, count in counts.items():
        form = answer_form(answer)
        answers, forms, mass = spellings.get(form.compact) or ([], [], 0)
        spellings[form.compact] = _Spellings([*answers, answer], [*forms, form], mass + count)
    return spellings


def _cut(counts: dict[str, int], groups: dict[str, _Spellings], num_strata: int, key: str) -> Cut:
    """Heaviest answers first, always into the lightest stratum; spellings of one answer stay together."""
    rng = Random(xxhash.xxh3_64_intdigest(key.encode()))
    draw = rng.random
    weight = {compact: -group.mass * (_LEAST + _SPREAD * draw()) for compact, group in groups.items()}
    heap = [(0, draw(), number) for number in range(num_strata)]
    heapq.heapify(heap)
    members: list[list[str]] = [[] for _ in range(num_strata)]
    forms: list[list[AnswerForm]] = [[] for _ in range(num_strata)]
    stratum_of: dict[str, int] = {}
    for compact in sorted(weight, key=weight.__getitem__):
        group = groups[compact]
        load, _, number = heap[0]
        heapq.heapreplace(heap, (load + group.mass, draw(), number))
        members[number] += group.answers
        forms[number] += group.forms
        stratum_of[compact] = number
    return Cut([_stratum(*both, counts) for both in zip(members, forms, strict=True)], stratum_of)


def _stratum(answers: list[str], forms: list[AnswerForm], counts: dict[str, int]) -> Stratum:
    cumulative = list(accumulate(map(counts.__getitem__, answers)))
    return Stratum(answers, forms, cumulative, cumulative[-1] if answers else 0)


class Drawing(Protocol):
    """Wrong answers for all samples with one question and one set of accepted answers."""

    def answers(self, source_id: str, count: int) -> list[str]:
        """Up to `count` of them, for the sample of this id."""

    def falls_short(self, count: int) -> bool:
        """Whether it is known that no sample gets `count` of them, whatever its id."""


class AnswerDraw:
    """Wrong answers from the buckets that a question and its answer share with others."""

    __slots__ = ("_asked", "_buckets", "_first", "_gold", "_right", "_seed", "_taken")

    def __init__(
        self,
        gold: str,
        taken: tuple[AnswerForm, ...],
        right: RightAnswers,
        buckets: BucketsOf,
        asked: tuple[str, str],
        seed: int,
    ) -> None:
        """gold: compact; taken, right: answers to keep clear of, by look and by meaning; buckets: of a question and a gold
        answer, from their own to more general ones; asked: these two."""
        self._gold, self._taken, self._right, self._seed = gold, taken, right, seed
        self._buckets, self._asked, self._first = buckets, asked, next(buckets(*asked), None)

    def answers(self, source_id: str, count: int) -> list[str]:
        """Fewer than `count` where the buckets do not hold so many that differ."""
        if self._first is None:
            return []
        chosen: list[str] = []
        near = [*self._taken]
        state = first_state(f"{self._seed}:{source_id}:distractors")
        state = self._draw_from(self._first, count, state, chosen, near)
        if len(chosen) < count:
            for bucket in islice(self._buckets(*self._asked), 1, None):
                state = self._draw_from(bucket, count, state, chosen, near)
                if len(chosen) == count:
                    break
        return chosen

    def falls_short(self, count: int) -> bool:
        if self._first is None:
            return True
        if len(self._first.counts) > FEW_ANSWERS:
            return False
        clear: set[str] = set()
        for bucket in self._buckets(*self._asked):
            for answer in bucket.counts:
                form = answer_form(answer)
                if form.compact not in clear and is_clear(form, self._taken) and self._right.exclude(answer):
                    clear.add(form.compact)
                    if len(clear) == count:
                        return False
        return True

    def _draw_from(self, bucket: Bucket, count: int, state: int, chosen: list[str], near: list[AnswerForm]) -> int:
        """One answer from each stratum but the gold one's; where a stratum has none left, any other serves.

        chosen: is added to; near: what to keep clear of, to which the forms of the chosen are added. The innermost loop
        of a conversion: it steps the stream of `Draws` itself. Returns the stream's new state.
        """
        num_strata = count + 1
        state = (state * MULTIPLIER + INCREMENT) & MASK
        strata, stratum_of = bucket.cut(num_strata, ((state >> 32) * NUM_CUTS) >> 32)
        own = stratum_of.get(self._gold)
        if own is None:
            state = (state * MULTIPLIER + INCREMENT) & MASK
            own = ((state >> 32) * num_strata) >> 32
        state = (state * MULTIPLIER + INCREMENT) & MASK
        start = ((state >> 32) * num_strata) >> 32
        for number in _ORDERS[num_strata][start][own] if num_strata <= _MOST else _order(num_strata, start, own):
            answers, forms, cumulative, total = strata[number]
            for _ in range(MAX_TRIES if total else 0):
                state = (state * MULTIPLIER + INCREMENT) & MASK
                place = bisect_right(cumulative, ((state >> 32) * total) >> 32)
                form = forms[place]
                if is_clear(form, near) and self._right.exclude(answers[place], chosen):
                    chosen.append(answers[place])
                    near.append(form)
                    break
            if len(chosen) == count:
                break
        return state


def _order(num_strata: int, start: int, own: int) -> tuple[int, ...]:
    """All strata but `own`, from `start` on; then, for what is missing, all of them, from `own` on."""
    others = [(start + step) % num_strata for step in range(num_strata)]
    return (*(number for number in others if number != own), *((own + step) % num_strata for step in range(num_strata)))


_MOST = 4
_ORDERS = [[[_order(size, start, own) for own in range(size)] for start in range(size)] for size in range(_MOST + 1)]
"""By number of strata, start and own: `_order`, for the sizes that conversions use."""


class FixedAnswers:
    """The same for every sample: the other one of yes and no, or nothing."""

    __slots__ = ("_answers",)

    def __init__(self, *answers: str) -> None:
        self._answers = answers

    def answers(self, source_id: str, count: int) -> list[str]:
        return list(self._answers)

    def falls_short(self, count: int) -> bool:
        return len(self._answers) < count


class BoxDraw:
    """Boxes, for an answer that is one; see `box_distractors`."""

    __slots__ = ("_pool", "_sample", "_seed")

    def __init__(self, sample: Sample, pool: BoxPool, seed: int) -> None:
        self._sample, self._pool, self._seed = sample, pool, seed

    def answers(self, source_id: str, count: int) -> list[str]:
        sample = self._sample
        asked = Sample(
            source_id, sample.question, sample.gold, accepted=sample.accepted, other_boxes=sample.other_boxes
        )
        return draw_boxes(asked, count, self._seed, self._pool)

    def falls_short(self, count: int) -> bool:
        return False
