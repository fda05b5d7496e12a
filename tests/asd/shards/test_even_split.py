"""How far a version is from SEFE's even split, by hand."""

from __future__ import annotations

import pytest

from asd.shards.even_split import describe_split, distance_from_even

FOUR = ("yes_no", "multiple_choice", "brief_explanation", "detailed_explanation")


@pytest.mark.parametrize(
    ("native", "by_style", "expected"),
    [
        ("short_answer", dict.fromkeys(FOUR, 5) | {"short_answer": 80}, 0.0),
        # thirds instead of quarters: three styles have 1/12 too much, one lacks a quarter
        ("short_answer", {"short_answer": 96, "yes_no": 8, "multiple_choice": 8, "brief_explanation": 8}, 0.25),
        ("short_answer", {"yes_no": 10}, 0.75),
        ("bounding_box", dict.fromkeys((*FOUR, "short_answer"), 3), 0.0),  # five styles are not its own
        ("short_answer", {"short_answer": 7}, 0.0),
    ],
)
def test_distance(native: str, by_style: dict[str, int], expected: float) -> None:
    assert distance_from_even(native, by_style) == pytest.approx(expected)


def test_what_is_said() -> None:
    by_style = {"short_answer": 96, "yes_no": 8, "multiple_choice": 8, "brief_explanation": 8}
    told = describe_split("short_answer", by_style, {"native": 96, "field": 10, "mined": 6, "rule": 8})
    assert told.startswith(
        "SEFE splits the converted rows evenly, 25.0 % to each style; here, in percent: yes_no 33.3, "
    )
    assert "25.0 % of them would have to be of another style to match." in told
    assert (
        "need a language model where the data hold none; there are none. Brief explanations made by rule restate"
        in told
    )
    assert told.endswith("A rewriter (--rewriter) writes these, and wrong answers where none could be mined.")
    even = describe_split("short_answer", dict.fromkeys(FOUR, 5), {"rewriter": 20})
    assert even.endswith("detailed_explanation 25.0. That is its split.")
    assert describe_split("short_answer", {"short_answer": 9}, {"native": 9}) == ""
