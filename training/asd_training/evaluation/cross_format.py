"""The same test questions in every style that `asd` can give them: accuracy by style, and whether the answers agree.

Two answers to one question agree if both are right or both are wrong; what they say is not compared, because styles
cannot be compared word for word. Rules: letters and yes/no by their scorers (a yes/no question asks about a proposed
answer, so chance is one half), short answers by the task's own rule where that is its native style, else by exact
match, explanations by containment of the gold answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import asd
from asd.errors import AsdError
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.styles.table import STYLES, target_of
from asd_training.data import read_rows
from asd_training.errors import TaskDataError
from asd_training.evaluation.forgetting import RIGHT_FROM

if TYPE_CHECKING:
    from asd.styles.table import STYLES
    from asd_training.config import RunConfig
from asd_training.data import TaskData

Row = Mapping[str, Any]
RULES = {style: STYLES[style].scoring_rule for style in TARGET_STYLES}


def styles_of(task: TaskData) -> list[AnswerStyle]:
    """The styles beside its own that the task's questions can be asked in without a language model."""
    makers = task.spec.styles
    return [
        style
        for style in TARGET_STYLES
        if set(makers.get(style, [])) - {Maker.REWRITER} and not target_of(style).answers_own_question
    ]


def questions_in(style: AnswerStyle, task: TaskData, config: RunConfig) -> list[dict[str, Any]]:
    """The task's test questions that could be put in a style. Raises: TaskDataError if their source is not known."""
    source = task.test_shards.source
    if not source:
        raise TaskDataError(
            f"task {task.name!r}: where the test questions came from is not recorded, so they cannot be put in other "
            "styles; name `source` or `test_source` in its entry of data.tasks and set data.convert"
        )
    try:
        done = asd.convert(
            task=task.given,
            source=source,
            split=task.test_split,
            ratio_per_style={style.value: 1.0},
            seed=config.data.convert.seed if config.data.convert else 0,
            out=f"{config.data.root}/{task.name}-test-{style.value}",
            image_root=task.test_image_root,
        )
    except AsdError as exc:
        raise TaskDataError(f"task {task.name!r}, style {style.value}: {exc}") from exc
    wanted = {row["id"] for row in task.test}
    rows = read_rows(f"{done.path}@{done.version}", task.test_split).only("style", style.value)
    return [_with_its_gold(row) for row in rows if row["id"] in wanted]


def _with_its_gold(row: dict[str, Any]) -> dict[str, Any]:
    """A yes/no question about a proposed answer has yes or no for gold, not the answer."""
    if row["style"] != AnswerStyle.YES_NO:
        return row
    return {**row, "gold": row["response"], "accepted": [row["response"]]}


def summary(by_style: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Figures of one task. by_style: prediction rows by the style asked for, the native one among them."""
    right = {style: {row["id"]: row["score"] >= RIGHT_FROM for row in rows} for style, rows in by_style.items()}
    return {
        "accuracy": {
            style: {"questions": len(rows), "score": sum(row["score"] for row in rows) / len(rows) if rows else None}
            for style, rows in by_style.items()
        },
        "agreement": {f"{a}|{b}": _agreement(right[a], right[b]) for a, b in combinations(sorted(right), 2)},
        "consistency": _consistency(right),
    }


def _agreement(a: Mapping[str, bool], b: Mapping[str, bool]) -> dict[str, Any]:
    both = a.keys() & b.keys()
    same = sum(a[row_id] == b[row_id] for row_id in both)
    either = sum(a[row_id] or b[row_id] for row_id in both)
    return {
        "questions": len(both),
        "agree": same / len(both) if both else None,
        "right_in_both_of_right_in_either": sum(a[i] and b[i] for i in both) / either if either else None,
    }


def _consistency(right: Mapping[str, Mapping[str, bool]]) -> dict[str, int]:
    """Questions asked in two styles or more: right in all, wrong in all, or mixed."""
    answers: dict[str, list[bool]] = {}
    for verdicts in right.values():
        for row_id, is_right in verdicts.items():
            answers.setdefault(row_id, []).append(is_right)
    several = [verdicts for verdicts in answers.values() if len(verdicts) > 1]
    all_right, all_wrong = sum(map(all, several)), sum(not any(verdicts) for verdicts in several)
    return {
        "questions": len(several),
        "all_right": all_right,
        "all_wrong": all_wrong,
        "mixed": len(several) - all_right - all_wrong,
    }
