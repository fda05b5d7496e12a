"""Marks at their limits."""

from __future__ import annotations

from typing import Any

import pytest

from asd.report.verdicts import verdicts_on


def mark(key: str, **figures: Any) -> str:
    return next((verdict.mark for verdict in verdicts_on(figures) if verdict.key == key), "left out")


def test_what_is_not_good_comes_with_something_to_do() -> None:
    for verdict in verdicts_on({"gold_recoverable": 0.9, "question_preserved": 1.0}):
        assert bool(verdict.remedy) == (verdict.mark != "good")


@pytest.mark.parametrize(("accuracy", "expected"), [(0.25, "good"), (0.29, "good"), (0.35, "look"), (0.72, "bad")])
def test_guessing_from_other_rows_is_judged_against_chance(accuracy: float, expected: str) -> None:
    key = "seen_elsewhere_multiple_choice"
    assert mark(key, **{key: accuracy, f"{key}_chance": 0.25}) == expected


@pytest.mark.parametrize(
    ("right", "wrong", "expected"), [(0.27, 0.29, "good"), (0.6, 0.25, "look"), (0.25, 0.6, "look"), (1.0, 0.9, "bad")]
)
def test_guessing_by_exclusion_is_judged_by_the_better_rule(right: float, wrong: float, expected: str) -> None:
    figures = {"right_elsewhere_yes_no": right, "wrong_elsewhere_yes_no": wrong}
    assert mark("right_elsewhere_yes_no", **figures, seen_elsewhere_yes_no_chance=0.25) == expected
    assert mark("right_elsewhere_yes_no", **figures) == "left out"


@pytest.mark.parametrize(
    ("share", "expected"), [(1.0, "good"), (0.9995, "look"), (0.99, "bad"), (None, "left out"), (0.0, "bad")]
)
def test_shares_that_must_be_whole(share: float | None, expected: str) -> None:
    assert mark("gold_recoverable", gold_recoverable=share) == expected


@pytest.mark.parametrize(("p", "expected"), [(0.5, "good"), (0.005, "look"), (1e-6, "bad"), (0.0, "bad")])
def test_letters(p: float, expected: str) -> None:
    assert mark("letter_chi2_p", letter_chi2_p=p) == expected


def test_polarity_is_judged_where_it_was_dealt() -> None:
    assert mark("yes_share", yes_share=0.8, yes_share_candidates=0.5) == "good"
    assert mark("yes_share", yes_share=0.8, yes_share_candidates=None) == "bad"
    assert mark("yes_share", yes_share=0.58, yes_share_candidates=0.58) == "look"


def test_small_numbers_are_allowed_their_noise() -> None:
    assert mark("longest_is_gold", longest_is_gold=0.35, longest_is_gold_chance=0.25) == "look"
    few = {"longest_is_gold": 0.35, "longest_is_gold_chance": 0.25, "longest_is_gold_n": 40}
    assert mark("longest_is_gold", **few) == "good"


@pytest.mark.parametrize(
    ("accuracy", "interval", "expected"),
    [
        (0.3, (0.28, 0.32), "good"),
        (0.42, (0.41, 0.43), "look"),
        (0.9, (0.89, 0.91), "bad"),
        (0.6, (0.2, 0.9), "good"),
    ],
)
def test_probe_is_judged_against_the_prior(accuracy: float, interval: tuple[float, float], expected: str) -> None:
    figures = {"probe_yes_no": accuracy, "probe_yes_no_prior": 0.35, "probe_yes_no_ci": interval}
    assert mark("probe_yes_no", **figures) == expected


@pytest.mark.parametrize(("interval", "expected"), [((0.08, 0.12), "look"), ((0.18, 0.22), "good")])
def test_a_probe_far_below_chance_has_learnt_other_rows(interval: tuple[float, float], expected: str) -> None:
    key = "probe_multiple_choice"
    figures = {key: sum(interval) / 2, f"{key}_prior": 0.25, f"{key}_chance": 0.25, f"{key}_ci": interval}
    assert mark(key, **figures) == expected


def test_conflicts_are_judged_by_their_share() -> None:
    assert mark("option_conflicts", option_conflicts=0, converted=10) == "good"
    assert mark("option_conflicts", option_conflicts=1, converted=2000) == "look"
    assert mark("option_conflicts", option_conflicts=5, converted=100) == "bad"
