"""Exchanged wrong answers are clear of the row's own, balanced, and as little seen elsewhere as the gold one."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.makers.distractors import NUM_LEVELS, DistractorIndex
from asd.makers.exchange import ExposedAnswers, ShownRow, exchange
from asd.makers.normalise import conflicts

WORDS = [
    first + last for first in ("bel", "dor", "fal", "gim", "kur", "lon", "mav", "nip") for last in ("ka", "mo", "ru")
]


def make_row(key: int, gold: str, question: str = "What is this?", accepted: tuple[str, ...] = ()) -> ShownRow:
    return ShownRow(key, f"s{key}", question, gold, (gold, *accepted))


def by_question(question: str, gold: str) -> list[str]:
    """One group for each question; at the last level one for all."""
    return [question, *[""] * (NUM_LEVELS - 2), "all"]


def test_each_answer_that_occurs_once_is_offered_as_often_as_any_other() -> None:
    rows = [make_row(key, gold) for key, gold in enumerate(WORDS)]
    taken = exchange(rows, 3, by_question, seed=1)
    offered = Counter(number for numbers in taken for number in numbers or ())
    assert set(offered.values()) == {3}
    assert all(numbers is not None and len({rows[number].gold for number in numbers}) == 3 for numbers in taken)


def test_donors_are_offered_as_often_as_the_rows_that_take() -> None:
    """12 rows take three answers each of 24: one and a half each. Donors take none, and nobody takes its own."""
    rows = [make_row(key, gold) for key, gold in enumerate(WORDS)]
    taken = exchange(rows[:12], 3, by_question, 1, rows[12:])
    offered = Counter(number for numbers in taken for number in numbers or ())
    assert len(taken) == 12 and set(offered.values()) == {1, 2} and len(offered) == 24
    assert all(numbers is not None and number not in numbers for number, numbers in enumerate(taken))


def make_captions(num_rows: int, num_spare: int) -> tuple[list[ShownRow], list[ShownRow]]:
    """Rows of a caption of 12 letters, and so many others of theirs that nobody states."""
    words = [f"{first}{last}" for first in WORDS for last in WORDS]
    rows, spare = [], []
    for key in range(num_rows):
        accepted = tuple(f"{word}x{word}"[:12] for word in words[key * (num_spare + 1) : (key + 1) * (num_spare + 1)])
        rows.append(ShownRow(key, f"s{key}", "What is this?", accepted[0], accepted))
        spare += [rows[-1]._replace(gold=caption) for caption in accepted[1:]]
    return rows, spare


def test_spare_answers_are_wrong_in_as_many_other_rows_as_gold_ones() -> None:
    """32 rows want 96 answers: one spare answer for each row is offered twice, and each gold one once."""
    rows, spare = make_captions(num_rows=32, num_spare=4)
    taken = exchange(rows, 3, by_question, 1, spare, are_spare=True)
    offered = Counter(number for numbers in taken for number in numbers or ())
    assert sum(number >= 32 for number in offered) <= 32
    assert sum(count for number, count in offered.items() if number >= 32) / 32 == pytest.approx(2, abs=0.25)
    assert sum(count for number, count in offered.items() if number < 32) / 32 == pytest.approx(1, abs=0.25)


def test_spare_answers_of_another_length_are_left_out() -> None:
    rows, spare = make_captions(num_rows=16, num_spare=1)
    longer = [row._replace(gold=f"{row.gold} and more") for row in spare]
    taken = exchange(rows, 3, by_question, 1, longer, are_spare=True)
    assert all(numbers is not None and max(numbers) < 16 for numbers in taken)


def test_an_answer_that_is_frequent_is_gold_as_often_as_it_is_shown() -> None:
    """Ten answers on 2 to 20 rows each: among the rows whose options are some four, each is gold in its share."""
    golds = [gold for number, gold in enumerate(WORDS[:10]) for _ in range(2 * number + 2)]
    rows = [make_row(key, gold) for key, gold in enumerate(golds)]
    shown: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for seed in range(40):
        for row, numbers in zip(rows, exchange(rows, 3, by_question, seed), strict=True):
            assert numbers is not None
            shown.update([row.gold, *(rows[number].gold for number in numbers)])
            right[row.gold] += 1
    assert all(abs(right[gold] / shown[gold] - 0.25) < 0.05 for gold in WORDS[:10])


def test_rows_that_few_resemble_go_to_a_more_general_group() -> None:
    rows = [make_row(key, gold, f"question {key % 9}") for key, gold in enumerate(WORDS[:18])]
    assert all(exchange(rows, 3, by_question, seed=0))  # two rows a question: none has three others


def test_nothing_is_exchanged_where_too_few_answers_differ() -> None:
    rows = [make_row(key, WORDS[key % 3]) for key in range(30)]
    assert exchange(rows, 3, by_question, seed=0) == [None] * 30


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["red", "dark red", "blue", "navy", "Blue", "cat", "cats", "", "2", "two"]),
            st.sampled_from(["red", "cat", "two", "green"]),
        ),
        max_size=40,
    ),
    st.integers(1, 3),
)
def test_wrong_answers_are_clear_of_the_rows_own_and_of_each_other(pairs: list[tuple[str, str]], count: int) -> None:
    rows = [make_row(key, gold, accepted=(other,)) for key, (gold, other) in enumerate(pairs)]
    for row, numbers in zip(rows, exchange(rows, count, by_question, seed=3), strict=True):
        if numbers is None:
            continue
        wrong = [rows[number].gold for number in numbers]
        assert len(wrong) == count
        for place, answer in enumerate(wrong):
            assert not conflicts(answer, [*row.accepted, *wrong[:place]])


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rng: random.Random) -> None:
    rows = [make_row(key, gold, f"question {key % 3}") for key, gold in enumerate(WORDS)]
    shuffled = rng.sample(rows, len(rows))
    results = []
    for listed in (rows, shuffled):
        taken = exchange(listed, 3, by_question, seed=5)
        results.append(
            {
                row.key: [listed[number].gold for number in numbers or ()]
                for row, numbers in zip(listed, taken, strict=True)
            }
        )
    assert results[0] == results[1]


def test_answers_that_annotators_mix_up_are_not_offered_beside_each_other() -> None:
    """Half of the rows of one accept the other, too."""
    rows = [make_row(key, "bel" if key % 2 else "dor", accepted=("dor",) if key % 4 == 1 else ()) for key in range(40)]
    rows += [make_row(40 + key, gold) for key, gold in enumerate(WORDS[10:] * 2)]
    for row, numbers in zip(rows, exchange(rows, 3, by_question, seed=4), strict=True):
        assert numbers is not None
        offered = {rows[number].gold for number in numbers}
        assert row.gold not in ("bel", "dor") or offered.isdisjoint({"bel", "dor"})


def make_exposed(native: dict[str, int]) -> ExposedAnswers:
    rows = [(key, "What is this?", gold, None) for key, gold in enumerate(WORDS)]
    return ExposedAnswers(native, DistractorIndex.build(rows, seed=1).buckets, seed=1)


def test_a_row_without_a_group_takes_answers_that_are_stated_as_often_as_its_own() -> None:
    native = dict.fromkeys(WORDS[4:], 1)
    unseen = make_exposed(native).take(make_row(0, WORDS[0]), 3)
    assert unseen is not None and set(unseen) == set(WORDS[1:4])
    seen = make_exposed(native).take(make_row(5, WORDS[5]), 3)
    assert seen is not None and not set(seen) & set(WORDS[:4])


def test_answers_stated_less_than_never_are_as_those_stated_never() -> None:
    """Rows that the index leaves out are subtracted from what it holds."""
    native = dict.fromkeys(WORDS[1:4], -8) | dict.fromkeys(WORDS[4:], 1)
    taken = make_exposed(native).take(make_row(0, WORDS[0]), 3)
    assert taken is not None and set(taken) == set(WORDS[1:4])


def test_answers_stated_otherwise_fill_up_what_is_missing() -> None:
    taken = make_exposed(dict.fromkeys(WORDS[2:], 1)).take(make_row(0, WORDS[0]), 3)
    assert taken is not None and WORDS[1] in taken and len(set(taken)) == 3


def test_of_answers_stated_alike_those_offered_least_are_taken() -> None:
    exposed = make_exposed({})
    exposed.note([*WORDS[1:20], *WORDS[1:20]])
    taken = exposed.take(make_row(0, WORDS[0]), 3)
    assert taken is not None and set(taken) <= set(WORDS[20:])
