"""Answers that may both be right, and counts that are not surely wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers.confusable_answers import are_confusable
from asd.makers.exclusive_answers import RightAnswers, doubtful_counts, may_both_hold

TOGETHER = [
    ("train", "locomotive"),
    ("beer", "brown ale"),
    ("perfume", "fragrance"),
    ("stormy", "cloudy"),
    ("oak bookcase", "shelf"),
    ("tabby cat", "tiger cat"),
    ("keyboard", "laptop"),
    ("bathroom", "restroom"),
    ("street", "sidewalk"),
    ("light brown", "tan"),
    ("dog", "poodle"),
]
APART = [
    ("rain", "snow"),
    ("snowboard", "skateboard"),
    ("brown", "white"),
    ("ale", "wine"),
    ("polar bear", "panda"),
    ("sheep", "goats"),
    ("shorts", "jeans"),
    ("plate", "bowl"),
    ("2", "3"),
]


@pytest.mark.parametrize(("left", "right"), TOGETHER)
def test_answers_that_may_both_be_right(left: str, right: str) -> None:
    assert may_both_hold(left, right) and may_both_hold(right, left)
    assert not RightAnswers("What is this?", "car", [left]).exclude(right)
    assert not RightAnswers("What is this?", "banana", []).exclude(left, [right]), "two options of one row"


@pytest.mark.parametrize(("left", "right"), APART)
def test_answers_that_exclude_each_other(left: str, right: str) -> None:
    assert not may_both_hold(left, right) and not may_both_hold(right, left)
    assert RightAnswers("What is this?", left, []).exclude(right)


@given(*[st.sampled_from([name for pair in TOGETHER + APART for name in pair])] * 2)
def test_the_order_of_two_answers_is_all_the_same(left: str, right: str) -> None:
    assert are_confusable(left, right) == are_confusable(right, left)


@pytest.mark.parametrize(
    ("gold", "accepted", "doubtful"),
    [
        ("2", [], {2}),
        ("2", ["2", "1"], {1, 2}),
        ("6", [], {5, 6, 7}),
        ("12", ["many"], {10, 11, 12, 13, 14}),
        ("1", ["4", "3", "5"], {1, 2, 3, 4, 5}),
        ("0", ["10", "1", "6"], {0, 1}),  # who sees ten where others see none counts something else
        ("25", ["31", "28"], set(range(22, 36))),
    ],
)
def test_counts_near_those_of_the_annotators_are_doubtful(gold: str, accepted: list[str], doubtful: set[int]) -> None:
    counts = doubtful_counts("How many boats are there?", gold, accepted)
    assert set(counts) == doubtful
    right = RightAnswers("How many boats are there?", gold, accepted)
    assert {number for number in range(50) if not right.exclude(str(number))} == doubtful & set(range(50))


def test_a_number_too_long_for_python_to_read_is_no_count() -> None:
    right = RightAnswers("How many boats are there?", "3", [])
    assert right.exclude("7" * 5000)
    assert not right.exclude("0003")


@pytest.mark.parametrize(
    ("question", "gold"), [("What number is on the bus?", "12"), ("How many?", "12.5"), ("How many?", "1200")]
)
def test_numbers_that_are_read_are_not_in_doubt(question: str, gold: str) -> None:
    assert not doubtful_counts(question, gold, [])
