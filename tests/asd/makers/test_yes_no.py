from __future__ import annotations

import pytest
from maker_samples import RULES, make_context, make_sample, make_spec, with_options

from asd.makers.drafting import draft
from asd.records import Decline, Draft
from asd.schemas.styles import AnswerStyle, Maker

YES_NO = AnswerStyle.YES_NO


@pytest.mark.parametrize(("gold", "verdict"), [("yes", "yes"), ("No", "no"), (" NO. ", "no")])
def test_question_with_yes_no_answer_is_asked_itself(gold: str, verdict: str) -> None:
    assert draft(make_sample("Is it ripe?", gold), YES_NO, make_context(mined=False)) == Draft(
        YES_NO, Maker.FIELD, verdict
    )


def test_mined_candidate() -> None:
    made = draft(make_sample(), YES_NO, make_context())
    assert isinstance(made, Draft)
    assert (made.maker, made.gold) == (Maker.MINED, "apple")
    assert made.wrong not in ("", "apple")


def test_wrong_candidate_from_own_options_depends_on_seed_and_id_only() -> None:
    sample = with_options("red", "green", "blue", "pink", gold="red")
    drawn = {draft(sample, YES_NO, make_context(mined=False, seed=seed)).wrong for seed in range(40)}  # type: ignore[union-attr]
    assert drawn == {"green", "blue", "pink"}
    assert draft(sample, YES_NO, make_context(mined=False)) == draft(sample, YES_NO, make_context(mined=False))


def test_options_are_shown_where_the_question_needs_them() -> None:
    pointing = with_options("a rock", "rain", gold="a rock", question="Which of these is a solid?")
    plain = with_options("a rock", "rain", gold="a rock", question="What lies on the road?")
    assert draft(pointing, YES_NO, make_context()).options == ["a rock", "rain"]  # type: ignore[union-attr]
    assert draft(plain, YES_NO, make_context()).options == []  # type: ignore[union-attr]


def test_wrong_option_that_annotators_accepted_is_not_used() -> None:
    sample = with_options("sofa", "couch", "lamp", gold="sofa", accepted=["sofa", "Couch"])
    for seed in range(10):
        assert draft(sample, YES_NO, make_context(seed=seed)).wrong == "lamp"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("sample", "family", "reason"),
    [
        (make_sample(gold="unanswerable"), "vqa", "unanswerable"),
        (make_sample(gold="maybe"), "statement", "no_verdict"),
        (with_options("cat", "dog", gold="bird"), "vqa", "gold_not_in_options"),
        (with_options("cat", "Cat", "dog", gold="cat"), "vqa", "gold_twice_in_options"),
        (with_options("a.png", "b.png", gold="a.png"), "vqa", "image_options"),
        (with_options("cat", "dog", "all of the above", gold="all of the above"), "vqa", "refers_to_options"),
        (with_options("cat", "none of these", gold="cat"), "vqa", "no_wrong_option"),
        (make_sample(gold=" ".join(["word"] * 21)), "vqa", "long_answer"),
        (make_sample(gold="  "), "vqa", "no_answer"),
        (make_sample(question=""), "vqa", "no_answer"),
        (make_sample(passthrough="[]"), "vqa", "passthrough"),
    ],
)
def test_declines(sample, family: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    made = draft(sample, YES_NO, make_context(make_spec(family)))
    assert isinstance(made, Decline)
    assert made.reason == reason


def test_candidate_is_needed_even_if_the_right_one_will_be_shown() -> None:
    assert draft(make_sample(), YES_NO, make_context(mined=False)).reason == "no_distractors"  # type: ignore[union-attr]


def test_maker_and_style_must_be_listed() -> None:
    field_only = make_context(make_spec(makers=[Maker.FIELD]))
    assert draft(make_sample(), YES_NO, field_only) == Decline("maker_not_listed", "mined")
    mined_only = make_context(make_spec(makers=[Maker.MINED]))
    assert draft(make_sample("Is it a fruit?", "yes"), YES_NO, mined_only) == Decline("maker_not_listed", "field")
    none = make_context(make_spec(styles={AnswerStyle.MULTIPLE_CHOICE: RULES}))
    assert draft(make_sample(), YES_NO, none) == Decline("style_not_offered", "yes_no")


def test_box_of_another_object_is_a_field() -> None:
    sample = make_sample("left bowl", "[0.1,0.1,0.3,0.3]", other_boxes=["[0.6,0.6,0.9,0.9]"])
    made = draft(sample, YES_NO, make_context(make_spec("grounding")))
    assert isinstance(made, Draft)
    assert made.gold == "[0.1,0.1,0.3,0.3]"
    assert (made.wrong == "[0.6,0.6,0.9,0.9]") == (made.maker is Maker.FIELD)


def test_candidate_is_what_the_question_offers() -> None:
    made = draft(make_sample("Is it a pear or a plum?", "plum"), YES_NO, make_context())
    assert made == Draft(YES_NO, Maker.FIELD, "plum", wrong="pear")
