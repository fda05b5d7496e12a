"""A table of right and wrong answers in the forms that models write, for each kind of answer.

A repaired rule gives every right one 1 and every wrong one 0. So it is never blinder than the released rule on a right
answer, nor more generous on a wrong one.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.scoring import RULES, score
from asd.scoring.letter_reading import stated_letter
from asd.scoring.verdict import stated_verdict
from asd.scoring.written import said_phrase, says_nothing, unwrapped

TABLE: list[dict[str, Any]] = json.loads(Path(__file__).with_name("written_forms.json").read_text("utf-8"))
KINDS = ("letter", "yes_no", "number", "short answer", "box", "label")
CASES = [(group, rule) for group in TABLE for rule in group["rules"]]


def test_the_table_holds_forty_right_and_forty_wrong_forms_of_every_kind() -> None:
    for side in ("right", "wrong"):
        counts = Counter({kind: sum(len(group[side]) for group in TABLE if group["kind"] == kind) for kind in KINDS})
        assert min(counts.values()) >= 40, counts


@pytest.mark.parametrize(("group", "rule"), CASES, ids=[f"{rule}-{group['gold']}" for group, rule in CASES])
def test_right_forms_are_read_and_wrong_ones_are_not(group: dict[str, Any], rule: str) -> None:
    known = {
        "accepted": group.get("accepted", ()),
        "options": group.get("options", ()),
        "prompt": group.get("prompt", ""),
    }
    found = {
        form: [text for text in group[side] if score(f"{rule}:fixed", text, group["gold"], **known) != wanted]
        for form, side, wanted in (("blind to", "right", 1.0), ("generous to", "wrong", 0.0))
    }
    assert found == {"blind to": [], "generous to": []}


@pytest.mark.parametrize("name", sorted(set(RULES) - {"judge"}))
@pytest.mark.parametrize("nothing", ["", " ", "the", "An", ".", "?", "...", "-", "**", "</s>", "the."])
def test_nothing_said_is_never_right(name: str, nothing: str) -> None:
    golds = {"iou": "[0.1,0.1,0.5,0.5]", "final_number": "#### 7", "yes_no": "yes"}
    for gold in (golds.get(name, "a"), golds.get(name, "she")):
        options = ("a", "she") if name.startswith("letter") else ()
        assert score(name, nothing, gold, [gold] * 10, options) == 0.0


@given(st.text())
def test_readers_take_any_text(text: str) -> None:
    assert stated_letter(text, ["cat", "dog"]) in (None, "A", "B")
    assert stated_verdict(text) in (None, "yes", "no")
    assert isinstance(said_phrase(text), str)
    if says_nothing(unwrapped(text)):
        assert score("exact_match", text, "red door") == 0.0


@given(
    st.sampled_from("ABCD"),
    st.sampled_from(["{}", "**{}**", "({})", "{}.", "{})", "Answer: {}", "\\boxed{{{}}}", "{}</s>"]),
)
def test_a_letter_is_read_in_any_wrapping(letter: str, form: str) -> None:
    assert stated_letter(form.format(letter), ["w", "x", "y", "z"]) == letter
    assert stated_letter(f"It is not {letter}.", ["w", "x", "y", "z"]) is None
