"""The probes of what the pocket benchmark's models forget: what counts as one kind of question, a stated fact, a half."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from pocket_essential import OUTCOMES, _outcome, kind_of
from pocket_known import states
from pocket_recovery import _forgotten, halves


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("Is the red circle left of the blue cross?", "Is the pink square left of the red square?"),
        ("How many triangles are there?", "How many crosses are there?"),
        ("Is there an orange cross?", "Is there a blue circle?"),
        ("What is iron?\nA. metal", "What is honey?\nA. metal"),
        ("What shape is at the top left?", "What shape is at the centre middle?"),
    ],
)
def test_questions_that_differ_in_what_is_asked_about_are_of_one_kind(question: str, other: str) -> None:
    assert kind_of(question) == kind_of(other)


def test_questions_of_other_kinds_are_told_apart() -> None:
    assert len({kind_of(q) for q in ("What is iron?", "What is this?", "Is there a red cross?")}) == 3


def test_an_essential_error_is_looked_up_in_its_kind_first() -> None:
    colours, last = {"red", "blue"}, {"blue", "river"}
    assert [_outcome(text, colours, last) for text in ("blue", "river", "is a lamp")] == list(OUTCOMES)


@pytest.mark.parametrize(
    ("sentence", "gold", "stated"),
    [
        ("The picture shows a sailboat.", "Sailboat", True),
        ("The number on the sign is 47.", "47", True),
        ("Yes, the red circle is left of the blue cross.", "yes", True),
        ("The picture is too blurred to see anything.", "unanswerable", True),
        ("No, there is no red circle.", "yes", False),
        ("This is a boat.", "Sailboat", False),
        ("", "red", False),
    ],
)
def test_a_fact_is_stated_by_its_word(sentence: str, gold: str, stated: bool) -> None:
    assert states(sentence, gold) is stated


def test_halves_share_no_fact_and_leave_none_out() -> None:
    rows = [{"gold": name} for name in ("Key", "Mug", "Lamp", "key", "Flag", "Fish")]
    task = cast(Any, SimpleNamespace(name="imagenet", train=rows[:4], test=rows[3:]))
    shown, asked = halves(task, seed=1)
    assert not shown & asked
    assert shown | asked == {"key", "mug", "lamp", "flag", "fish"}
    assert halves(task, seed=1) == (shown, asked)


def test_only_what_was_right_and_is_wrong_counts_as_forgotten() -> None:
    own, end, later = {"a": 1.0, "b": 1.0, "c": 0.0}, {"a": 0.0, "b": 1.0, "c": 0.0}, {"a": 1.0, "b": 0.0, "c": 0.0}
    run = {"gqa": {"own": {"0": own}, "end": {"0": end, "5": later}}}
    assert _forgotten(run, ["gqa"], "end", "0") == 0.0
    assert _forgotten(run, ["gqa"], "end", "5") == 1.0
