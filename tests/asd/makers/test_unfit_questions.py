"""Texts that ask nothing, and questions that their answer does not fit."""

from __future__ import annotations

import pytest
from maker_samples import make_context, make_sample, make_spec

from asd.makers.drafting import draft
from asd.makers.option_text import asks_for_more
from asd.makers.unfit_questions import finds_none, is_no_question, orders_text, takes_no_verdict
from asd.records import Decline
from asd.schemas.styles import TARGET_STYLES, AnswerStyle


@pytest.mark.parametrize(
    "text", ["Business card.", "In this picture.", "Is this?", "The expiration date.", "this garment"]
)
def test_fragments_are_no_questions(text: str) -> None:
    assert is_no_question(text, [])
    for style in TARGET_STYLES:
        made = draft(make_sample(text, "cup"), style, make_context(make_spec("vqa")))
        assert isinstance(made, Decline) and made.reason in ("no_question", "style_not_offered")


@pytest.mark.parametrize(
    "text",
    [
        "What is this?",
        "Please identify.",
        "Describe this shirt",
        "color of this shirt?",
        "is this red",
        "Find x.",
        "Is it?",
        "3 + 4",
    ],
)
def test_questions_and_orders_are_none(text: str) -> None:
    assert is_no_question(text, []) is (text == "Is it?")


def test_annotators_say_that_it_is_no_question() -> None:
    assert is_no_question("this test tube testing?", ["yes", "not a question"])
    assert not is_no_question("What is this?", ["cup", "not a question"])


@pytest.mark.parametrize(
    "question",
    [
        "Why does he have two umbrellas?",
        "Which sector dominates the pie chart?",
        "Is mercedes a name or a car?",
        "So is this button speed? Is that a down or up arrow?",
        "Can you read this forecast and write it out?",
        "Can you tell me the captcha letters in this image?",
        "Can you actually tell me if you see the whole screen and where exactly?",
        "Is this picture clear, and where are we now?",
        "Could you describe this to me?",
    ],
)
def test_no_verdict_answers(question: str) -> None:
    assert takes_no_verdict(question) and asks_for_more(question)
    for style in (AnswerStyle.YES_NO, AnswerStyle.MULTIPLE_CHOICE, AnswerStyle.BRIEF_EXPLANATION):
        made = draft(make_sample(question, "yes"), style, make_context(make_spec("vqa")))
        assert isinstance(made, Decline) and made.reason == "no_verdict_question"


@pytest.mark.parametrize(
    "question",
    [
        "Is the car red?",
        "Are there any cats or dogs?",
        "Is anyone wearing a hat or a scarf?",
        "Is it open or not?",
        "Can you read this?",
        "Can you tell me if this is red?",
        "Hello there. Is this a can of beans?",
        "Does the man wear a hat or a cap?",
        "Is this a cat??",
    ],
)
def test_a_verdict_answers(question: str) -> None:
    assert not takes_no_verdict(question)


def test_an_order_to_write_takes_no_proposed_answer() -> None:
    question = "Please write out the expression of the formula in the image."
    assert (
        orders_text(question) and not orders_text("Read the sign. What does it say?") and not orders_text("What is it?")
    )
    made = draft(make_sample(question, "x = 3"), AnswerStyle.YES_NO, make_context(make_spec("ocr")))
    assert isinstance(made, Decline) and made.reason == "instruction_in_question"


@pytest.mark.parametrize(
    ("question", "gold", "expected"),
    [
        ("Which bowl is empty?", "0", True),
        ("What animal is on this computer screen?", "zero", True),
        ("What number is on the shirt?", "0", False),
        ("What is the mode of the numbers?", "0", False),
        ("How many cats are there?", "0", False),
        ("What is in the bowl?", "soup", False),
    ],
)
def test_none_of_what_is_asked_for(question: str, gold: str, expected: bool) -> None:
    assert finds_none(question, gold) is expected
    made = draft(make_sample(question, gold), AnswerStyle.MULTIPLE_CHOICE, make_context(make_spec("vqa")))
    assert (isinstance(made, Decline) and made.reason == "placeholder_answer") is expected
