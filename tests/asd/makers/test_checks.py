"""Each check must fail for the damage that it is there for."""

from __future__ import annotations

from typing import Any

import pytest
from maker_samples import make_sample, make_spec

from asd.makers.rendering import RenderContext, render
from asd.records import Draft, Sample
from asd.schemas.styles import AnswerStyle, Maker
from asd.styles.checking import CHECKS, check
from asd.styles.style_rows import Rendered
from asd.templating import TemplateSet

SAMPLE = make_sample("What is it?", "apple", context="On a table.", accepted=["apple", "red apple"])
CONTEXT = RenderContext.build(make_spec(), 0, TemplateSet())
DRAFTS = {
    AnswerStyle.YES_NO: Draft(AnswerStyle.YES_NO, Maker.MINED, "apple", wrong="pear"),
    AnswerStyle.MULTIPLE_CHOICE: Draft(
        AnswerStyle.MULTIPLE_CHOICE, Maker.MINED, "apple", options=["apple", "pear", "fig"]
    ),
    AnswerStyle.SHORT_ANSWER: Draft(AnswerStyle.SHORT_ANSWER, Maker.FIELD, "apple"),
    AnswerStyle.BRIEF_EXPLANATION: Draft(AnswerStyle.BRIEF_EXPLANATION, Maker.RULE, "apple", text="It is an apple."),
    AnswerStyle.DETAILED_EXPLANATION: Draft(
        AnswerStyle.DETAILED_EXPLANATION, Maker.FIELD, "apple", text="An apple. So."
    ),
}


def good(style: AnswerStyle) -> tuple[Rendered, Sample, Draft]:
    return render(SAMPLE, DRAFTS[style], 0, CONTEXT), SAMPLE, DRAFTS[style]


@pytest.mark.parametrize("style", DRAFTS)
def test_sound_rows_pass(style: AnswerStyle) -> None:
    assert check(*good(style)) == []


@pytest.mark.parametrize("style", DRAFTS)
@pytest.mark.parametrize(
    ("failed", "change"),
    [
        ("question_preserved", lambda one: {"prompt": one.prompt.replace(one.question, "What?")}),
        ("question_preserved", lambda one: {"prompt": one.prompt.replace("On a table.", "")}),
        ("rfp_last", lambda one: {"prompt": one.prompt + " Now."}),
        ("image_count", lambda one: {"prompt": one.prompt.removeprefix("<image>\n")}),
        ("image_count", lambda one: {"prompt": "<image>\n" + one.prompt}),
        (
            "image_count",
            lambda one: {
                "prompt": one.prompt.removeprefix("<image>\n").replace(one.question, f"<image> {one.question}")
            },
        ),
    ],
)
def test_damaged_prompt(style: AnswerStyle, failed: str, change: Any) -> None:
    one, sample, made = good(style)
    assert failed in check(one._replace(**change(one)), sample, made)
    assert failed in CHECKS[style]


@pytest.mark.parametrize(
    ("style", "failed", "changes"),
    [
        (AnswerStyle.YES_NO, "gold_recoverable", {"response": "Perhaps"}),
        (AnswerStyle.YES_NO, "gold_recoverable", {"candidate": "fig", "gold": "yes", "response": "Yes"}),
        (AnswerStyle.MULTIPLE_CHOICE, "gold_recoverable", {"response": "D"}),
        (
            AnswerStyle.MULTIPLE_CHOICE,
            "options_hold_gold_once",
            {"options": ["apple", "fig", "apple"], "response": "A"},
        ),
        (AnswerStyle.MULTIPLE_CHOICE, "options_hold_gold_once", {"options": ["apple"], "response": "A"}),
        (
            AnswerStyle.MULTIPLE_CHOICE,
            "options_distinct",
            {"options": ["apple", "fig", "Fig."], "response": "A"},
        ),
        (
            AnswerStyle.MULTIPLE_CHOICE,
            "options_distinct",
            {"options": ["apple", "fig", " "], "response": "A"},
        ),
        (
            AnswerStyle.MULTIPLE_CHOICE,
            "no_option_conflict",
            {"options": ["apple", "fig", "apples"], "response": "A"},
        ),
        (AnswerStyle.SHORT_ANSWER, "gold_recoverable", {"response": "apples"}),
        (AnswerStyle.BRIEF_EXPLANATION, "explanation_contains_gold", {"response": "It is a pineapple."}),
        (AnswerStyle.DETAILED_EXPLANATION, "explanation_contains_gold", {"response": ""}),
    ],
)
def test_damaged_answer(style: AnswerStyle, failed: str, changes: dict[str, Any]) -> None:
    one, sample, made = good(style)
    assert failed in check(one._replace(**changes), sample, made)


def test_wrong_candidate_that_is_accepted() -> None:
    made = Draft(AnswerStyle.YES_NO, Maker.MINED, "apple", wrong="red apples")
    assert check(render(SAMPLE, made, 0, CONTEXT), SAMPLE, made) == ["no_option_conflict"]


def test_field_options_are_told_apart_by_look_only() -> None:
    sample = make_sample("What is it?", "dog", accepted=["dog", "puppy"])
    made = Draft(AnswerStyle.MULTIPLE_CHOICE, Maker.FIELD, "dog", options=["dog", "hot dog", "cat"])
    assert check(render(sample, made, 0, CONTEXT), sample, made) == []
    made.options[2] = "Puppy"
    assert check(render(sample, made, 0, CONTEXT), sample, made) == ["no_option_conflict"]
