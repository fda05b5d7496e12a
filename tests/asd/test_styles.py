"""The table of styles holds everything that a style needs, and says which part is missing where one is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import asd
from asd.plan.codes import NO_STYLE, NUM_STYLES, STYLE_BITS, STYLE_WIDTH, given_styles, is_used
from asd.plan.pools import about_of, pools_of, primary_of
from asd.schemas.answers import MODELS, describe_answers, problem_of
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, IncompleteStyleError, require_all
from asd.styles.checking import CHECKS
from asd.styles.table import STYLES, target_of, writing_of


@pytest.mark.parametrize("style", AnswerStyle)
def test_the_examples_of_a_style_are_answers_in_it_and_its_colour_is_its_own(style: AnswerStyle) -> None:
    for example in MODELS[style].EXAMPLES:
        assert problem_of(style, example, ["a lamp", "a shelf"]) is None
    assert [other for other in STYLES.values() if other.colour == STYLES[style].colour] == [STYLES[style]]


@pytest.mark.parametrize(
    ("style", "response", "problem"),
    [
        (AnswerStyle.YES_NO, "Perhaps", "it carries no yes_no answer, such as 'Yes' or 'No'"),
        (AnswerStyle.MULTIPLE_CHOICE, "C", "it carries no multiple_choice answer, such as 'B'"),
        (AnswerStyle.SHORT_ANSWER, "one\ntwo", "it carries no short_answer answer, such as 'light blue'"),
        (AnswerStyle.BOUNDING_BOX, "[0.24,0.42,0.27,0.42]", "it carries no bounding_box answer"),
        (AnswerStyle.FREE_FORM, "  ", "it carries no free_form answer"),
    ],
)
def test_what_is_no_answer_of_a_style(style: AnswerStyle, response: str, problem: str) -> None:
    assert (problem_of(style, response, ["a lamp", "a shelf"]) or "").startswith(problem)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": None, "written": None}, "style yes_no .*lacks its `target` part, for it stands in TARGET_STYLES"),
        ({"written": None}, "lacks its `written` part, for it stands in WRITTEN_STYLES"),
        ({"title": ""}, "lacks a title"),
        ({"colour": "", "recovery": "guess"}, "lacks a colour; a recovery out of verdict, letter"),
        ({"name": AnswerStyle.FREE_FORM}, "free_form.py. lacks a place in TARGET_STYLES"),
    ],
)
def test_a_style_that_lacks_a_part_is_named_with_it(change: dict[str, object], message: str) -> None:
    with pytest.raises(IncompleteStyleError, match=message):
        replace(STYLES[AnswerStyle.YES_NO], **change)  # type: ignore[arg-type]


def test_a_table_without_a_style_names_it() -> None:
    with pytest.raises(IncompleteStyleError, match=r"style free_form: no colour \(asd/colours.py\)"):
        require_all("colour (asd/colours.py)", {style: 1 for style in AnswerStyle if style != "free_form"})
    with pytest.raises(IncompleteStyleError, match="style free_form is no target"):
        target_of(AnswerStyle.FREE_FORM)
    with pytest.raises(IncompleteStyleError, match="style short_answer is written by no language model"):
        writing_of(AnswerStyle.SHORT_ANSWER)


def test_every_target_has_checks() -> None:
    assert list(CHECKS) == list(TARGET_STYLES) == list(STYLE_BITS)
    assert all(len(names) == len(set(names)) >= 4 for names in CHECKS.values())


def test_the_plan_has_room_for_more_styles_than_there_are() -> None:
    assert NUM_STYLES < NO_STYLE == (1 << STYLE_WIDTH) - 1
    styles = np.arange(NO_STYLE, dtype=np.uint8)
    for polarity in range(3):
        about = about_of(styles, np.full(NO_STYLE, polarity, np.uint8))
        assert (primary_of(about) == styles).all()
        assert len(set(pools_of(about).tolist())) == NUM_STYLES + 1  # and "in no pool"
    for state in (16, 32):  # given from its own pool, from another's
        assert is_used(styles + np.uint8(state)).all() and (given_styles(styles + np.uint8(state)) == styles).all()


def test_the_format_shows_the_answer_models() -> None:
    text = (Path(asd.__file__).parent / "shards" / "FORMAT.md").read_text("utf-8")
    assert describe_answers() in text, "asd/shards/FORMAT.md, Answers: paste what describe_answers() gives"
