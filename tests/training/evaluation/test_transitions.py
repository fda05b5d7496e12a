"""Right to wrong and wrong to right, question by question, with hand-worked numbers for what guessing changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd_training.evaluation.forgetting import reader_for, split_forgetting
from asd_training.evaluation.transitions import Transitions, choices_of, count_transitions, mean_shares, summarise


def count(pairs: list[tuple[bool, bool]], choices: int | list[int | None] | None) -> Transitions:
    ids = [str(number) for number in range(len(pairs))]
    given = choices if isinstance(choices, list) else [choices] * len(pairs)
    return count_transitions(
        {name: before for name, (before, _) in zip(ids, pairs, strict=True)},
        {name: after for name, (_, after) in zip(ids, pairs, strict=True)},
        dict(zip(ids, given, strict=True)),
    )


TEN = [(True, True)] * 4 + [(True, False)] * 3 + [(False, True)] * 1 + [(False, False)] * 2


def test_four_options_by_hand() -> None:
    """A0 = 7/10, A1 = 5/10, k = 4: 10 * 3/10 / 3 * 5/10 = 0.5 questions are lost, and gained, by chance."""
    found = count(TEN, 4)
    assert (found.kept, found.lost, found.gained, found.never) == (4, 3, 1, 2)
    assert found.by_chance == pytest.approx(0.5)
    assert found.shares() == pytest.approx(
        {"lost": 0.3, "gained": 0.1, "lost_beyond_chance": 0.25, "gained_beyond_chance": 0.05}
    )


def test_yes_or_no_by_hand() -> None:
    """k = 2: 10 * 3/10 / 1 * 5/10 = 1.5; fewer were gained than guesses would give, which is shown as it is."""
    found = count(TEN, 2)
    assert found.by_chance == pytest.approx(1.5)
    assert found.shares()["gained_beyond_chance"] == pytest.approx(-0.05)


def test_pure_guessing_leaves_nothing_beyond_chance() -> None:
    """Four options, a quarter right each time, independently: of 16 questions 1, 3, 3, 9."""
    pairs = [(True, True)] + [(True, False)] * 3 + [(False, True)] * 3 + [(False, False)] * 9
    found = count(pairs, 4)
    assert found.by_chance == pytest.approx(16 * (12 / 16) / 3 * (12 / 16))  # 3
    assert found.shares()["lost_beyond_chance"] == pytest.approx(0.0)
    assert found.shares()["gained_beyond_chance"] == pytest.approx(0.0)


def test_questions_with_other_numbers_of_options_are_groups_of_their_own() -> None:
    """Two of 2 options, one right before, none after: 2 * 1/2 / 1 * 1 = 1; two of 3, none and none: 2 * 1 / 2 * 1 = 1."""
    pairs = [(True, False), (False, False), (False, False), (False, False), (True, True)]
    found = count(pairs, [2, 2, 3, 3, None])
    assert found.by_chance == pytest.approx(2.0)
    assert found.questions == 5


def test_open_answers_are_not_guessed() -> None:
    found = count(TEN, None)
    assert found.by_chance is None
    assert found.shares() == {"lost": 0.3, "gained": 0.1, "lost_beyond_chance": None, "gained_beyond_chance": None}


def test_choices() -> None:
    assert choices_of("multiple_choice", ["a", "b", "c"]) == 3
    assert choices_of("multiple_choice", []) is None
    assert choices_of("yes_no", []) == 2
    assert choices_of("short_answer", ["yes", "no"]) is None


def test_mean_over_tasks() -> None:
    """Each task once; an open one counts as it is beside one with options."""
    chosen, free = count(TEN, 4).to_json(), count([(True, False), (True, True)], None).to_json()
    assert mean_shares([chosen, free]) == pytest.approx(
        {"lost": 0.4, "gained": 0.05, "lost_beyond_chance": (0.25 + 0.5) / 2, "gained_beyond_chance": 0.025}
    )
    assert mean_shares([free])["lost_beyond_chance"] is None
    assert summarise({"a": {"counts": {}}}) == {}, "results of older builds have none"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30), st.sampled_from([None, 2, 3, 5]))
def test_the_difference_is_that_of_the_accuracies(pairs: list[tuple[bool, bool]], choices: int | None) -> None:
    found = count(pairs, choices)
    shares = found.shares()
    before, after = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    assert found.questions == len(pairs)
    assert shares["gained"] - shares["lost"] == pytest.approx(after - before)  # type: ignore[operator]
    if choices:
        assert shares["gained_beyond_chance"] - shares["lost_beyond_chance"] == pytest.approx(after - before)  # type: ignore[operator]


def test_they_stand_in_the_split() -> None:
    def row(name: str, score: float) -> dict[str, Any]:
        return {"id": name, "text": "A", "gold": "x", "accepted": [], "options": ["x", "y"], "score": score}

    own = [row("kept", 1), row("lost", 1), row("gained", 0), row("never", 0.4)]
    later = [row("kept", 0.6), row("lost", 0), row("gained", 1), row("never", 0)]
    split = split_forgetting(
        own, later, native_style="multiple_choice", reader=reader_for("multiple_choice", rule="letter")
    )
    assert split.transitions == Transitions(kept=1, lost=1, gained=1, never=1, by_chance=1.0)
    assert split.to_json()["transitions"]["shares"]["lost_beyond_chance"] == 0.0
