"""Wrong answers exchanged among the rows of a version that show them, so that no other row of it tells which one is gold.

`asd.makers.distractors` draws wrong answers from all rows of a task. Most of those keep their native style and state
their answers: whoever reads the whole version then knows that an option which stands elsewhere as an answer is wrong
here, and that a gold answer which occurs once stands nowhere else. So once it is known which rows show mined wrong
answers, these are dealt anew, among those rows alone:

- Rows of like questions with answers of like kind form a group, the most specific one that allows it.
- A group's answers are cut into m = count + 1 strata of nearly equal mass, each answer whole in one of them. A row
  keeps its gold answer and takes from every other stratum the gold answer of one row, whose rank there is its own.

Every gold answer of a group is then offered as wrong `count` times (more or fewer where strata are uneven or answers
must not stand beside each other) and the rows are interchangeable: how often an answer occurs among native, converted
or shown answers says nothing on whether it is gold here. What is left is elimination by somebody who has learnt the other
rows' letters by heart: an answer that occurs once and is gold elsewhere is wrong here. Only answers that are nobody's
gold could prevent that, and every row of a data set has one to show.

Rows that find no such group (few rows, answers of a rare kind) take answers from the buckets of the whole task, but only
such as occur natively about as often as their gold answer does: `ExposedAnswers`.

Pure; every choice is keyed by (seed, row), none depends on the order in which rows come.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import xxhash

from asd.makers.answer_draw import BucketsOf
from asd.makers.distractors import NUM_LEVELS
from asd.makers.normalise import AnswerForm, answer_form, distinct_forms, is_clear
from asd.makers.noun_taxonomy import are_related_nouns
from asd.makers.option_text import option_key
from asd.makers.wording import collapse

MAX_TRIES = 64
"""Rows of a stratum that are looked at for one that does not conflict, before another stratum may serve."""


class ShownRow(NamedTuple):
    """A row that shows mined wrong answers."""

    key: int
    """Its place in any order: rows with the same keys are told apart by their source ids."""
    source_id: str
    question: str
    gold: str
    accepted: tuple[str, ...]


LevelOf = Callable[[str, str, int], str]
"""(question, gold, depth) -> the group at that depth, "" for none: `DistractorIndex.level`."""


def exchange(rows: Sequence[ShownRow], count: int, level_of: LevelOf, seed: int) -> list[tuple[int, ...] | None]:
    """For each row the numbers of `count` other rows whose gold answers are its wrong ones; None where none are to be had.

    No two of a row's answers conflict with each other or with an accepted answer of the row.
    """
    taken: list[tuple[int, ...] | None] = [None] * len(rows)
    waiting = sorted(range(len(rows)), key=lambda number: rows[number][:2])
    for depth in range(NUM_LEVELS):
        groups: dict[str, list[int]] = {}
        for number in waiting:
            if level := level_of(rows[number].question, rows[number].gold, depth):
                groups.setdefault(level, []).append(number)
        for name in sorted(groups):
            if len(groups[name]) > count:
                _exchange_within([(number, rows[number]) for number in groups[name]], count, f"{seed}:{name}", taken)
        waiting = [number for number in waiting if taken[number] is None]
    return taken


class _Member(NamedTuple):
    number: int
    place: int
    """In its stratum's order."""
    row: ShownRow
    form: AnswerForm
    key: str


class _Choice:
    """The wrong answers of one row, as they are found: clear of its accepted answers and of each other."""

    def __init__(self, row: ShownRow) -> None:
        self._near = distinct_forms(row.gold, row.accepted)
        self._keys = {"", option_key(collapse(row.gold))}
        self._names = list(dict.fromkeys([row.gold, *row.accepted]))

    def takes(self, answer: str, form: AnswerForm, key: str) -> bool:
        """Take the answer if nothing stands against it: a like look or notation, a noun of the same or a broader sense."""
        if (
            key in self._keys
            or not is_clear(form, self._near)
            or any(are_related_nouns(answer, name) for name in self._names)
        ):
            return False
        self._near.append(form)
        self._keys.add(key)
        self._names.append(answer)
        return True


def _exchange_within(
    group: Sequence[tuple[int, ShownRow]], count: int, name: str, taken: list[tuple[int, ...] | None]
) -> None:
    """Deal the gold answers of one group; `taken` gets what each member takes, where `count` are to be had."""
    members = [_member(number, row, name) for number, row in group]
    strata = _strata(members, count + 1, name)
    if not all(strata):
        return
    for own, stratum in enumerate(strata):
        for rank, member in enumerate(stratum):
            if member.key and (numbers := _take(member, rank, own, strata, count)):
                taken[member.number] = numbers


def _member(number: int, row: ShownRow, name: str) -> _Member:
    return _Member(number, _hash(f"{name}:{row.key}"), row, answer_form(row.gold), option_key(collapse(row.gold)))


def _strata(members: Sequence[_Member], num_strata: int, name: str) -> list[list[_Member]]:
    """Members by answer, heaviest answers first, always into the lightest stratum; in a stratum in a keyed order."""
    by_answer: dict[str, list[_Member]] = {}
    for member in members:
        by_answer.setdefault(member.form.compact, []).append(member)
    order = sorted(by_answer, key=lambda answer: (-len(by_answer[answer]), _hash(f"{name}:{answer}"), answer))
    heap = [(0, number) for number in range(num_strata)]
    strata: list[list[_Member]] = [[] for _ in range(num_strata)]
    for answer in order:
        load, number = heap[0]
        heapq.heapreplace(heap, (load + len(by_answer[answer]), number))
        strata[number] += by_answer[answer]
    return [sorted(stratum, key=lambda member: member.place) for stratum in strata]


def _take(member: _Member, rank: int, own: int, strata: Sequence[list[_Member]], count: int) -> tuple[int, ...] | None:
    """One answer from each other stratum; where one has none that is clear, any other serves."""
    chosen: list[int] = []
    choice = _Choice(member.row)
    others = [(own + step) % len(strata) for step in range(1, len(strata))]
    for number in (*others, *others):
        for candidate in _from_rank(strata[number], rank, len(strata[own])):
            if choice.takes(candidate.row.gold, candidate.form, candidate.key):
                chosen.append(candidate.number)
                break
        if len(chosen) == count:
            return tuple(chosen)
    return None


def _from_rank(stratum: Sequence[_Member], rank: int, size: int) -> Iterator[_Member]:
    """Members from the one whose place is that of `rank` among `size`, round the stratum."""
    start = rank * len(stratum) // size
    for step in range(min(len(stratum), MAX_TRIES)):
        yield stratum[(start + step) % len(stratum)]


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
        choice, chosen = _Choice(row), list[str]()
        for answer in self._in_order(row, self._exposure(answer_form(row.gold).compact)):
            if choice.takes(answer, answer_form(answer), option_key(collapse(answer))):
                chosen.append(answer)
                if len(chosen) == count:
                    self.note(chosen)
                    return tuple(chosen)
        return None

    def _exposure(self, compact: str) -> int:
        """0 for an answer that no row states natively, 1 for one row, 2 for two or three, 3 for four to seven ..."""
        return self._native.get(compact, 0).bit_length()

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
