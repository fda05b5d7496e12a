"""results.json: matrices, metrics, losses, times, from what the finished stages of a run left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from asd_training.checkpoint import RunFolder
from asd_training.evaluation.accuracy_matrix import AccuracyMatrix
from asd_training.evaluation.metrics import all_metrics
from asd_training.evaluation.stage_scores import READ_OUTS
from asd_training.evaluation.transitions import summarise

if TYPE_CHECKING:
    from asd_training.config import RunConfig
    from asd_training.data import TaskData
    from asd_training.methods.protocol import Stage

FORMAT_VERSION = 1


def build_results(
    config: RunConfig, tasks: Sequence[TaskData], stages: Sequence[Stage], folder: RunFolder, *, total: int
) -> dict[str, Any]:
    """stages: the finished ones, of `total`."""
    names = [task.name for task in tasks]
    done = {stage: folder.stage(stage).done() for stage in stages}
    matrices = {kind: matrix for kind in READ_OUTS if (matrix := _matrix(names, done, kind))}
    return {
        "format_version": FORMAT_VERSION,
        "name": config.name,
        "method": config.method.method,
        "settings": config.method.model_dump(mode="json"),
        "asd": _converted(tasks),
        "seed": config.seed,
        "model": config.model.name,
        "finished": len(stages) == total,
        "tasks": names,
        "stages": [stage.folder for stage in stages],
        "questions": {name: len(task.test) for name, task in zip(names, tasks, strict=True)},
        "matrices": {kind: matrix.to_rows() for kind, matrix in matrices.items()},
        "metrics": {kind: all_metrics(matrix) for kind, matrix in matrices.items()},
        "transitions": summarise(next(reversed(done.values()))["forgetting"]) if done else {},
        "forgetting": _forgetting(names, done),
        "cross_format": next((facts["cross_format"] for facts in done.values() if "cross_format" in facts), {}),
        "losses": {stage.folder: _losses(folder, stage) for stage in stages},
        "time_s": {doing: _by_stage(done, f"{doing}_s") for doing in ("train", "evaluate")},
        "processor_s": {doing: _by_stage(done, f"{doing}_processor_s") for doing in ("train", "evaluate")},
        "engine": _by_stage(done, "engine"),
        "generation": next((facts["generation"] for facts in done.values() if "generation" in facts), {}),
        "steps": _by_stage(done, "steps"),
        "learnt": _by_stage(done, "learnt"),
        "merging_error": _by_stage(done, "merging_error"),
        "peak_memory_bytes": _by_stage(done, "peak_memory_bytes"),
        "trainable_parameters": max(facts["trainable_parameters"] for facts in done.values()) if done else 0,
    }


def _by_stage(done: dict[Stage, dict[str, Any]], fact: str) -> dict[str, Any]:
    """Without stages that did not record it: those of older builds, and what a stage without training has not."""
    return {stage.folder: facts[fact] for stage, facts in done.items() if fact in facts}


def _matrix(tasks: Sequence[str], done: dict[Stage, dict[str, Any]], kind: str) -> AccuracyMatrix | None:
    """None where this kind was not measured."""
    rows: list[list[float | None]] = [[None] * len(tasks) for _ in tasks]
    for stage, facts in done.items():
        for place, name in enumerate(tasks):
            rows[stage.row][place] = facts["scores"].get(name, {}).get(kind)
    if all(cell is None for row in rows for cell in row):
        return None
    return AccuracyMatrix.from_rows(tasks, rows)


def _forgetting(tasks: Sequence[str], done: dict[Stage, dict[str, Any]]) -> dict[str, Any]:
    """Task -> stage since -> the split of what was forgotten, see `asd_training.evaluation.forgetting`."""
    by_stage: dict[str, Any] = {}
    for name in tasks:
        since = {
            stage.folder: facts["forgetting"][name] for stage, facts in done.items() if name in facts["forgetting"]
        }
        if since:
            by_stage[name] = since
    return by_stage


def _converted(tasks: Sequence[TaskData]) -> bool | float:
    """Share of the training rows that are in other styles than their own; False for none."""
    rows = sum(len(task.train) for task in tasks)
    moved = sum(task.train.num_converted() for task in tasks)
    return round(moved / rows, 6) if moved else False


def _losses(folder: RunFolder, stage: Stage) -> dict[str, Any]:
    """The first and last line of the stage's log; all of them stand in its log.jsonl."""
    lines = folder.stage(stage).read_log()
    return {"first": lines[0], "last": lines[-1]} if lines else {}
