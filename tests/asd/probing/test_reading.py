"""How an answer is read: in style, right as written, right leniently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.probing.comparing import FEWEST, paired_change, verdict_of
from asd.probing.items import ProbeItem
from asd.probing.reading import Reading, read
from asd.schemas.styles import AnswerStyle

IN_STYLE, RIGHT, SAYS_IT = Reading(True, False, False), Reading(True, True, True), Reading(False, False, True)
WRONG = Reading(False, False, False)


def item(
    style: str, response: str, accepted: tuple[str, ...], answer: str | None, options: tuple[str, ...] = ()
) -> ProbeItem:
    return ProbeItem(
        id="1", style=AnswerStyle(style), question="What color is the car?", prompt="...", options=options,
        response=response, accepted=accepted, answer=answer,
    )  # fmt: skip


CASES = [
    ("yes_no", "Yes", ("yes",), "Yes", RIGHT),
    ("yes_no", "Yes", ("yes",), "no.", IN_STYLE),
    ("yes_no", "Yes", ("yes",), "Yes, the car is red.", SAYS_IT),
    ("yes_no", "Yes", ("yes",), "[0.1,0.2,0.3,0.4]", WRONG),
    ("short_answer", "red", ("red", "dark red"), "red", RIGHT),
    ("short_answer", "red", ("red", "dark red"), "Dark red.", RIGHT),
    ("short_answer", "red", ("red",), "blue", IN_STYLE),
    ("short_answer", "red", ("red",), "The car in the picture is red, as one can see.", SAYS_IT),
    ("brief_explanation", "The car is red.", ("red",), "The car is red.", RIGHT),
    ("brief_explanation", "The car is red.", ("red",), "The car is a blue one.", IN_STYLE),
    ("brief_explanation", "The car is red.", ("red",), "red", SAYS_IT),
    (
        "detailed_explanation",
        "...",
        ("red",),
        "A car stands there. It has four doors. Its paint shines. So it is red.",
        RIGHT,
    ),
    ("detailed_explanation", "...", ("red",), "red", SAYS_IT),
    ("bounding_box", "[0.10,0.10,0.50,0.50]", ("[0.10,0.10,0.50,0.50]",), "[0.12,0.10,0.50,0.50]", RIGHT),
    ("bounding_box", "[0.10,0.10,0.50,0.50]", ("[0.10,0.10,0.50,0.50]",), "[0.60,0.60,0.90,0.90]", IN_STYLE),
    ("bounding_box", "[0.10,0.10,0.50,0.50]", ("[0.10,0.10,0.50,0.50]",), "It is at [0.1,0.1,0.5,0.5].", SAYS_IT),
    ("bounding_box", "[0.10,0.10,0.50,0.50]", ("[0.10,0.10,0.50,0.50]",), "a car", WRONG),
    ("yes_no", "No", ("no",), "I cannot see the image.", WRONG),
    ("yes_no", "No", ("no",), "As an AI, I cannot view images.", WRONG),
    ("yes_no", "Yes", ("yes",), None, WRONG),
    ("yes_no", "Yes", ("yes",), "  ", WRONG),
]


@pytest.mark.parametrize(("style", "response", "accepted", "answer", "reading"), CASES)
def test_an_answer_is_read(
    style: str, response: str, accepted: tuple[str, ...], answer: str | None, reading: Reading
) -> None:
    assert read(item(style, response, accepted, answer)) == reading


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        ("B", RIGHT),
        ("B. red", RIGHT),
        ("red", RIGHT),
        ("A", IN_STYLE),
        ("The answer is B.", SAYS_IT),
        ("It is red.", SAYS_IT),
        ("D", WRONG),
        ("A. blue\nB. red\nC. green", WRONG),
        ("B. red\n\nThe correct answer is C. green.", WRONG),
    ],
)
def test_a_choice_is_read(answer: str, reading: Reading) -> None:
    assert read(item("multiple_choice", "B", ("red",), answer, ("blue", "red", "green"))) == reading


@given(st.sampled_from(list(AnswerStyle)), st.text(max_size=200), st.text(min_size=1, max_size=30))
def test_any_answer_is_read(style: AnswerStyle, answer: str, right: str) -> None:
    found = read(item(style.value, right, (right,), answer, ("a", "b")))
    assert found.follows or not found.right, "what is right as written is in the style"


def test_the_hand_worked_interval() -> None:
    change = paired_change(both=20, lost=25, won=1, neither=4)
    # (1.5 - 25.5) / 52 = -0.4615; sqrt(27 - 24^2 / 52) / 52 = 0.0767; 1.96 * 0.0767 = 0.1504
    assert (change.before, change.after, change.count) == (0.9, 0.42, 50)
    assert change.low == pytest.approx(-0.6119, abs=1e-3)
    assert change.high == pytest.approx(-0.3111, abs=1e-3)


def test_verdicts() -> None:
    assert verdict_of(paired_change(both=20, lost=25, won=1, neither=4), 0.1) == "lost"
    assert verdict_of(paired_change(both=190, lost=2, won=3, neither=5), 0.1) == "kept"
    assert verdict_of(paired_change(both=100, lost=2, won=60, neither=5), 0.1) == "gained"
    assert verdict_of(paired_change(both=15, lost=4, won=1, neither=0), 0.1) == "unclear", "20 questions say too little"
    assert verdict_of(paired_change(both=0, lost=FEWEST - 1, won=0, neither=0), 0.1) == "unclear"
