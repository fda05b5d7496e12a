"""Every style's answer is read back, and every way of losing it is seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.quality.recovery import is_gold_recoverable, is_question_preserved
from asd.schemas.image_marks import make_inert


def recovers(style: str, response: str, gold: str, **more: object) -> bool:
    known: dict[str, object] = {"options": [], "candidate": None, "accepted": [gold]} | more
    return is_gold_recoverable(style, response, gold, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize("response", ["B", "B.", "(B)", "B. red", "(B) red"])
def test_letter_leads_to_the_gold_option(response: str) -> None:
    assert recovers("multiple_choice", response, "Red", options=["blue", "red"])


@pytest.mark.parametrize(
    ("response", "options"),
    [
        ("A", ["blue", "red"]),
        ("C", ["blue", "red"]),
        ("", ["blue", "red"]),
        ("Blue", ["x", "red"]),
        ("B", ["red", "Red"]),
    ],
)
def test_wrong_missing_or_ambiguous_letter_is_seen(response: str, options: list[str]) -> None:
    assert not recovers("multiple_choice", response, "red", options=options)


@pytest.mark.parametrize(
    ("response", "candidate", "accepted", "expected"),
    [
        ("Yes", "red", ["red"], True),
        ("No", "blue", ["red"], True),
        ("No", "red", ["red"], False),
        ("Yes", "blue", ["red"], False),
        ("No", "crimson", ["red", "Crimson"], False),
        ("Maybe", "red", ["red"], False),
    ],
)
def test_polarity_must_fit_the_candidate(response: str, candidate: str, accepted: list[str], expected: bool) -> None:
    assert recovers("yes_no", response, "red", candidate=candidate, accepted=accepted) is expected


@pytest.mark.parametrize(("response", "gold"), [("Yes", "yes"), ("No.", "no"), ("No", "false"), ("Yes", "True")])
def test_question_that_asks_for_yes_or_no_itself(response: str, gold: str) -> None:
    assert recovers("yes_no", response, gold)
    assert not recovers("yes_no", "No" if response == "Yes" else "Yes", gold)


@pytest.mark.parametrize(
    ("response", "gold", "expected"),
    [
        ("It is a red bus.", "red bus", True),
        ("It is bored.", "red", False),
        ("There are 12 of them.", "2", False),
        ("It costs -2 here.", "-2", True),
        ("The mark says < image > here.", "<image>", True),
        ("It lies at [0.1, 0.20,0.3,0.40] there.", "[0.10,0.20,0.30,0.40]", True),
        ("It lies at [0.1,0.2,0.3,0.5].", "[0.10,0.20,0.30,0.40]", False),
    ],
)
def test_explanations_state_the_gold_answer_as_whole_words(response: str, gold: str, expected: bool) -> None:
    assert recovers("brief_explanation", response, gold) is expected


def test_explanation_may_state_the_letter() -> None:
    assert recovers("detailed_explanation", "So the answer is (B).", "red", options=["blue", "red"])
    assert not recovers("detailed_explanation", "So the answer is A.", "red", options=["blue", "red"])


def test_boxes_are_compared_as_numbers() -> None:
    assert recovers("bounding_box", "[0.1,0.2,0.3,0.4]", "[0.10, 0.20, 0.30, 0.40]")
    assert not recovers("bounding_box", "[0.1,0.2,0.3]", "[0.10, 0.20, 0.30, 0.40]")


@given(st.text(min_size=1).filter(str.strip))
def test_short_answer_is_its_own_response(answer: str) -> None:
    assert recovers("short_answer", make_inert(answer), answer)


def test_question_is_kept_word_for_word() -> None:
    assert is_question_preserved("What  is <image>?", "<image>\nWhat is < image >?\nBe short.")
    assert not is_question_preserved("What is it?", "<image>\nWhat was it?")
