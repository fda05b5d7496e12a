"""The parsers that read answers back, and the models that say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from asd.schemas.answers import ANSWERS, parse_letter, parse_response, parse_yes_no
from asd.schemas.boxes import read_answer
from asd.schemas.styles import AnswerStyle

OPTIONS = ["red fox", "A blue jay", "newt"]


@pytest.mark.parametrize(
    ("response", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        ("B.", "B"),
        (" (B) ", "B"),
        ("[b]", "B"),
        ("B:", "B"),
        ("B)", "B"),
        ("B. A blue jay", "B"),
        ("(C) newt.", "C"),
        ("a blue jay", "B"),
        ("newt", "C"),
        ("B. newt", None),
        ("D", None),
        ("", None),
        ("Blue", None),
        ("BC", None),
        ("A bird", None),
        ("é", None),
    ],
)
def test_letters(response: str, letter: str | None) -> None:
    assert parse_letter(response, OPTIONS) == letter


def test_letter_without_options_and_with_twin_options() -> None:
    assert parse_letter("Q") == "Q"
    assert parse_letter("fox", ["fox", "Fox"]) is None


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("Yes", "yes"),
        ("no", "no"),
        ("NO.", "no"),
        ("Yes, it is.", "yes"),
        ("nothing", None),
        ("yes no", None),
        ("", None),
    ],
)
def test_yes_no(response: str, answer: str | None) -> None:
    assert parse_yes_no(response) == answer


@pytest.mark.parametrize(
    ("response", "box"),
    [
        ("[0.1,0.2,0.3,0.4]", (0.1, 0.2, 0.3, 0.4)),
        (" [1, 2, 30, 40]. ", (1, 2, 30, 40)),
        ("[[1,2,3,4]]", (1, 2, 3, 4)),
        ("(1,2),(3,4)", (1, 2, 3, 4)),
        (".1,.2,.3,.4", (0.1, 0.2, 0.3, 0.4)),
        ("[3,2,1,4]", None),
        ("[1,2,3]", None),
        ("box [1,2,3,4]", None),
        ("[0,0,1,0.9]", (0, 0, 1, 0.9)),
    ],
)
def test_boxes(response: str, box: tuple[float, ...] | None) -> None:
    assert read_answer(response) == box


def test_texts() -> None:
    assert parse_response(AnswerStyle.SHORT_ANSWER, " red fox. ") == "red fox"
    assert parse_response(AnswerStyle.SHORT_ANSWER, "wait...") == "wait..."
    assert parse_response(AnswerStyle.SHORT_ANSWER, "two\nlines") is None
    assert parse_response(AnswerStyle.BRIEF_EXPLANATION, " It is. ") == "It is."
    assert parse_response(AnswerStyle.DETAILED_EXPLANATION, " ") is None


@given(
    st.sampled_from(list(AnswerStyle)),
    st.text(max_size=30) | st.sampled_from(["Yes", "B", "[1,2,3,4]", "b.", "no."]),
)
def test_what_a_parser_accepts_the_model_accepts(style: AnswerStyle, response: str) -> None:
    parsed = parse_response(style, response)
    if parsed is not None and not (style is AnswerStyle.BOUNDING_BOX and min(parsed) < 0):  # type: ignore[type-var]
        assert ANSWERS.validate_python({"style": style.value, "answer": parsed}).answer == parsed


@pytest.mark.parametrize(
    ("style", "answer", "message"),
    [
        ("yes_no", "maybe", "'yes' or 'no'"),
        ("multiple_choice", "AB", "should match pattern"),
        ("short_answer", "a\nb", "should match pattern"),
        ("brief_explanation", "", "at least 1 character"),
        ("bounding_box", (3, 2, 1, 4), "expected 0 <= x1 < x2"),
    ],
)
def test_models_refuse(style: str, answer: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ANSWERS.validate_python({"style": style, "answer": answer})
