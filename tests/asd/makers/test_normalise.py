"""Spellings of one answer, and what counts as a conflict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers.normalise import AnswerSet, answer_form, conflicts, normalise_answer

texts = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            [
                "the",
                "a",
                "red",
                "Grey",
                "cars",
                "12",
                "1,000",
                "50%",
                "$5",
                "don't",
                "TV",
                "men",
                "theatre",
                "O'Brien",
                "é",
                "中文",
                "-",
                "+",
                "3:45",
                ".5",
            ]
        ),
        max_size=5,
    ).map(" ".join),
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Grey doors!", "gray door"),
        ("Two", "2"),
        ("1,000.0", "1000"),
        ("$5.00", "5 dollar"),
        ("5 dollars", "5 dollar"),
        ("50%", "50 percent"),
        ("50 per cent", "50 percent"),
        (".50", "0.5"),
        ("007", "7"),
        ("-5", "-5"),
        ("10:10", "10:10"),
        ("1/2", "1/2"),
        ("5 o'clock", "5"),
        ("TV", "television"),
        ("organised", "organized"),
        ("neighbours", "neighbor"),
        ("travelling", "traveling"),
        ("women", "woman"),
        ("glasses", "glass"),
        ("bus", "bus"),
        ("tennis", "tennis"),
        ("McDonald's", "mcdonald"),
        ("café", "cafe"),
        ("１２", "12"),
        ("vitamin a", "vitamin a"),
        ("a", "a"),
        ("+", "+"),
        (" ? ", "?"),
        ("中文", "中文"),
    ],
)
def test_spellings_map_to_one_string(text: str, normal: str) -> None:
    assert normalise_answer(text) == normal


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("door mat", "doormat"),
        ("T-shirt", "tshirt"),
        ("grey", "gray"),
        ("2", "two"),
        ("tv", "television"),
        ("50%", "50 percent"),
        ("yes", "yeah"),
        ("1,000", "1000.0"),
        ("none", "0"),
        ("couch", "sofa"),
        ("man", "person"),
        ("old man", "person"),
        ("puppy", "dog"),
        ("surfing", "surfer"),
        ("tennis", "playing tennis"),
        ("the red car", "red car on road"),
        ("Budweiser", "budwieser"),
        ("bufalo", "buffalo"),
        ("women", "woman"),
        ("doughnuts", "donut"),
        ("12", "112"),  # letter by letter
        ("3", "3.5"),  # letter by letter
        ("man", "woman"),  # letter by letter
        ("cat", "concatenate"),  # letter by letter
        ("-5", "5"),  # letter by letter
        ("10:10", "10"),  # letter by letter
    ],
)
def test_conflict_both_ways(left: str, right: str) -> None:
    assert conflicts(left, [right])
    assert conflicts(right, [left])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("yes", "no"),
        ("left", "right"),
        ("red", "blue"),
        ("cat", "car"),
        ("chicken", "thicken"),
        ("2014", "2015"),
        ("bus driver", "bus stop"),
    ],
)
def test_no_conflict_both_ways(left: str, right: str) -> None:
    assert not conflicts(left, [right])
    assert not conflicts(right, [left])


def test_any_accepted_answer_counts() -> None:
    assert conflicts("silver", ["white", "black", "grey"])
    assert not conflicts("silver", ["white", "black"])
    assert not conflicts("silver", [])


@given(texts)
def test_normalising_twice_changes_nothing_in_ascii_words(text: str) -> None:
    once = normalise_answer(text)
    assert once == once.strip()
    assert normalise_answer(text) == once


@given(texts)
def test_an_answer_conflicts_with_itself(text: str) -> None:
    assert conflicts(text, [text])
    assert conflicts(text.upper() if text.isascii() else text, [text])


@given(texts, texts)
def test_conflict_is_symmetric(left: str, right: str) -> None:
    assert conflicts(left, [right]) == conflicts(right, [left])


@given(st.lists(texts, max_size=4), texts)
def test_a_set_conflicts_where_one_of_its_answers_does(accepted: list[str], candidate: str) -> None:
    growing = AnswerSet()
    for answer in accepted:
        growing.add(answer_form(answer))
    assert growing.clashes(answer_form(candidate)) == any(conflicts(candidate, [answer]) for answer in accepted)
