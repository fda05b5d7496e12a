"""CoIN's, SEFE's and the repaired reading of a letter."""

from __future__ import annotations

import pytest

from asd.scoring import score

OPTIONS = ["rain", "a rock", "steam"]


def scores(prediction: str, gold: str = "a rock", options: list[str] = OPTIONS) -> tuple[float, float, float]:
    return tuple(
        score(rule, prediction, gold, options=options) for rule in ("letter:legacy", "letter_sefe:legacy", "letter")
    )  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        ("B", (1, 1, 1)),
        ("B. a rock", (1, 1, 1)),
        ("A", (0, 0, 0)),
        ("B.", (1, 0, 1)),  # SEFE reads neither "B." nor "b"
        ("b", (1, 0, 1)),
        (" B", (1, 0, 1)),
        ("(B)", (1, 0, 1)),
        ("a rock", (0, 0, 1)),  # CoIN reads the article as option A
        ("The answer is B.", (1, 1, 1)),
        ("The answer is B. The answer is B.", (1, 0, 1)),  # SEFE wants it once
        ("the answer is B", (1, 0, 1)),
        ("It is not A but B.", (0, 0, 1)),  # one of them is denied
        ("D", (0, 0, 0)),  # beyond the options
        ("", (0, 0, 0)),
        ("[0.1,0.2,0.3,0.4]", (0, 0, 0)),
    ],
)
def test_forms(prediction: str, expected: tuple[float, float, float]) -> None:
    assert scores(prediction) == expected


def test_the_article_a_is_option_a_for_coin() -> None:
    assert scores("a solid", gold="rain") == (1.0, 0.0, 0.0)


def test_a_digit_before_the_letter_hides_it_from_coin() -> None:
    assert scores("1 of them: B") == (0.0, 0.0, 1.0)
    assert score("letter:legacy", "5", "E") == 0.0


def test_gold_may_be_the_letter_where_options_are_unknown() -> None:
    assert scores("B", gold="B", options=[]) == (1.0, 1.0, 1.0)
    assert scores("F", gold="F", options=[]) == (0.0, 0.0, 1.0)  # the released scripts know five letters


def test_options_that_differ_in_case_only() -> None:
    options = ["see you soon,", "See you soon,"]
    assert scores("B", gold="See you soon,", options=options) == (1.0, 1.0, 1.0)
    assert scores("See you soon,", gold="See you soon,", options=options)[2] == 1.0
    assert scores("see you soon,", gold="See you soon,", options=options)[2] == 0.0


def test_an_option_that_is_a_letter_is_found_by_its_text() -> None:
    assert score("letter", "B", "A", options=["B", "A"]) == 1.0


def test_arxivqa_as_released_reads_a_bare_letter_only() -> None:
    for prediction, released, fixed in (("b", 1.0, 1.0), ("B.", 0.0, 1.0), ("a rock", 0.0, 1.0)):
        assert score("letter_exact:legacy", prediction, "a rock", options=OPTIONS) == released
        assert score("letter_exact", prediction, "a rock", options=OPTIONS) == fixed
