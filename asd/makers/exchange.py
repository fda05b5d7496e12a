"""Wrong answers exchanged among the rows of a version that show them, so that no other row of it tells which one is gold.

`asd.makers.distractors` draws wrong answers from all rows of a task. Most of those keep their native style and state
their answers: whoever reads the whole version then knows that an option which stands elsewhere as an answer is wrong
here, and that a gold answer which occurs once stands nowhere else. So once it is known which rows show mined wrong
answers, these are dealt anew, among those rows alone:

- Rows of like questions with answers of like kind form a group, the most specific one that allows it.
- A group's answers are cut into m = count + 1 strata of nearly equal mass, each answer whole in one of them. A row
  keeps its gold answer and takes an answer from every other stratum, from a place there that goes with its own.

Every gold answer of a group is then offered as wrong equally often (or nearly, where strata are uneven or answers must not
stand beside each other) and the rows are interchangeable: how often an answer occurs among native answers says nothing on
whether it is gold here.

What is left is exclusion. Let an answer be shown n times and be right in k of them. Its own row left out, a right showing is
seen as (k - 1 right, n - k wrong) and a wrong one as (k, n - k - 1). Other rows tell nothing where, of the answers shown n
times, k is distributed as Binomial(n, 1/m). An answer that occurs once has k <= 1. So where multiple choice takes its wrong
answers from multiple choice alone, k = 1 for all, every wrong one is right in another row, and the gold answer is not.

A wrong answer that tells nothing is right nowhere (k = 0). There are these:

- Captions: a row has several, one of them gold. Nobody states the others. One of them for each row, of the length of its
  gold one (which is often the longest), is offered twice, and each gold one once, so that both are wrong in one other row.
  More would take the place of gold ones, but captions that are not the first of their row differ from those in more than
  length, and a classifier learns that: with up to three for each row it found 34 to 37 % of Flickr30k's gold ones.
- The gold answers of yes/no rows that are answered No. But each of these rows needs a wrong candidate itself, which must be
  right nowhere, since the candidates answered Yes are not: so many answers are right nowhere, and as many are needed. They
  can serve again in multiple choice only if the candidates answered Yes are offered as wrong there, too, as often. So all
  gold answers of the group, of multiple choice, Yes and No, are offered alike: with multiple choice and yes/no in equal
  numbers 1.5 times, a quarter of them right nowhere. Exclusion finds 100 % without them, and 1/1, 1/2, 1/3 or 1/4 of an
  item with 0, 1, 2 or 3 of them: 68 % if they fall as they may. No dealing does much better: let c be how often each is
  offered, g, y, y the numbers of the three kinds; then 3 g = c (g + 2 y), and c y / g = 3 y / (g + 2 y) of them fall on an
  item, 3/4 where y = g / 2 and 3/2 at the most. Nor does this hold out against somebody who counts the styles apart: what
  was answered No in yes/no is right nowhere.

Rows that find no such group (few rows, answers of a rare kind) take answers from the buckets of the whole task, but only
such as occur natively about as often as their gold answer does: `ExposedAnswers`.

Pure; every choice is keyed by (seed, row), none depends on the order in which rows come.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import xxhash

from asd.makers.answer_draw import BucketsOf
from asd.makers.answer_kinds import answer_kind
from asd.makers.answer_spelling import MIXED, can_be_spelt_like, case_of
from asd.makers.distractors import NUM_LEVELS
from asd.makers.exclusive_answers import RightAnswers
from asd.makers.normalise import AnswerForm, answer_form, distinct_forms, is_clear
from asd.makers.option_text import option_key

MIN_BAND = 16
"""Rows of like length that exchange with each other, at least."""
MANY = 100
"""Rows of a group from which on answers of the very same length are enough."""
MAX_TRIES = 64
"""Rows of a stratum that are looked at for one that does not conflict, before another stratum may serve."""

MIXED_UP = 0.34
"""Share of the rows with one gold answer that accept another one, too, from which on the two are taken for the same."""


class ShownRow(NamedTuple):
    """A row that shows mined wrong answers."""

    key: int
    """Its place in any order: rows with the same keys are told apart by their source ids."""
    source_id: str
    question: str
    gold: str
    accepted: tuple[str, ...]


LevelsOf = Callable[[str, str], Sequence[str]]
"""(question, gold) -> its group at each depth, "" for none: `DistractorIndex.levels`."""


def exchange(
    rows: Sequence[ShownRow],
    count: int,
    levels_of: LevelsOf,
    seed: int,
    donors: Sequence[ShownRow] = (),
    *,
    are_spare: bool = False,
) -> list[tuple[int, ...] | None]:
    """For each row the numbers of `count` others whose gold answers are its wrong ones; None where none are to be had.

    donors: give their gold answers and take none, numbered on from the rows. Each is offered as often as a row's, which is
    even where it is shown as wrong once more elsewhere, or as right. are_spare: nobody else shows the donors' answers. Each
    is then offered once more than a row's, one for each row at most, and answers stand beside those of like length alone.
    No two of a row's answers conflict with each other or with an accepted answer of the row.
    """
    taken: list[tuple[int, ...] | None] = [None] * len(rows)
    every = [*rows, *donors]
    in_order = sorted(range(len(every)), key=lambda number: every[number][:2])
    waiting = [number for number in in_order if number < len(rows)]
    giving = [number for number in in_order if number >= len(rows)]
    names: dict[str, str] = {}  # a row has a dozen, many rows the same ones
    levels = [[names.setdefault(name, name) for name in levels_of(row.question, row.gold)] for row in every]
    mixed = {} if are_spare else _mixed_up(every)
    answers = [_Answer(row, mixed.get(row.gold, ()), takes=number < len(rows)) for number, row in enumerate(every)]
    for depth in range(NUM_LEVELS):
        groups: dict[str, list[int]] = {}
        for number in waiting:
            if level := levels[number][depth]:
                groups.setdefault(level, []).append(number)
        for number in giving if groups else ():
            if (level := levels[number][depth]) in groups:
                groups[level].append(number)
        for level, numbers in groups.items():
            if len({answers[number].form.compact for number in numbers}) <= count and not are_spare:
                continue  # no stratum may be without an answer
            name = f"{seed}:{level}"
            group = [_Member(number, answers[number].place(name), answers[number]) for number in numbers]
            for part in _bands(group) if are_spare else (group,):
                if len(part) > count:
                    _exchange_within(part, count, name, taken, are_spare=are_spare)
        waiting = [number for number in waiting if taken[number] is None]
    return taken


def _mixed_up(rows: Sequence[ShownRow]) -> dict[str, tuple[str, ...]]:
    """Gold answer -> gold answers that annotators give for the same pictures, or the other way round: classes that a
    picture often shows together, names that nobody tells apart. Numbers and sides differ for other reasons."""
    golds = Counter(row.gold for row in rows)
    pairs = Counter(
        (row.gold, other)
        for row in rows
        for other in row.accepted
        if other in golds and other != row.gold and not _differs_by_row(other)
    )
    mixed: dict[str, dict[str, None]] = {}
    for (gold, other), number in pairs.items():
        if number > 1 and number >= MIXED_UP * golds[gold]:
            mixed.setdefault(gold, {})[other] = None
            mixed.setdefault(other, {})[gold] = None
    return {gold: tuple(others) for gold, others in mixed.items()}


def _differs_by_row(answer: str) -> bool:
    return any(map(str.isdigit, answer)) or answer_kind(answer)[1] in ("side", "height", "compass")


def _bands(group: Sequence[_Member]) -> Iterator[list[_Member]]:
    """Members by length of their answers: bands of a few takers at least, with a donor of its length for each where there is
    one."""
    takers = sorted([member for member in group if member.answer.takes], key=_length_and_place)
    donors = sorted([member for member in group if not member.answer.takes], key=_length_and_place)
    near = _near_donors(takers, donors)
    for first in range(0, len(takers), MIN_BAND):
        last = first + MIN_BAND if len(takers) - first >= 2 * MIN_BAND else len(takers)
        if first == 0 or len(takers) - first >= MIN_BAND:
            yield [*takers[first:last], *(donor for donor in near[first:last] if donor is not None)]


def _near_donors(takers: Sequence[_Member], donors: Sequence[_Member]) -> list[_Member | None]:
    """A donor for each taker whose answer is as long as its own; of few takers, but for a twentieth. A letter more or less,
    always the same way, is what a classifier learns. Both by length."""
    near: list[_Member | None] = []
    part = 20 if len(takers) < MANY else 0
    waiting = deque(donors)
    for member in takers:
        length = len(member.answer.gold)
        reach = length // part if part else 0
        while waiting and len(waiting[0].answer.gold) < length - reach:
            waiting.popleft()
        is_near = bool(waiting) and len(waiting[0].answer.gold) <= length + reach
        near.append(waiting.popleft() if is_near else None)
    return near


def _length_and_place(member: _Member) -> tuple[int, int]:
    return len(member.answer.gold), member.place


class _Answer:
    """What dealing needs to know of a row's gold answer, whatever group it is in."""

    __slots__ = ("_accepted", "_clear_of", "_right", "form", "gold", "key", "row", "takes")

    def __init__(self, row: ShownRow, mixed_up: Sequence[str] = (), *, takes: bool) -> None:
        """mixed_up: answers that other rows accept beside this one; takes: whether the row takes wrong answers, or gives its
        own alone."""
        self.row, self.takes, self.gold = row, takes, row.gold
        self._accepted = (*row.accepted, *mixed_up) if mixed_up else row.accepted
        self.form, self.key = answer_form(row.gold), option_key(row.gold)
        self._clear_of: list[AnswerForm] = []
        self._right: RightAnswers | None = None

    def place(self, name: str) -> int:
        """In the order of its stratum, in a group of this name."""
        return _hash(f"{name}:{self.row.key}" if self.takes else f"{name}:{self.row.key}:{self.gold}")

    def clear_of(self) -> list[AnswerForm]:
        """What its wrong answers must be clear of; a new list, to be added to."""
        if not self._clear_of:
            self._clear_of = distinct_forms(self.gold, self._accepted)
        return [*self._clear_of]

    def right(self) -> RightAnswers:
        """What its wrong answers must not mean."""
        if self._right is None:
            self._right = RightAnswers(self.row.question, self.gold, self._accepted)
        return self._right


class _Member(NamedTuple):
    number: int
    place: int
    answer: _Answer


class _Choice:
    """The wrong answers of one row, as they are chosen: clear of its accepted answers and of each other."""

    __slots__ = ("_chosen", "_keys", "_mixed", "_near", "_right", "refused")

    def __init__(self, answer: _Answer) -> None:
        self._near = answer.clear_of()
        self._keys = {"", answer.key}
        self._right, self._chosen = answer.right(), list[str]()
        self._mixed = answer.gold if case_of(answer.gold) == MIXED else ""
        self.refused: set[str] = set()
        """Answers not taken; for good, since what is chosen meanwhile only adds to what stands against them."""

    def takes(self, answer: str, form: AnswerForm, key: str) -> bool:
        """Take the answer if nothing stands against it: a like look or notation, or a meaning that may be right as well."""
        is_odd = self._mixed and not can_be_spelt_like(answer, self._mixed)
        if (
            is_odd
            or key in self._keys
            or not is_clear(form, self._near)
            or not self._right.exclude(answer, self._chosen)
        ):
            self.refused.add(answer)
            return False
        self._near.append(form)
        self._keys.add(key)
        self._chosen.append(answer)
        return True


def _exchange_within(
    members: Sequence[_Member], count: int, name: str, taken: list[tuple[int, ...] | None], *, are_spare: bool
) -> None:
    """Deal the gold answers of one group; `taken` gets what each taker takes, where `count` are to be had."""
    num_takers = sum(member.answer.takes for member in members)
    often, rarely = 1, 1
    if are_spare:  # offered c and c - 1 times, c = (count + 1) * takers / members, times the members
        often = (count + 1) * num_takers
        rarely = max(often - len(members), 0)
    strata = [_Stratum.of(stratum, often, rarely) for stratum in _strata(members, count + 1, name)]
    if not all(stratum.total for stratum in strata):
        return
    for own, stratum in enumerate(strata):
        for rank, member in enumerate(stratum.takers):
            if member.answer.key and (numbers := _take(member, (rank, len(stratum.takers)), own, strata, count)):
                taken[member.number] = numbers


class _Stratum(NamedTuple):
    takers: list[_Member]
    offered: list[_Member]
    cumulative: list[int]
    """Weights of those offered, summed up."""
    total: int

    @classmethod
    def of(cls, members: list[_Member], often: int, rarely: int) -> _Stratum:
        takers = [member for member in members if member.answer.takes]
        offered = members if rarely else [member for member in members if not member.answer.takes]
        cumulative = list(accumulate([rarely if member.answer.takes else often for member in offered]))
        return cls(takers, offered, cumulative, cumulative[-1] if offered else 0)

    def first_taken(self, part: int, whole: int, choice: _Choice) -> _Member | None:
        """The first that `choice` takes of those offered, from the one that the share part / whole of all weights falls on,
        round the stratum."""
        start, size = bisect_right(self.cumulative, part * self.total // whole), len(self.offered)
        offered, refused = self.offered, choice.refused
        for place in range(start - size, start - size + min(size, MAX_TRIES)):  # those below 0 count from the end
            member = offered[place]
            answer = member.answer
            if answer.gold not in refused and choice.takes(answer.gold, answer.form, answer.key):
                return member
        return None


def _strata(members: Sequence[_Member], num_strata: int, name: str) -> list[list[_Member]]:
    """Members by answer, heaviest answers first, always into the lightest stratum; in a stratum in a keyed order."""
    by_answer: dict[str, list[_Member]] = {}
    for member in members:
        by_answer.setdefault(member.answer.form.compact, []).append(member)
    order = sorted(by_answer, key=lambda answer: (*_weight(by_answer[answer]), _hash(f"{name}:{answer}"), answer))
    heap = [(0, number) for number in range(num_strata)]
    strata: list[list[_Member]] = [[] for _ in range(num_strata)]
    for answer in order:
        load, number = heap[0]
        heapq.heapreplace(heap, (load + len(by_answer[answer]), number))
        strata[number] += by_answer[answer]
    return [sorted(stratum, key=lambda member: member.place) for stratum in strata]


def _weight(members: Sequence[_Member]) -> tuple[int, int]:
    """Heavy answers first, and those of many takers, so that each stratum gets as many."""
    return -len(members), -sum([member.answer.takes for member in members])


def _take(
    member: _Member, rank: tuple[int, int], own: int, strata: Sequence[_Stratum], count: int
) -> tuple[int, ...] | None:
    """One answer from each other stratum; where one has none that is clear, any other serves. rank: among how many takers."""
    chosen: list[int] = []
    choice = _Choice(member.answer)
    place, size = rank
    steps = range(1, len(strata))
    for step in (*steps, *steps):
        stratum = strata[(own + step) % len(strata)]
        candidate = stratum.first_taken(place * count + step - 1, count * size, choice)
        if candidate is not None:
            chosen.append(candidate.number)
        if len(chosen) == count:
            return tuple(chosen)
    return None


class ExposedAnswers:
    """Wrong answers for rows without a group: as often native answers as the gold one where such are to be had, and
    offered as rarely as may be."""

    def __init__(self, native: Mapping[str, int], buckets: BucketsOf, seed: int) -> None:
        """native: rows that state an answer natively, by compact answer; buckets: `DistractorIndex.buckets`."""
        self._native, self._buckets, self._seed = native, buckets, seed
        self._offered: Counter[str] = Counter()

    def note(self, answers: Sequence[str]) -> None:
        """Count answers that are offered as wrong."""
        self._offered.update(answer_form(answer).compact for answer in answers)

    def take(self, row: ShownRow, count: int) -> tuple[str, ...] | None:
        """`count` answers that are clear of each other and of the row's; None where there are not so many."""
        own, chosen = _Answer(row, takes=True), list[str]()
        choice = _Choice(own)
        for answer in self._in_order(row, self._exposure(own.form.compact)):
            if choice.takes(answer, answer_form(answer), option_key(answer)):
                chosen.append(answer)
                if len(chosen) == count:
                    self.note(chosen)
                    return tuple(chosen)
        return None

    def _exposure(self, compact: str) -> int:
        """0 for an answer that no row states natively, 1 for one row, 2 for two or three, 3 for four to seven ..."""
        return max(self._native.get(compact, 0), 0).bit_length()

    def _in_order(self, row: ShownRow, exposure: int) -> Iterator[str]:
        """Answers of the row's buckets: first all of the same exposure, those of the most like questions before others;
        then the rest, by how near their exposure comes."""
        rest: list[tuple[int, int, int, str]] = []
        for bucket in self._buckets(row.question, row.gold):
            ranked = []
            for answer in bucket.counts:
                compact = answer_form(answer).compact
                apart = abs(self._exposure(compact) - exposure)
                ranked.append((apart, self._offered[compact], _hash(f"{self._seed}:{row.key}:{compact}"), answer))
            ranked.sort()
            yield from (answer for apart, *_, answer in ranked if not apart)
            rest += [entry for entry in ranked if entry[0]]
        yield from (answer for *_, answer in sorted(rest, key=lambda entry: entry[:3]))


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
