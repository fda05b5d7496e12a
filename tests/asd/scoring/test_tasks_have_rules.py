"""Every built-in task's scorer is a rule, and scores its own gold answer as right."""

from __future__ import annotations

import pytest

from asd.schemas.styles import AnswerStyle
from asd.scoring import RULES, score
from asd.tasks.registry import load_task
from asd.tasks.task_files import builtin_tasks

GOLDS = {AnswerStyle.BOUNDING_BOX: "[0.10,0.20,0.50,0.60]", AnswerStyle.YES_NO: "yes", AnswerStyle.MULTIPLE_CHOICE: "B"}


@pytest.mark.parametrize("name", builtin_tasks())
def test_the_gold_answer_is_right(name: str) -> None:
    spec = load_task(name)
    assert spec.scorer in RULES
    if spec.scorer == "judge":
        return
    gold = "12" if spec.scorer == "final_number" else GOLDS.get(spec.native_style, "red door")
    options = ["moon", "sun"] if gold == "B" else []
    assert score(spec.scorer, gold, gold, options=options) == 1.0
    assert score(spec.scorer, "Q zzz", gold, options=options) == 0.0
