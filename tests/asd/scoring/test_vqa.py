"""Soft accuracy over ten annotators, the normaliser, and CoIN's single gold string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.errors import ScoreError
from asd.scoring import score
from asd.scoring.answer_text import challenge_form, plain_form, released_form


def annotators(**votes: int) -> list[str]:
    return [answer for answer, count in votes.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        (1, 0.3),  # nine leave-outs see one match (1/3), one sees none: 9/3/10
        (2, 0.6),  # eight see two (2/3), two see one (1/3): (16/3 + 2/3) / 10
        (3, 0.9),  # seven see three (1), three see two (2/3): (7 + 2) / 10
        (4, 1.0),
        (10, 1.0),
    ],
)
def test_soft_accuracy_by_hand(votes: int, expected: float) -> None:
    answers = annotators(red=votes) + [f"other {number}" for number in range(10 - votes)]
    for form in ("legacy", "fixed"):
        assert score(f"vqa_soft:{form}", "red", "red", answers) == pytest.approx(expected)
        assert score(f"vqa_soft:{form}", "blue", "red", answers) == 0.0


def test_released_soft_accuracy_wants_ten_annotators() -> None:
    with pytest.raises(ScoreError, match="needs the answers of 10 annotators, got 3 for the gold answer 'red'"):
        score("vqa_soft:legacy", "red", "red", ["red"] * 3)


def test_fixed_soft_accuracy_without_votes() -> None:
    assert score("vqa_soft", "rust", "red", ["red", "rust"]) == 1.0  # accepted answers of a shard carry no votes
    assert score("vqa_soft", "Red.", "red") == 1.0
    assert score("vqa_soft", "blue", "red", ["red", "rust"]) == 0.0
    assert score("vqa_soft", "red", "red", ["red", "red", "rust"]) == pytest.approx((2 / 3 + 1 / 3 + 1 / 3) / 3)


@pytest.mark.parametrize(
    ("text", "challenge", "released"),
    [
        ("The  Red Car!", "red car", "red car"),
        ("Two", "2", "2"),
        ("none", "0", "0"),
        ("dont", "don't", "don't"),
        ("yalld've", "yalld've", "yalld've"),  # two apostrophes missing: not in the table
        ("y'alld've", "y'all'd've", "y'all'd've"),
        ("hes", "he's", "he's"),
        ("he's", "he's", "he 's"),  # the released form parts the s and then knows the word no more
        ("1,000", "1000", "1000"),
        ("1.5", "1.5", "1.5"),
        ("e.g.", "eg", "eg"),
        ("half-full", "half full", "half full"),
        ("half - full", "half full", "half full"),
        ("red,blue", "red blue", "redblue"),  # the released form deletes commas beforehand
        ("a\nb\tc", "b c", "b c"),
        ("the", "", ""),
    ],
)
def test_normalisers(text: str, challenge: str, released: str) -> None:
    assert (challenge_form(text), released_form(text)) == (challenge, released)


def test_the_released_form_drops_no_more_than_32_full_stops() -> None:
    assert released_form("x" + "." * 40) == "x" + "." * 8


@given(st.text())
def test_normalisers_take_any_text(text: str) -> None:
    assert isinstance(released_form(text), str)
    assert plain_form(plain_form(text)) in (plain_form(text), plain_form(plain_form(plain_form(text))))
    assert 0.0 <= score("vqa_soft:legacy", text, "x", ["x"] * 10) <= 1.0


@pytest.mark.parametrize(
    ("prediction", "legacy", "fixed"),
    [
        ("Unanswerable", 1.0, 1.0),
        ("unanswerable.", 0.0, 1.0),
        ("unanswerable ", 0.0, 1.0),
        ("unsuitable", 0.0, 0.6),
    ],
)
def test_single_string(prediction: str, legacy: float, fixed: float) -> None:
    answers = annotators(unanswerable=8, unsuitable=2)
    assert score("single_string:legacy", prediction, "unanswerable", answers) == legacy
    assert score("single_string", prediction, "unanswerable", answers) == pytest.approx(fixed)
