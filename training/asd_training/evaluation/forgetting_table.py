"""The forgetting report of a task over the stages of one or more runs: run folders, or released output files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from asd.schemas.task import TaskSpec
from asd.scoring import Reference, find_scorer
from asd_training.errors import PredictionError
from asd_training.evaluation.forgetting import Known, Row, count_errors, reader_for, split_forgetting
from asd_training.evaluation.lenient_reader import LenientReader
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.evaluation.wrong_answer_files import (
    Stage,
    WrongAnswers,
    complete_stages,
    is_wrong_answer_file,
    read_wrong_answers,
)

OWN_STAGE = "Finetune"
"""What CoIN calls the evaluation right after the task's own training."""
_COIN_ORDER = (
    "Finetune",
    "TextVQA",
    "ImageNet",
    "GQA",
    "VizWiz",
    "Grounding",
    "VQAv2",
    "OCRVQA",
    "Multitask",
    "Zero_shot",
)
_OUTSIDE = frozenset({"Multitask", "Zero_shot"})
_STAGE_FOLDER = re.compile(r"\d+-after-(?P<task>.+)")


class RunStages(NamedTuple):
    name: str
    own: Stage
    later: list[Stage]
    """In training order."""
    beside: list[Stage]
    """Evaluations that belong to no place of the sequence (joint training, zero-shot)."""
    is_released: bool
    """Whether only wrong answers were stored."""


def task_reader(spec: TaskSpec, *, clipped: bool = False) -> LenientReader:
    """The lenient reader of a known task; class labels are read with the noun hierarchy."""
    return reader_for(
        spec.native_style, rule=spec.scorer, class_labels=spec.family == "classification", clipped=clipped
    )


def forgetting_table(
    runs: Sequence[RunStages], spec: TaskSpec, *, clipped: Sequence[str] = (), known: Known = "strict"
) -> dict[str, Any]:
    """Figures only, for JSON: per run and stage all wrong answers by category, and the split of the forgotten ones.

    clipped: names of runs whose stored answers lost their first letter. known: "recovered" takes questions as known
    that were right but for their style after the own task, too. Raises: PredictionError for a clipped run not there.
    """
    absent = sorted(set(clipped) - {run.name for run in runs})
    if absent:
        raise PredictionError(f"no run named {absent[0]!r}; there are {', '.join(run.name for run in runs)}")
    rows = [_run_figures(run, spec, task_reader(spec, clipped=run.name in clipped), known) for run in runs]
    return {"format_version": 1, "task": spec.name, "rule": _strict_rule(spec, runs), "known": known, "runs": rows}


def find_runs(paths: Iterable[Path], spec: TaskSpec) -> list[RunStages]:
    """Runs in folders, folders of folders, or lists of files. Raises: PredictionError where there is none."""
    given = list(paths)
    folders = [path for path in given if path.is_dir()]
    missing = [path for path in given if not path.exists()]
    if missing:
        raise PredictionError(f"{missing[0]} does not exist")
    files = sorted({*(path for path in given if path.is_file()), *_released_files(folders)})
    runs = [_run_of_folder(folder, spec) for folder in folders if (folder / "predictions").is_dir()]
    for parent, group in groupby(files, key=lambda path: path.parent):
        runs.append(_released_run(parent.name, [read_wrong_answers(path) for path in group], spec))
    if not runs:
        raise PredictionError(
            f"no predictions in {', '.join(map(str, given))}: expected a run folder with predictions/, or files named "
            "like ImageNet_after_GQA_acc8.30.wrong.jsonl.gz"
        )
    return runs


def _released_files(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.rglob("*")) if is_wrong_answer_file(path)]


def _released_run(name: str, files: list[WrongAnswers], spec: TaskSpec) -> RunStages:
    unknown = [file.path.name for file in files if file.stage not in _COIN_ORDER]
    if unknown:
        raise PredictionError(f"{unknown[0]}: the stage must be one of {', '.join(_COIN_ORDER)}")
    ordered = sorted(files, key=lambda file: _COIN_ORDER.index(file.stage))
    if ordered[0].stage != OWN_STAGE:
        raise PredictionError(f"{name}: no file of the stage {OWN_STAGE}, right after the task's own training")
    stages = complete_stages(ordered, rule=f"{spec.scorer}:legacy")
    later = [stage for stage in stages[1:] if stage.name not in _OUTSIDE]
    return RunStages(name, stages[0], later, [stage for stage in stages if stage.name in _OUTSIDE], True)


def _run_of_folder(folder: Path, spec: TaskSpec) -> RunStages:
    stages: dict[str, Stage] = {}
    places = sorted((folder / "predictions").iterdir())
    for place in places:
        named = _STAGE_FOLDER.fullmatch(place.name)
        file = place / f"{spec.name}.arrow"
        if named and file.is_file():
            stages[named["task"]] = Stage(named["task"], None, read_predictions(file))
    names = list(stages)
    if spec.name not in stages:
        raise PredictionError(
            f"{folder}: no predictions of {spec.name} after its own task; stages that have some: {', '.join(names) or 'none'}; "
            f"tasks with predictions: {', '.join(_tasks_asked(places)) or 'none'}"
        )
    later = names[names.index(spec.name) + 1 :]
    return RunStages(folder.name, stages[spec.name], [stages[name] for name in later], [], False)


def _tasks_asked(stages: Sequence[Path]) -> list[str]:
    return sorted({file.name.split(".")[0] for stage in stages for file in stage.glob("*.arrow")})


def _strict_rule(spec: TaskSpec, runs: Sequence[RunStages]) -> str:
    return f"{spec.scorer}:legacy" if any(run.is_released for run in runs) else spec.scorer


def _run_figures(run: RunStages, spec: TaskSpec, reader: LenientReader, known: Known) -> dict[str, Any]:
    def figures(stage: Stage, *, forgotten: bool) -> dict[str, Any]:
        row = _stage_figures(stage, spec, reader, released=run.is_released)
        if forgotten:
            split = split_forgetting(
                run.own.rows, stage.rows, native_style=spec.native_style, reader=reader, own_right=known
            )
            row["forgetting"] = split.to_json()
        return row

    return {
        "run": run.name,
        "questions": len(run.own.rows),
        "answers_lost_their_first_letter": reader.clipped,
        "own": figures(run.own, forgotten=False),
        "later": [figures(stage, forgotten=True) for stage in run.later],
        "beside_the_sequence": [figures(stage, forgotten=False) for stage in run.beside],
    }


def _stage_figures(stage: Stage, spec: TaskSpec, reader: LenientReader, *, released: bool) -> dict[str, Any]:
    accuracy = 100.0 * sum(float(row["score"]) for row in stage.rows) / len(stage.rows)  # the script's order: 41.175
    errors = count_errors(stage.rows, reader)
    figures: dict[str, Any] = {"stage": stage.name, "accuracy_percent": round(accuracy, 4)}
    if released:
        figures["published_percent"] = stage.published
        figures["reproduced"] = f"{accuracy:.2f}" == f"{stage.published:.2f}"
        figures["fixed_percent_at_most"] = round(100 * _fixed_at_most(stage.rows, spec), 4)
        figures["right_in_doubt"] = None if reader.clipped else _right_in_doubt(stage.rows)
    return {**figures, "wrong": sum(errors.values()), "wrong_by_category": errors}


def _fixed_at_most(rows: Sequence[Row], spec: TaskSpec) -> float:
    """Accuracy by the fixed rule if every answer that was not stored, called right, is right by it, too."""
    scorer = find_scorer(f"{spec.scorer}:fixed")
    return _mean(rows, lambda row: 1.0 if row["score"] else scorer(row["text"], Reference(row["gold"])))


def _right_in_doubt(rows: Sequence[Row]) -> int:
    """Right answers, not stored, of labels that hold an answer given elsewhere at this stage: "Leaf", "Leafhopper".

    The released rule calls a part of the label right; so many of its right answers can be of that kind, at most.
    """
    given = {row["text"].strip(" .") for row in rows if not row["score"]} - {""}
    labels = {row["gold"] for row in rows if row["score"] and row["gold"]}
    doubtful = {label for label in labels if any(text in label and text != label for text in given)}
    return sum(1 for row in rows if row["score"] and row["gold"] in doubtful)


def _mean(rows: Sequence[Row], value: Callable[[Row], float]) -> float:
    return sum(map(value, rows)) / len(rows)
