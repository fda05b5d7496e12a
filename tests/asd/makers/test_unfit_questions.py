"""Texts that ask nothing, and questions that their answer does not fit."""

from __future__ import annotations

import pytest
from maker_samples import make_context, make_sample, make_spec, with_options

from asd.makers.drafting import draft
from asd.makers.option_text import asks_for_more
from asd.makers.unfit_questions import finds_none, is_no_question, orders_text, takes_no_verdict
from asd.records import Decline
from asd.schemas.styles import TARGET_STYLES, AnswerStyle


@pytest.mark.parametrize("text", ["In this picture.", "Is this?"])
def test_fragments_are_no_questions(text: str) -> None:
    assert is_no_question(text, [])
    for style in TARGET_STYLES:
        made = draft(make_sample(text, "cup"), style, make_context(make_spec("vqa")))
        assert isinstance(made, Decline) and made.reason in ("no_question", "style_not_offered")


@pytest.mark.parametrize(
    "text",
    [
        "the brand name",
        "Expiration date",
        "shirt color",
        "Kind of animal",
        "Ingredients",
        "The flavor of this yogurt.",
        "Business card.",
    ],
)
def test_a_noun_phrase_asks_where_it_has_an_answer(text: str) -> None:
    assert not is_no_question(text, ["mango"])
    assert is_no_question(text, [], is_unanswerable=True)
    assert not isinstance(
        draft(make_sample(text, "mango"), AnswerStyle.SHORT_ANSWER, make_context(make_spec("vqa"))), Decline
    )


def test_a_fragment_with_options_of_its_own_asks_for_one_of_them() -> None:
    sample = with_options("cup", "mug", gold="cup", question="In this picture.")
    assert not isinstance(draft(sample, AnswerStyle.MULTIPLE_CHOICE, make_context(make_spec("vqa"))), Decline)


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
        "Would you describe this scene as busy?",
        "Would you give this to a child?",
        "Could someone write on this board?",
        "Does the sign say what and why?",
        "Do they know when and where to go?",
        "There is a man, and what appears to be a dog.",
        "Are two or more dogs visible?",
        "Is it more or less than 5?",
        "Was this in the 1980s or later?",
        "When the light is red, is the car moving?",
        "When a car approaches this light should it stop?",
        "Can you see the place where a candle used to sit?",
    ],
)
def test_a_verdict_answers(question: str) -> None:
    assert not takes_no_verdict(question) and not asks_for_more(question)


@pytest.mark.parametrize(
    "question",
    [
        "When should it stop?",
        "When the bus arrives, where should it stop?",
        "Where is the car, is it red?",
        "Can you see what this is?",
    ],
)
def test_a_clause_first_asks_for_a_verdict_only_where_one_follows(question: str) -> None:
    assert asks_for_more(question)


def test_a_statement_takes_a_verdict_whatever_its_first_word() -> None:
    statement = "What appears to be a dog is in the left image."
    for style in (AnswerStyle.YES_NO, AnswerStyle.MULTIPLE_CHOICE):
        made = draft(make_sample(statement, "yes"), style, make_context(make_spec("statement")))
        assert not isinstance(made, Decline) or made.reason == "style_not_offered"


def test_a_choice_is_searched_for_only_in_questions_of_usual_length() -> None:
    assert takes_no_verdict("is" + " a or" * 9 + " b")
    assert not takes_no_verdict("is" + " a or" * 300 + " b")
    assert takes_no_verdict("why is" + " a or" * 300 + " b")


def test_an_order_to_write_yes_or_no_is_no_order_to_write_a_text() -> None:
    assert not orders_text("Is it a dog? Type yes or no.")


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
        ("What kind of animal is on this computer screen?", "zero", True),
        ("What animal is on the bed?", "0", True),
        ("What bird is it?", "0", True),
        ("What is 7 - 7?", "0", False),
        ("What is the slope of the line?", "0", False),
        ("What is the age of the baby?", "0", False),
        ("What jersey is he wearing?", "0", False),
        ("What is the height of the bar?", "0", False),
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


@pytest.mark.parametrize("style", [AnswerStyle.MULTIPLE_CHOICE, AnswerStyle.YES_NO])
def test_answers_that_the_prompt_tells_take_no_mined_ones(style: AnswerStyle) -> None:
    context = make_context(make_spec("vqa"))
    website = draft(make_sample("What is alter electra's website?", "www.alterelectra.com"), style, context)
    assert isinstance(website, Decline) and website.reason == "answer_in_question"
    mode = draft(make_sample("What is the mode of the numbers?", "7"), style, context)
    assert isinstance(mode, Decline) and mode.reason == "bounded_answer"
