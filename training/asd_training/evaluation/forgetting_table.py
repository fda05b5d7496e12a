"""The forgetting report of a task over the stages of one or more runs: run folders, or released output files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from asd.schemas.task import TaskSpec
from asd.scoring import Reference, find_scorer
from asd_training.errors import PredictionError
from asd_training.evaluation.answer_file import clipped_where_stored_so, task_reader
from asd_training.evaluation.forgetting import RIGHT_FROM, Known, Row, count_errors, reference_of, split_forgetting
from asd_training.evaluation.lenient_reader import LenientReader
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.evaluation.stage_order import StagePlaces, place_stages, plain
from asd_training.evaluation.wrong_answer_files import (
    Stage,
    WrongAnswers,
    complete_stages,
    is_wrong_answer_file,
    read_wrong_answers,
)

_STAGE_FOLDER = re.compile(r"(?P<number>\d+)-after-(?P<task>.+)")


class RunStages(NamedTuple):
    name: str
    own: Stage
    later: list[Stage]
    """In training order."""
    beside: list[Stage]
    """Evaluations before the task's own training, and of no place in the sequence (joint training, zero-shot)."""
    is_released: bool
    """Whether only wrong answers were stored."""


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
    rows = [_run_figures(run, spec, _reader_of(run, spec, clipped), known) for run in runs]
    return {"format_version": 1, "task": spec.name, "rule": _strict_rule(spec, runs), "known": known, "runs": rows}


def _reader_of(run: RunStages, spec: TaskSpec, clipped: Sequence[str]) -> LenientReader:
    wrong = [row for stage in (run.own, *run.later, *run.beside) for row in stage.rows if row["score"] < RIGHT_FROM]
    answers = [(row["text"], (row["gold"], *row["accepted"])) for row in wrong]
    return clipped_where_stored_so(task_reader(spec, clipped=run.name in clipped), answers)


def find_runs(paths: Iterable[Path], spec: TaskSpec, order: Sequence[str] | None = None) -> list[RunStages]:
    """Runs in folders, folders of folders, or lists of files.

    order: task names in training order; None takes that of a run folder's stages, and CoIN's for released files.
    Raises: PredictionError where there is no run, or one evaluation alone.
    """
    given = list(paths)
    folders = [path for path in given if path.is_dir()]
    missing = [path for path in given if not path.exists()]
    if missing:
        raise PredictionError(f"{missing[0]} does not exist")
    files = sorted({*(path for path in given if path.is_file()), *_released_files(folders)})
    if len(files) == 1 and (len(given) == 1 or not folders):
        raise PredictionError(
            f"{files[0]} is one evaluation, and what was forgotten lies between two: give that right after the task's own "
            f"training as well. For the wrong answers of one file: asd-train classify {quote(str(files[0]))} --task {spec.name}"
        )
    runs = [_run_of_folder(folder, spec, order) for folder in folders if (folder / "predictions").is_dir()]
    for parent, group in groupby(_of_task(files, spec), key=lambda path: path.parent):
        runs.append(_released_run(parent.name, [read_wrong_answers(path) for path in group], spec, order))
    if not runs:
        raise PredictionError(
            f"no predictions in {', '.join(map(str, given))}: expected a run folder with predictions/, or files named "
            "like ImageNet_after_GQA_acc8.30.wrong.jsonl.gz"
        )
    return runs


def _of_task(files: Sequence[Path], spec: TaskSpec) -> Sequence[Path]:
    """Of files that are named for several tasks, those of the one asked about."""
    named = [path for path in files if plain(path.name.split("_after_")[0]) == plain(spec.name)]
    return named or files


def _released_files(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.rglob("*")) if is_wrong_answer_file(path)]


def _released_run(name: str, files: list[WrongAnswers], spec: TaskSpec, order: Sequence[str] | None) -> RunStages:
    places = place_stages([file.stage for file in files], spec.name, order, name)
    stages = complete_stages(files, rule=f"{spec.scorer}:legacy")
    return _run(name, stages, places, is_released=True)


def _run_of_folder(folder: Path, spec: TaskSpec, order: Sequence[str] | None) -> RunStages:
    """The stages of one of our runs, numbered in training order."""
    stages: dict[int, Stage] = {}
    places = sorted((folder / "predictions").iterdir())
    for place in places:
        named = _STAGE_FOLDER.fullmatch(place.name)
        file = place / f"{spec.name}.arrow"
        if named and file.is_file():
            stages[int(named["number"])] = Stage(named["task"], None, read_predictions(file))
    in_order = [stages[number] for number in sorted(stages)]
    names = [stage.name for stage in in_order]
    if plain(spec.name) not in map(plain, names):
        raise PredictionError(
            f"{folder}: no predictions of {spec.name} after its own task; stages that have some: {', '.join(names) or 'none'}; "
            f"tasks with predictions: {', '.join(_tasks_asked(places)) or 'none'}"
        )
    return _run(folder.name, in_order, place_stages(names, spec.name, order or names, str(folder)), is_released=False)


def _run(name: str, stages: Sequence[Stage], places: StagePlaces, *, is_released: bool) -> RunStages:
    later, beside = ([stages[place] for place in group] for group in (places.later, places.beside))
    return RunStages(name, stages[places.own], later, beside, is_released)


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
    ran_on = sum(reader.runs_on(row["text"], reference_of(row)) for row in stage.rows if row["score"] < RIGHT_FROM)
    return {**figures, "wrong": sum(errors.values()), "wrong_by_category": errors, "ran_on": ran_on}


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
