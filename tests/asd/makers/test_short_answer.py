from __future__ import annotations

import pytest
from maker_samples import make_context, make_sample, make_spec, with_options

from asd.makers.drafting import draft
from asd.records import Decline, Draft
from asd.schemas.styles import AnswerStyle, Maker

SHORT = AnswerStyle.SHORT_ANSWER


def test_option_text_that_stands_alone() -> None:
    sample = with_options("Boise", "Salem", gold="Boise", question="What is the capital of Idaho?")
    assert draft(sample, SHORT, make_context()) == Draft(SHORT, Maker.FIELD, "Boise")


@pytest.mark.parametrize(
    ("sample", "family", "reason"),
    [
        (
            with_options("a rock", "rain", gold="a rock", question="Which of these is a solid?"),
            "science",
            "needs_options",
        ),
        (
            with_options(
                "4 kg",
                "4 g",
                gold="4 g",
                question="How heavy is a coin?",
                context="Select the better answer.",
            ),
            "science",
            "needs_options",
        ),
        (with_options("both A and B", "x", gold="both A and B"), "science", "refers_to_options"),
        (
            with_options(" ".join("abcdefghijklm"), "x", gold=" ".join("abcdefghijklm")),
            "science",
            "long_answer",
        ),
        (make_sample("The cat sleeps.", "yes"), "statement", "no_short_form"),
        (make_sample("turn left there", "[0,0,1,1]"), "grounding", "no_noun_phrase"),
        (make_sample("bowl " * 13, "[0,0,1,1]"), "grounding", "long_answer"),
        (make_sample("Describe it.", "A cat."), "caption", "no_short_form"),
        (with_options("yes", "no", gold="yes"), "science", "no_short_form"),
        (with_options("a.png", "b.png", gold="a.png"), "science", "image_options"),
    ],
)
def test_declines(sample, family: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    made = draft(sample, SHORT, make_context(make_spec(family)))
    assert isinstance(made, Decline)
    assert made.reason == reason


def test_region_is_named_by_its_expression() -> None:
    sample = make_sample("left bowl.", "[0.1,0.2,0.3,0.4]")
    made = draft(sample, SHORT, make_context(make_spec("grounding")))
    assert isinstance(made, Draft)
    assert made.gold == "left bowl" and "[0.1,0.2,0.3,0.4]" in made.question


def test_a_sentence_is_no_short_answer() -> None:
    sample = with_options("Both are made of wood.", "It rains.", gold="Both are made of wood.")
    assert draft(sample, SHORT, make_context()) == Decline("sentence_answer", "Both are made of wood.")


def test_a_described_choice_needs_its_options() -> None:
    gold = "a fish that swam 85 meters in 10 hours"
    sample = with_options(gold, "a fish that slept", gold=gold, question="Which fish was the fastest?")
    assert draft(sample, SHORT, make_context()) == Decline("needs_options")
    shown = draft(sample, AnswerStyle.YES_NO, make_context())
    assert isinstance(shown, Draft) and shown.options == [gold, "a fish that slept"]
