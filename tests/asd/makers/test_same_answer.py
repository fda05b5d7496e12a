"""One answer in several notations, and answers that only look alike."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.makers.answer_kinds import answer_kind
from asd.makers.normalise import answer_form, conflicts, is_one_of, is_same_answer, normalise_answer
from asd.makers.option_text import verdict_of
from tests.asd.makers.answer_pairs import DIFFERENT, SAME


@pytest.mark.parametrize(("left", "right"), SAME)
def test_one_answer_in_two_notations(left: str, right: str) -> None:
    assert is_same_answer(left, right)
    assert is_same_answer(right, left)
    assert conflicts(left, [right])  # so it is never mined as a wrong answer
    assert is_one_of(left, ["something else", right])


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_answers_that_only_look_alike(left: str, right: str) -> None:
    assert not is_same_answer(left, right)
    assert not is_same_answer(right, left)


def test_the_table_is_large() -> None:
    assert len(SAME) >= 150
    assert len(DIFFERENT) >= 150


@pytest.mark.parametrize(("left", "right"), [("red, blue", "blue, red"), ("5 or 6", "6 or 5"), ("a and b", "b and a")])
def test_a_source_may_offer_the_same_parts_in_another_order(left: str, right: str) -> None:
    assert is_one_of(left, [right])
    assert not is_one_of(left, [right], in_order=True)


_PIECES = st.sampled_from(
    ".|,|-|+|%|$|€|°|'|\"|/|:|½|²|①|፩|٣|५|０|0|7|12|999|1,000|.0|.000|one|half|a|and|or|st|second|am|p.m.|feet|may|to|two"
    "|hundred|million|k|tx|II|yes|no|isn't|(|)|[|<|\u0301|\u200b|ß|ı|ﬁ|中|\t|\n| | |".split("|")
)
_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.lists(_PIECES, max_size=8).map("".join),
    st.lists(_PIECES, max_size=8).map(" ".join),
    st.text("0123456789.,-/:' %$", max_size=60),
)


@settings(max_examples=300, deadline=None)
@given(_TEXTS, _TEXTS)
def test_no_text_raises(left: str, right: str) -> None:
    normalise_answer(left)
    answer_kind(left)
    verdict_of(left)
    assert is_same_answer(left, left)
    assert is_same_answer(left, right) == is_same_answer(right, left)
    assert (
        not is_same_answer(left, right)
        or answer_form(left).compact == answer_form(right).compact
        or conflicts(left, [right])
    )


@pytest.mark.parametrize(
    "piece", ["9", " ", "1,", "-", "(", "a ", "one ", "1/", "$1 ", "'", "yes ", "or ", "٣", "½", "9 ft "]
)
def test_a_long_text_is_compared_at_once(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    assert is_same_answer(text, text)
    answer_kind(text)


@pytest.mark.parametrize("text", [".0", ".00", ".000", "0.0", "-.0", "0", "000", "zero"])
def test_nothing_in_all_notations(text: str) -> None:
    assert normalise_answer(text) == "0"


@pytest.mark.parametrize("text", [".0%", ".00 %", ".000%", "0 percent", "0%", "zero per cent"])
def test_no_percent_in_all_notations(text: str) -> None:
    assert is_same_answer(text, "0 percent")
