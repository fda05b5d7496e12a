"""The plan: exact, even, nested, independent of order, with letters and polarities dealt evenly."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.plan.keys import mix
from asd.plan.planner import (
    FIXED_NO,
    FIXED_YES,
    MULTIPLE_CHOICE,
    NOBODY,
    YES_NO,
    Assignment,
    Planner,
    Questions,
    run_planner,
)
from asd.plan.shares import primary_weights

ALL = 0b11011  # yes/no, multiple choice, brief, detailed: what a short-answer task can take
Declines = Callable[[int, int], bool]


def make_plan(
    ids: list[int],
    capable: list[int],
    declines: Declines,
    total: int | None = None,
    quotas: dict[int, int] | None = None,
    polarity: list[int] | None = None,
    seed: int = 0,
    thrifty: bool = False,
    asked: list[int] | None = None,
) -> tuple[dict[int, tuple[int, int]], Assignment]:
    """id -> (style, deal), asking the makers exactly as a run does. asked: takes the number of questions per round."""
    keys = mix(np.array(ids, np.uint64) + np.uint64(1000 + seed))
    bits = np.array(capable, np.uint8)
    kinds = np.array(polarity or [0] * len(ids), np.uint8)
    planner = Planner(keys, bits, kinds, total=total, quotas=quotas, seed=seed, thrifty=thrifty)

    def answer(questions: Questions) -> None:
        if asked is not None:
            asked.append(len(questions))
        outcomes = []
        for row, first in zip(*questions.chain_between(0, len(ids)), strict=True):
            order = [(int(first) + offset) % 5 for offset in range(5)]
            able = [s for s in order if bits[row] >> s & 1 and not declines(ids[row], s)]
            outcomes.append(able[0] if able else NOBODY)
        planner.answer_chain(questions.chain_between(0, len(ids))[0], outcomes, [4] * len(outcomes))
        for row, style in questions.single:
            planner.answer_singles([row], [style], [not declines(ids[row], style)], [4])

    found = run_planner(planner, answer)
    rows = zip(*(column.tolist() for column in found.between(0, len(ids))), strict=True)
    return {ids[row]: (style, deal) for row, style, deal in rows}, found


def never(sample: int, style: int) -> bool:
    return False


def sometimes(sample: int, style: int) -> bool:
    return (style == 3 and sample % 7 < 2) or (sample * 31 + style) % 11 == 0


masks = st.lists(st.sampled_from([ALL, 0b11, 0b01011, 0b1, 0]), min_size=1, max_size=120)


@settings(max_examples=30)
@given(masks, st.integers(0, 120), st.integers(0, 3), st.booleans())
def test_thrift_changes_no_plan(capable: list[int], total: int, seed: int, has_polarity: bool) -> None:
    ids, total = list(range(len(capable))), min(total, len(capable))
    polarity = [index * 7 % 3 for index in ids] if has_polarity else None
    usual, found = make_plan(ids, capable, sometimes, total, polarity=polarity, seed=seed)
    thrifty, same = make_plan(ids, capable, sometimes, total, polarity=polarity, seed=seed, thrifty=True)
    assert thrifty == usual
    assert (same.shortfall, same.moved) == (found.shortfall, found.moved)


def test_a_thrifty_plan_asks_for_hardly_more_than_it_needs() -> None:
    asked: list[int] = []
    make_plan(list(range(4000)), [ALL] * 4000, never, 800, thrifty=True, asked=asked)
    assert 800 <= sum(asked) <= 810
    assert len(asked) <= 3


def test_the_second_round_is_as_large_as_the_first_one_tells() -> None:
    asked: list[int] = []
    polarity = [(FIXED_YES, FIXED_NO, 0, 0)[sample % 4] for sample in range(20_000)]
    make_plan(list(range(20_000)), [ALL] * 20_000, sometimes, 4000, polarity=polarity, asked=asked)
    assert len(asked) == 2
    assert sum(asked) < 1.2 * 4000 / (1 - 1 / 11)


@settings(max_examples=60)
@given(masks, st.integers(0, 120), st.integers(0, 120), st.integers(0, 3))
def test_a_larger_total_keeps_every_assignment(capable: list[int], less: int, more: int, seed: int) -> None:
    less, more = sorted((min(less, len(capable)), min(more, len(capable))))
    ids = list(range(len(capable)))
    small, _ = make_plan(ids, capable, sometimes, less, seed=seed)
    large, found = make_plan(ids, capable, sometimes, more, seed=seed)
    assert small.items() <= large.items()
    assert len(large) + found.shortfall == more


@settings(max_examples=60)
@given(masks, st.randoms(use_true_random=False), st.integers(0, 120))
def test_the_order_of_samples_changes_nothing(capable: list[int], random: object, total: int) -> None:
    total = min(total, len(capable))
    ids = list(range(len(capable)))
    shuffled = ids[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, _ = make_plan(ids, capable, sometimes, total)
    other, _ = make_plan(shuffled, [capable[i] for i in shuffled], sometimes, total)
    assert one == other


@settings(max_examples=60)
@given(masks, st.integers(0, 120))
def test_only_possible_styles_are_given_and_nothing_possible_is_left_over(capable: list[int], total: int) -> None:
    total = min(total, len(capable))
    made, found = make_plan(list(range(len(capable))), capable, sometimes, total)
    for sample, (style, _) in made.items():
        assert capable[sample] >> style & 1
        assert not sometimes(sample, style)
    convertible = sum(
        any(mask >> s & 1 and not sometimes(sample, s) for s in range(5)) for sample, mask in enumerate(capable)
    )
    assert len(made) == min(total, convertible)
    assert found.shortfall == total - len(made)


@pytest.mark.parametrize("total", [0, 1, 5, 100, 999, 2000])
def test_styles_are_even_though_makers_decline(total: int) -> None:
    made, _ = make_plan(list(range(4000)), [ALL] * 4000, sometimes, total)
    counts = Counter(style for style, _ in made.values())
    assert len(made) == total
    assert total < 4 or max(counts.values()) - min(counts[s] for s in (0, 1, 3, 4)) <= 1


def test_a_rare_style_is_filled_from_all_samples_that_can_take_it() -> None:
    """Only 8 % can take yes/no; at 20 % in two styles they are enough, so both get the same number."""
    capable = [0b11 if sample % 100 < 8 else 0b10 for sample in range(10_000)]
    made, _ = make_plan(list(range(10_000)), capable, never, 1500)
    assert Counter(style for style, _ in made.values()) == {YES_NO: 750, MULTIPLE_CHOICE: 750}


def test_letters_and_polarities_are_dealt_evenly() -> None:
    polarity = [(FIXED_YES, FIXED_NO, 0, 0)[sample % 4] for sample in range(4000)]
    made, _ = make_plan(list(range(4000)), [ALL] * 4000, never, 1600, polarity=polarity)
    letters = Counter(deal for style, deal in made.values() if style == MULTIPLE_CHOICE)
    answers = Counter(deal for style, deal in made.values() if style == YES_NO)
    assert letters == {0: 100, 1: 100, 2: 100, 3: 100}
    assert answers == {0: 200, 1: 200}


def test_a_question_with_its_own_polarity_keeps_it() -> None:
    polarity = [FIXED_YES] * 30 + [FIXED_NO] * 10
    made, _ = make_plan(list(range(40)), [0b1] * 40, never, 40, polarity=polarity)
    assert all(deal == (polarity[sample] == FIXED_YES) for sample, (_, deal) in made.items())


def test_quotas_by_style_are_met_exactly() -> None:
    made, found = make_plan(list(range(500)), [ALL] * 500, sometimes, quotas={0: 50, 3: 7})
    assert Counter(style for style, _ in made.values()) == {0: 50, 3: 7}
    assert found.shortfall == 0


def test_another_seed_chooses_others() -> None:
    one, _ = make_plan(list(range(1000)), [ALL] * 1000, never, 100, seed=0)
    other, _ = make_plan(list(range(1000)), [ALL] * 1000, never, 100, seed=1)
    assert len(one.keys() & other.keys()) < 40


def test_pools_are_equal_where_the_masks_allow() -> None:
    shares = primary_weights({0b11: 100, 0b10: 900}, 5)
    assert shares[0b11][0] > 0.99  # all that can take the rare style do
    assert shares[0b10] == [0.0, 1.0, 0.0, 0.0, 0.0]
    even = primary_weights({0b11011: 10}, 5)[0b11011]
    assert even == [0.25, 0.25, 0.0, 0.25, 0.25]


def test_letters_stay_even_where_rows_are_asked_for_other_styles_too() -> None:
    ids = list(range(400))
    keys = mix(np.array(ids, np.uint64) + np.uint64(1000))
    able = np.array([0b00110] * 400, np.uint8)  # multiple choice and one style that declines at first
    planner = Planner(keys, able, np.zeros(400, np.uint8), total=300, quotas=None, seed=0)

    def answer(questions: Questions) -> None:
        rows, _ = questions.chain_between(0, 400)
        planner.answer_chain(rows, [MULTIPLE_CHOICE] * len(rows), [4] * len(rows))
        for row, style in questions.single:
            planner.answer_singles([row], [style], [True], [4 if style == MULTIPLE_CHOICE else 0])

    found = run_planner(planner, answer)
    _, styles, deals = found.between(0, 400)
    letters = Counter(deals[styles == MULTIPLE_CHOICE].tolist())
    assert len(letters) == 4 and max(letters.values()) - min(letters.values()) <= 1


@pytest.mark.parametrize(
    ("total", "quotas", "digest"),
    [
        (700, None, "b08c487bc64eab67"),
        (3000, None, "ebbbedd1e8e46bfc"),
        (None, {YES_NO: 400, 3: 900, 4: 100}, "1bfba7f25395ebc3"),
    ],
)
def test_plans_are_pinned(total: int | None, quotas: dict[int, int] | None, digest: str) -> None:
    """A change of these values would move samples of every dataset: it needs a new format version."""
    ids = list(range(3000))
    capable = [(ALL, 0b11, 0b01011, 0b1, 0)[sample % 5] for sample in ids]
    polarity = [sample * 7 % 3 for sample in ids]
    made, found = make_plan(ids, capable, sometimes, total, quotas, polarity)
    text = repr((sorted(made.items()), found.shortfall, sorted(found.moved.items())))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest
