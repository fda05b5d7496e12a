from __future__ import annotations

import pytest
from maker_samples import make_context, make_sample, make_spec, with_options

from asd.makers.drafting import draft
from asd.makers.normalise import conflicts
from asd.records import Decline, Draft
from asd.schemas.styles import AnswerStyle, Maker

CHOICE = AnswerStyle.MULTIPLE_CHOICE


def made_of(sample, **changes) -> Draft:  # type: ignore[no-untyped-def]
    made = draft(sample, CHOICE, make_context(**changes))
    assert isinstance(made, Draft), made
    return made


def test_own_options_gold_first_white_space_collapsed_case_kept() -> None:
    made = made_of(with_options("Red  Kite", "Barn\nOwl", gold="Barn Owl"))
    assert made == Draft(CHOICE, Maker.FIELD, "Barn Owl", options=["Barn Owl", "Red Kite"])


def test_duplicate_wrong_options_are_dropped() -> None:
    assert made_of(with_options("cat", "dog", "Dog.", "cow", gold="cat")).options == ["cat", "dog", "cow"]


def test_options_that_name_others_keep_their_order() -> None:
    made = made_of(with_options("cat", "dog", "both A and B", gold="dog"))
    assert (made.options, made.fixed_order, made.gold_index) == (["cat", "dog", "both A and B"], True, 1)
    assert made_of(with_options("cat", "dog", "None of these", gold="None of these")).gold_index == 2


def test_yes_no_answer_becomes_two_options() -> None:
    assert made_of(make_sample("Is it ripe?", "no")).options == ["no", "yes"]
    assert made_of(make_sample("The cat sleeps.", "yes"), spec=make_spec("statement")).options == [
        "yes",
        "no",
    ]


def test_disputed_verdict_is_declined() -> None:
    sample = make_sample("Is it ripe?", "no", accepted=["no", "yes"])
    assert draft(sample, CHOICE, make_context()).reason == "disputed_answer"  # type: ignore[union-attr]


def test_three_mined_options_without_conflict() -> None:
    made = made_of(make_sample(accepted=["apple", "pear"]))
    assert made.maker is Maker.MINED
    assert len(made.options) == 4 and made.options[0] == "apple"
    assert not any(conflicts(wrong, ["apple", "pear"]) for wrong in made.options[1:])


def test_boxes() -> None:
    made = made_of(make_sample("left bowl", "[0.1,0.1,0.3,0.3]"), spec=make_spec("grounding"))
    assert made.options[0] == "[0.1,0.1,0.3,0.3]" and len(set(made.options)) == 4


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (make_sample(gold="unanswerable"), "unanswerable"),
        (with_options("cat", gold="cat"), "no_wrong_option"),
        (with_options("cat", "cat", gold="cat"), "gold_twice_in_options"),
        (with_options("dog", "cow", gold="cat"), "gold_not_in_options"),
        (with_options("a.jpg", "b.jpg", gold="a.jpg"), "image_options"),
        (with_options("cat", "dog", "dog", "all of the above", gold="cat"), "ambiguous_options"),
        (with_options(*map(str, range(30)), gold="7"), "too_many_options"),
    ],
)
def test_declines(sample, reason: str) -> None:  # type: ignore[no-untyped-def]
    made = draft(sample, CHOICE, make_context())
    assert isinstance(made, Decline)
    assert made.reason == reason


@pytest.mark.parametrize(
    ("question", "gold", "options"),
    [
        ("Is it a pear or a plum?", "plum", ["plum", "pear"]),
        ("Is it a pear or a plum?", "Plum", ["Plum", "Pear"]),
        ("Is it red, white or blue?", "white", ["white", "red", "blue"]),
        ("Which side is the bowl on?", "right", ["right", "left"]),
    ],
)
def test_what_the_question_offers_is_all_there_is_to_choose(question: str, gold: str, options: list[str]) -> None:
    assert made_of(make_sample(question, gold)) == Draft(CHOICE, Maker.FIELD, gold, options=options)


def test_offer_is_mined_where_the_task_lists_no_field() -> None:
    made = made_of(make_sample("Is it a pear or a plum?", "plum"), spec=make_spec(makers=[Maker.MINED]))
    assert (made.maker, made.options) == (Maker.MINED, ["plum", "pear"])


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (make_sample("Is it a pear or a plum?", "plum", accepted=["plum", "pear"]), "disputed_answer"),
        (make_sample("Is it more of a sweet one or rather sour?", "apple"), "unread_alternatives"),
        (make_sample("Does this show bed time or calming on this label?", "calming"), "unread_alternatives"),
        (make_sample("Is it all the way up, or is something loading?", "something loading"), "unread_alternatives"),
        (make_sample("Which bowl is empty?", "0"), "placeholder_answer"),
        (make_sample("Why does he have two umbrellas?", "yes"), "no_verdict_question"),
        (make_sample("Can you read this forecast and write it out?", "yes"), "no_verdict_question"),
        (make_sample("What is in the bowl?", "nothing"), "vague_answer"),
    ],
)
def test_questions_without_sure_wrong_answers(sample, reason: str) -> None:  # type: ignore[no-untyped-def]
    for style in (CHOICE, AnswerStyle.YES_NO):
        made = draft(sample, style, make_context())
        assert isinstance(made, Decline) and made.reason == reason


def test_options_that_differ_in_marks_alone_are_no_wrong_answers() -> None:
    sample = with_options('"A Day at Sea"', "***A Day at Sea***", gold="***A Day at Sea***")
    assert draft(sample, CHOICE, make_context()) == Decline("no_wrong_option")
