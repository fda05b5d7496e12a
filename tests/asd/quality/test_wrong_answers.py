"""Hand-worked figures of wrong answers and of the questions of each style."""

from __future__ import annotations

from typing import Any

import pytest

from asd.quality.wrong_answers import WrongAnswers


def row(question: str, gold: str) -> dict[str, Any]:
    return {"question": question, "gold": gold}


def test_two_wrong_options_of_one_meaning_and_of_no_kind() -> None:
    found = WrongAnswers()
    found.add_shown(row("Which fruit is it?", "banana"), "a", "banana", ["apple", "fries", "pizza"])
    found.add_shown(row("Which fruit is it?", "banana"), "b", "banana", ["sofa", "couch", "pizza"])
    found.add_shown(row("What is this?", "dog"), "c", None, ["cat"])
    figures = found.figures()
    assert (figures["same_meaning"], figures["same_meaning_n"]) == (0.5, 2)
    assert (figures["other_kind"], figures["other_kind_n"]) == (0.5, 2)
    assert figures["covisible_wrong"] is None and figures["verdict_questions"] is None


def test_wrong_answers_to_another_question_on_the_image() -> None:
    found = WrongAnswers()
    found.add_answers(["a", "a", "b", "b"], ["dog", "red", "cat", "Cat"])
    found.add_shown(row("What is this?", "dog"), "a", "dog", ["red", "blue", "cat"])
    found.add_shown(row("What is this?", "cat"), "b", "cat", ["green"])
    figures = found.figures()
    assert figures["covisible_wrong"] == pytest.approx(1 / 4) and figures["covisible_n"] == 4
    assert figures["covisible_gold"] == pytest.approx(1 / 2)  # "cat" answers both questions on b


def test_yes_no_questions_of_each_style() -> None:
    found = WrongAnswers()
    asked = ["Is it red?", "What is it?", "Is it a dog or a cat?", "Are there two?"]
    found.add_rows(
        list("1234"), asked, ["brief_explanation", "brief_explanation", "native", "yes_no"], [None, None, None, "2"]
    )
    assert found.figures()["verdict_questions"] == {"brief_explanation": 0.5, "source": 0.25}
