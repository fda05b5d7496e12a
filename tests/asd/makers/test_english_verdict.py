"""A question and a candidate become one question to be judged, or none where no rule is sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers.english.verdict import natural_verdict
from asd.records import Draft, Sample
from asd.schemas.styles import AnswerStyle, Maker
from asd.styles.dealt import with_natural_verdicts
from asd.styles.style_rows import StyleRows


@pytest.mark.parametrize(
    ("question", "candidate", "expected"),
    [
        ("What color is the car?", "red", "Is the car red?"),
        ("What is the man holding?", "umbrella", "Is the man holding an umbrella?"),
        ("How many dogs are there?", "3", "Are there exactly 3 dogs?"),
        ("What does the sign say?", "stop", 'Does the sign say "stop"?'),
        ("What brand is the camera?", "Nikon", "Is the brand of the camera Nikon?"),
        ("Which genre does this book belong to?", "Poetry", "Is the genre this book belongs to Poetry?"),
        ("What temperature is the thermostat set to?", "26", "Is the thermostat set to 26?"),
        ("What kind of truck is this?", "fire", "Is the truck a fire truck?"),
        ("What was the share in 2016?", "11.3", "Was 11.3 the share in 2016?"),
        ("Who is sitting?", "woman", "Is the woman sitting?"),
        ("Is the ipad on the left or the right?", "right", "Is the ipad on the right?"),
    ],
)
def test_turned(question: str, candidate: str, expected: str) -> None:
    assert natural_verdict(question, candidate) in (expected, expected.replace("brand of the camera", "camera"))


@pytest.mark.parametrize(
    ("question", "candidate"),
    [
        ("What do you see?", "window"),
        ("How many people are in the water?", "0"),
        ("Why is the man running?", "late"),
        ("What is the fast food?", "hot dogs"),
        ("What color is the bag made of plastic?", "black"),
        ("", "red"),
        ("What is this?", ""),
        ("Which title is printed on this cover?", "Who, What, Where"),
    ],
)
def test_left_as_a_proposed_answer(question: str, candidate: str) -> None:
    assert natural_verdict(question, candidate) is None


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_is_turned_or_left(question: str, candidate: str) -> None:
    turned = natural_verdict(question, candidate)
    assert turned is None or (turned.endswith("?") and candidate in turned)


def rows_of(wrong: str, question: str = "What color is the car?") -> StyleRows:
    draft = Draft(AnswerStyle.YES_NO, Maker.MINED, "red", wrong=wrong)
    return StyleRows.of([Sample("s", question, "red")], [draft])


@pytest.mark.parametrize(("deal", "expected"), [(1, "Is the car red?"), (0, "Is the car blue?")])
def test_the_polarity_decides_the_candidate(deal: int, expected: str) -> None:
    rows = with_natural_verdicts(rows_of("blue"), [deal], "vqa")
    assert rows.asked == [expected]


def test_a_right_answer_is_asked_naturally_only_where_the_wrong_one_could_be() -> None:
    for deal in (0, 1):
        assert with_natural_verdicts(rows_of("a, b"), [deal], "vqa").asked == [""]
    assert with_natural_verdicts(rows_of("blue"), [1], "caption").asked == ("",)


def test_nothing_is_counted_in_a_natural_question() -> None:
    assert natural_verdict("How many people are in the water?", "3") == "Are there exactly 3 people in the water?"
    assert natural_verdict("How many people are in the water?", "0") is None
