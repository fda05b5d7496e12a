"""Nouns that may both be right of one picture are told from those that exclude each other."""

from __future__ import annotations

import pytest

from asd.makers.distractors import NUM_LEVELS
from asd.makers.exchange import ShownRow, exchange
from asd.makers.noun_taxonomy import are_related_nouns, wordnet_nouns


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("bathroom", "restroom"), ("couch", "sofa"), ("dog", "poodle"), ("purse", "handbag"), ("fruit", "apple"),
        ("car", "automobile"), ("vehicle", "truck"), ("stove", "kitchen stove"), ("animal", "horse"), ("picture", "painting"),
    ],
)  # fmt: skip
def test_one_thing_by_two_names(left: str, right: str) -> None:
    assert are_related_nouns(left, right) and are_related_nouns(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [("cat", "dog"), ("car", "truck"), ("shirt", "jacket"), ("red", "orange"), ("apple", "banana"), ("zorb", "cat"),
     ("", "cat"), ("thing", "cat")],
)  # fmt: skip
def test_different_things(left: str, right: str) -> None:
    assert not are_related_nouns(left, right) and not are_related_nouns(right, left)


def test_a_row_is_not_offered_its_answer_by_another_name() -> None:
    golds = ["restroom", "bathroom", "kitchen", "bedroom", "office", "garage"]
    rows = [ShownRow(key, f"s{key}", "What room is this?", gold, (gold,)) for key, gold in enumerate(golds)]
    for row, numbers in zip(rows, exchange(rows, 3, lambda question, gold: ["all"] * NUM_LEVELS, seed=2), strict=True):
        assert numbers is not None
        assert not {row.gold, *(golds[number] for number in numbers)} >= {"restroom", "bathroom"}


def test_siblings_stand_right_below_one_noun() -> None:
    nouns = wordnet_nouns()
    assert nouns.are_siblings("boot", "shoe") and not nouns.are_siblings("fire", "truck")
    assert not nouns.are_siblings("sandal", "shoe"), "one of them is a kind of the other"
