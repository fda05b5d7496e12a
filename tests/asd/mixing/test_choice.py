"""Exact shares, no row twice, larger mixes hold smaller ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.errors import UsageError
from asd.mixing.choice import Candidates, choose, even_quotas, largest_total, unrepeated


def candidates(name: str, share: float, keys: list[int], said: list[int], sizes: list[int] | None = None) -> Candidates:
    content = np.array([(0, one) for one in said], np.uint64).reshape(-1, 2)
    return Candidates(name, share, np.array(keys, np.uint64), content, np.array(sizes or [1] * len(keys), np.int64))


def test_hand_worked_quotas() -> None:
    assert even_quotas([0.7, 0.2, 0.1], 10) == [7, 2, 1]
    assert even_quotas([1 / 3, 1 / 3, 1 / 3], 10) == [4, 3, 3], "of equal remainders the first is rounded up"
    assert even_quotas([0.5, 0.25, 0.25], 5) == [3, 1, 1]
    assert largest_total([0.5, 0.5], [10, 3]) == 7, "4 and 3: the first has the larger remainder"
    assert largest_total([0.9, 0.1], [9, 100]) == 10


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.integers(0, 10_000))
def test_quotas_add_up_and_are_within_one_row(weights: list[int], total: int) -> None:
    shares = [weight / sum(weights) for weight in weights]
    quotas = even_quotas(shares, total)
    assert sum(quotas) == total
    assert all(abs(quota - share * total) < 1 + 1e-6 for quota, share in zip(quotas, shares, strict=True))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.data())
def test_no_part_gives_more_than_it_has(weights: list[int], data: st.DataObject) -> None:
    shares = [weight / sum(weights) for weight in weights]
    have = [data.draw(st.integers(1, 200)) for _ in shares]
    total = largest_total(shares, have)
    assert all(quota <= count for quota, count in zip(even_quotas(shares, total), have, strict=True))


def test_a_row_is_kept_by_the_first_part_that_has_it_and_there_once() -> None:
    first = candidates("a", 0.5, keys=[5, 4, 3], said=[1, 1, 2])
    second = candidates("b", 0.5, keys=[1, 2], said=[2, 9])
    assert [rows.tolist() for rows in unrepeated([first, second])] == [[1, 2], [1]]


def test_a_larger_mix_holds_a_smaller_one() -> None:
    rng = np.random.default_rng(1)
    parts = [
        candidates(name, share, rng.integers(0, 2**60, 300).tolist(), rng.integers(0, 2**60, 300).tolist())
        for name, share in (("a", 0.6), ("b", 0.4))
    ]
    small, large = choose(parts, "rows", 100), choose(parts, "rows", 400)
    assert [len(choice.rows) for choice in small] == [60, 40]
    assert [len(choice.rows) for choice in large] == [240, 160]
    assert all(set(less.rows.tolist()) <= set(more.rows.tolist()) for less, more in zip(small, large, strict=True))


def test_words_come_as_near_to_their_share_as_whole_rows_allow() -> None:
    parts = [
        candidates("long", 0.5, keys=[1, 2, 3], said=[1, 2, 3], sizes=[40, 40, 40]),
        candidates("short", 0.5, keys=[1, 2, 3, 4, 5, 6], said=[4, 5, 6, 7, 8, 9], sizes=[10] * 6),
    ]
    chosen = choose(parts, "words", 100)
    assert [(len(choice.rows), choice.size) for choice in chosen] == [(1, 40), (5, 50)]


@given(
    st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=30), min_size=1, max_size=3),
    st.integers(1, 400),
    st.integers(1, 400),
)
def test_sizes_are_met_to_half_a_row_and_larger_totals_keep_the_rows(
    sizes: list[list[int]], first: int, second: int
) -> None:
    """All parts have the same share; a total that is more than they have is cut to the largest one."""
    parts, at = [], 0
    for number, mine in enumerate(sizes):
        keys = list(range(at, at + len(mine)))
        parts.append(candidates(f"p{number}", 1 / len(sizes), keys, keys, mine))
        at += len(mine)
    most = largest_total([part.share for part in parts], [sum(mine) for mine in sizes])
    taken: list[list[set[int]]] = []
    for total in sorted(min(total, most) for total in (first, second)):
        if total == 0:
            return
        try:
            chosen = choose(parts, "tokens", total)
        except UsageError:  # no row comes near
            return
        quotas = even_quotas([part.share for part in parts], total)
        for choice, quota, mine in zip(chosen, quotas, sizes, strict=True):
            assert abs(choice.size - quota) <= max(mine) / 2
            assert choice.size == sum(mine[row] for row in choice.rows)
        taken.append([set(choice.rows.tolist()) for choice in chosen])
    if len(sizes) < 3:
        assert all(less <= more for less, more in zip(*taken, strict=True))


def test_too_much_is_asked() -> None:
    parts = [candidates("a", 0.5, [1, 2], [1, 2]), candidates("b", 0.5, [1, 2, 3], [3, 4, 5])]
    with pytest.raises(UsageError, match=r"a mix of 10 rows takes 5 of part a, which has 2. The most is total: 4"):
        choose(parts, "rows", 10)


def test_a_total_that_the_largest_one_hides_is_refused_too() -> None:
    parts = [candidates(name, 3 / 7, list(range(9)), list(range(at, at + 9))) for name, at in (("a", 0), ("b", 10))]
    parts.append(candidates("c", 1 / 7, [1], [30]))
    with pytest.raises(UsageError, match=r"a mix of 10 rows takes 2 of part c, which has 1. The most is total: 11;"):
        choose(parts, "rows", 10)
    assert [len(choice.rows) for choice in choose(parts, "rows", 7)] == [3, 3, 1]


def test_nothing_is_left_or_taken() -> None:
    twice = [candidates("a", 0.5, [1, 2], [1, 2]), candidates("b", 0.5, [3, 4], [1, 2])]
    with pytest.raises(UsageError, match="part b has no rows left to give: all of them repeat other rows"):
        choose(twice, "rows", None)
    with pytest.raises(UsageError, match="a mix of 1 words holds no row; give a larger total"):
        choose([candidates("a", 1.0, [1, 2], [1, 2], [40, 40])], "words", 1)
    with pytest.raises(UsageError, match="a mix of 2 tokens holds no row"):
        choose([candidates("a", 1.0, [1, 2], [1, 2], [0, 100])], "tokens", 2)
    with pytest.raises(UsageError, match="part a has no tokens left to give: its rows hold none"):
        choose([candidates("a", 1.0, [1, 2], [1, 2], [0, 0])], "tokens", 2)
    few = [candidates("a", 0.5, [1, 2], [1, 2], [1, 60]), candidates("b", 0.5, [3, 4], [3, 4], [400, 400])]
    with pytest.raises(UsageError, match=r"part b gives no row: its 50 words are less than half of its first row"):
        choose(few, "words", 100)


def test_a_share_that_rounds_to_nothing_is_refused() -> None:
    parts = [candidates("a", 0.9, list(range(99)), list(range(99))), candidates("b", 0.1, [200, 201], [200, 201])]
    match = r"part b gives no row: its share of 0.1 of 4 rows rounds to 0. Give a total of 10 or more, or that part a"
    with pytest.raises(UsageError, match=match):
        choose(parts, "rows", 4)
    assert [len(choice.rows) for choice in choose(parts, "rows", 10)] == [9, 1]
    parts = [candidates("a", 0.9, [1, 2], [1, 2]), candidates("b", 0.1, [200, 201], [200, 201])]
    match = r"share of 0.1 of 2 rows rounds to 0. Give other parts more rows \(the most is total: 2\), or that part a larger"
    with pytest.raises(UsageError, match=match):
        choose(parts, "rows", None)
