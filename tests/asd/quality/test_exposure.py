"""Hand-worked figures of what other rows tell."""

from __future__ import annotations

import pytest

from asd.quality.exposure import Exposure


def test_an_option_that_is_stated_elsewhere_gives_the_gold_away() -> None:
    exposure = Exposure()
    exposure.add_native(["cat", "Dog", "horse", "horse"])
    exposure.add_shown("multiple_choice", "a", ["cow", "cat", "dog", "horse"], 0)  # the rule picks cow: right
    exposure.add_shown("multiple_choice", "b", ["cat", "dog", "horse", "a cat"], 1)  # all are stated: 1/4
    exposure.add_shown("multiple_choice", "c", ["sheep", "goat", "dog", "cat"], 2)  # picks sheep or goat: wrong
    figures = exposure.figures()
    assert figures["seen_elsewhere_multiple_choice"] == pytest.approx((1 + 1 / 4 + 0) / 3)
    assert figures["seen_elsewhere_multiple_choice_chance"] == pytest.approx(1 / 4)
    assert figures["seen_elsewhere_multiple_choice_n"] == 3
    assert figures["stated_gold_multiple_choice"] == pytest.approx(2 / 3)
    assert figures["stated_wrong_multiple_choice"] == pytest.approx(7 / 9)
    # offered as wrong: cat 4 ("a cat" is the same answer), dog 1, horse 2, sheep 1, goat 1
    assert figures["offered_gold_multiple_choice"] == pytest.approx((0 + 1 + 1) / 3)
    assert figures["offered_wrong_multiple_choice"] == pytest.approx(((4 + 1 + 2) + (4 + 2 + 4) + (1 + 1 + 4)) / 9)
    assert figures["seen_elsewhere_yes_no"] is None


def test_a_candidate_that_nobody_states_is_taken_for_right() -> None:
    exposure = Exposure()
    exposure.add_native(["red"])
    exposure.add_shown("yes_no", "a", ["blue"], 1)  # right
    exposure.add_shown("yes_no", "b", ["red"], 0)  # right
    exposure.add_shown("yes_no", "c", ["green"], 0)  # wrong
    exposure.add_shown("yes_no", "d", ["red"], 1)  # wrong
    figures = exposure.figures()
    assert figures["seen_elsewhere_yes_no"] == pytest.approx(0.5)
    assert figures["seen_elsewhere_yes_no_chance"] == pytest.approx(0.5)
    assert (figures["stated_gold_yes_no"], figures["stated_wrong_yes_no"]) == (0.5, 0.5)
    assert (figures["offered_gold_yes_no"], figures["offered_wrong_yes_no"]) == (0.5, 1.0)


def test_the_last_of_four_is_known_to_whoever_has_seen_the_others() -> None:
    """A closed block: four rows with the same four options, each right once and wrong three times."""
    exposure = Exposure()
    options = ["cat", "dog", "cow", "horse"]
    exposure.add_right(options)
    for gold in range(4):
        exposure.add_shown("multiple_choice", str(gold), options, gold)
    figures = exposure.figures()
    assert figures["right_elsewhere_multiple_choice"] == 1.0  # elsewhere the gold is right 0 times, the others once
    assert figures["wrong_elsewhere_multiple_choice"] == 1.0  # and wrong 3 times, the others twice
    assert figures["seen_elsewhere_multiple_choice"] == pytest.approx(1 / 4)


def test_wrong_answers_that_nobody_else_shows_tell_nothing() -> None:
    exposure = Exposure()
    exposure.add_right(["cat", "dog"])
    exposure.add_shown("multiple_choice", "a", ["cat", "pig", "hen", "owl"], 0)
    exposure.add_shown("multiple_choice", "b", ["fox", "dog", "elk", "bee"], 1)
    figures = exposure.figures()
    assert (
        figures["right_elsewhere_multiple_choice"] == figures["wrong_elsewhere_multiple_choice"] == pytest.approx(1 / 4)
    )


def test_rules_are_judged_with_their_opposites() -> None:
    """Each rule is wrong in every row here, so its opposite finds them all."""
    exposure = Exposure()
    exposure.add_right(["cat", "cat", "cat", "dog", "dog"])
    exposure.add_shown("multiple_choice", "a", ["cat", "dog"], 0)  # right in other rows: 2, 2
    exposure.add_shown("multiple_choice", "b", ["fox", "cat"], 1)  # right in other rows: 0, 2
    exposure.add_shown("yes_no", "c", ["cow"], 0)  # right nowhere, wrong nowhere else
    exposure.add_shown("yes_no", "d", ["dog"], 1)  # right in another row, wrong in another row
    figures = exposure.figures()
    assert figures["right_elsewhere_multiple_choice"] == pytest.approx((1 / 2 + 1) / 2)
    assert figures["wrong_elsewhere_multiple_choice"] == pytest.approx(
        1 / 2
    )  # nothing is wrong in another row of these
    assert figures["right_elsewhere_yes_no"] == figures["wrong_elsewhere_yes_no"] == 1.0
