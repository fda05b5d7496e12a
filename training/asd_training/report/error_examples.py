"""A few wrong answers of every kind, with what the model had answered right after the task's own training.

Which ones: the last stage first, tasks in turn, and within a task by a hash of the id, so that the same run always
shows the same. What the model wrote is untrusted text; it is only cut here and escaped where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from asd.quality.keyed_sample import keyed_hash
from asd.report.thumbnails import Thumbnail, make_thumbnail
from asd.report.visible_text import visible
from asd_training.evaluation.forgetting import CATEGORIES, Category, read_row
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.report.run_record import RunRecord, StageRecord
from asd_training.report.tested_task import TestedTask, tested_task
from asd_training.report.wording import is_number, shortened

Row = Mapping[str, Any]
_LONGEST_PROMPT, _LONGEST_ANSWER, _MOST_ACCEPTED = 700, 300, 8


@dataclass(frozen=True)
class ErrorExample:
    """One wrong answer. before: the right answer after its own task; None where it was never right."""

    task: str
    stage: str
    row_id: str
    prompt: str
    gold: str
    accepted: str
    before: str | None
    now: str
    constrained: str | None
    constrained_right: bool
    how: str
    picture: Thumbnail | None


@dataclass(frozen=True)
class _Wrong:
    task: str
    stage: StageRecord
    kind: Category
    how: str
    row: Row
    before: Row | None

    @property
    def question(self) -> tuple[str, str]:
        return self.task, str(self.row["id"])

    @property
    def rank(self) -> tuple[bool, int]:
        """Forgotten ones first."""
        return self.before is None, keyed_hash(str(self.row["id"]), "report")


def pick_examples(run: RunRecord, per_kind: int) -> tuple[dict[Category, list[ErrorExample]], list[str]]:
    """Up to `per_kind` of each kind, and notes on tasks that could not be read. Raises: RunError, PredictionError."""
    tested, notes = _tested_tasks(run)
    notes += _missing_predictions(run, list(tested))
    chosen: dict[Category, list[_Wrong]] = {kind: [] for kind in CATEGORIES}
    for stage in reversed(run.stages):
        if all(len(picked) >= per_kind for picked in chosen.values()):
            break
        by_task = [list(_wrong_answers(run, stage, tested[name])) for name in run.tasks if name in tested]
        for kind, picked in chosen.items():
            shown = {answer.question for answer in picked}
            others = [answer for answer in _in_turn(by_task, kind) if answer.question not in shown]
            picked.extend(others[: max(0, per_kind - len(picked))])
    return {kind: _shown(picked, tested) for kind, picked in chosen.items() if picked}, notes


def _tested_tasks(run: RunRecord) -> tuple[dict[str, TestedTask], list[str]]:
    tested: dict[str, TestedTask] = {}
    notes = []
    for name in run.tasks:
        task, note = tested_task(run, name)
        if task is not None:
            tested[name] = task
        if note:
            notes.append(note)
    return tested, notes


def _missing_predictions(run: RunRecord, tasks: Sequence[str]) -> list[str]:
    """Of cells that were evaluated."""
    matrix = run.matrices.get("strict")
    gone = [
        f"{task} after {stage.name}: no examples, as the predictions are not there"
        for stage in run.stages
        for task in tasks
        if matrix is not None and is_number(float(matrix.values[stage.row, run.tasks.index(task)]))
        if not run.predictions(stage, task).is_file()
    ]
    return gone if len(gone) < 2 else [f"{gone[0]}, and of {len(gone) - 1} more evaluations"]


def _wrong_answers(run: RunRecord, stage: StageRecord, task: TestedTask) -> Iterator[_Wrong]:
    path = run.predictions(stage, task.name)
    if not path.is_file():
        return
    own = next((stage for stage in run.stages if task.name in stage.tasks), None)
    before: dict[str, Row] = {}
    if own is not None and own.row < stage.row and run.predictions(own, task.name).is_file():
        before = {row["id"]: row for row in read_predictions(run.predictions(own, task.name))}
    for row in read_predictions(path):
        read = read_row(row, task.reader)
        if read.strict_right:
            continue
        known = before.get(row["id"])
        if known is not None and not read_row(known, task.reader).strict_right:
            known = None
        yield _Wrong(task.name, stage, read.category, read.reading.how, row, known)


def _in_turn(by_task: Sequence[Sequence[_Wrong]], kind: Category) -> list[_Wrong]:
    """One of each task, then the next of each; forgotten ones of all tasks before those that were never right."""
    ranked = [
        sorted((answer for answer in wrong if answer.kind == kind), key=lambda answer: answer.rank) for wrong in by_task
    ]
    turns = [answer for turn in zip_longest(*ranked) for answer in turn if answer is not None]
    return sorted(turns, key=lambda answer: answer.before is None)


def _shown(wrong: Sequence[_Wrong], tested: Mapping[str, TestedTask]) -> list[ErrorExample]:
    return [_example(answer, tested[answer.task]) for answer in wrong]


def _example(answer: _Wrong, task: TestedTask) -> ErrorExample:
    row = answer.row
    others = list(dict.fromkeys(text for text in row["accepted"] if text != row["gold"]))[:_MOST_ACCEPTED]
    score = row["constrained_score"]
    return ErrorExample(
        task=answer.task,
        stage=answer.stage.name,
        row_id=visible(row["id"]),
        prompt=_cut(row["prompt"], _LONGEST_PROMPT),
        gold=_cut(row["gold"]),
        accepted=_cut(", ".join(others)),
        before=None if answer.before is None else _cut(answer.before["text"]),
        now=_cut(row["text"]),
        constrained=None if row["constrained_text"] is None else _cut(row["constrained_text"]),
        constrained_right=score is not None and score >= 0.5,
        how=answer.how,
        picture=_picture(row, task),
    )


def _cut(text: str, longest: int = _LONGEST_ANSWER) -> str:
    return shortened(visible(text), longest)


def _picture(row: Row, task: TestedTask) -> Thumbnail | None:
    path, data = task.picture(str(row["id"])) or (row["image"], None)
    return None if path is None else make_thumbnail(visible(path), data, _existing(task.image_root))


def _existing(root: Path | None) -> Path | None:
    return root if root is not None and root.is_dir() else None
