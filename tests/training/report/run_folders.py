"""Run folders with chosen answers, written as a run writes them, without a model: what forgetting they show is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from asd.scoring import score
from asd.tasks.registry import load_task
from asd_training.config import build_config
from asd_training.evaluation.accuracy_matrix import AccuracyMatrix
from asd_training.evaluation.forgetting import reader_for, split_forgetting
from asd_training.evaluation.metrics import all_metrics
from asd_training.evaluation.prediction_rows import write_predictions
from asd_training.evaluation.stage_scores import mean_scores
from asd_training.evaluation.transitions import summarise
from asd_training.stage_files import write_json, write_text

GOLD = {
    "scienceqa": ["A", "B", "A", "B"],
    "vqav2": ["red", "two", "cat", "yes"],
    "imagenet": ["Whippet", "Tabby", "Goldfish", "Teapot"],
}
OPTIONS = {"scienceqa": ["dark", "light"]}
Answer = Callable[[int, str, int, str], str]
"""(stage, task, question, gold) -> what the model writes."""


def remembers(stage: int, task: str, number: int, gold: str) -> str:
    return gold


def write_run(
    folder: Path,
    answer: Answer = remembers,
    *,
    method: dict[str, Any] | None = None,
    seed: int = 0,
    ratio: float = 0.0,
    tasks: Sequence[str] = tuple(GOLD),
    stages: int | None = None,
    constrained: bool = True,
    **settings: Any,
) -> Path:
    """stages: how many are finished; None = all."""
    config = build_config(
        {
            "name": folder.name,
            "out": str(folder),
            "seed": seed,
            "method": method or {"method": "seq-lora"},
            "model": {"name": "tiny"},
            "data": {"tasks": list(tasks), "convert": {"ratio": ratio}, "image_root": str(folder / "images")},
            **settings,
        }
    )
    asked = _ask(folder, answer, tasks, len(tasks) if stages is None else stages, constrained)
    write_json(folder / "config.json", _facts(config.model_dump(mode="json"), seed))
    write_json(folder / "results.json", _results(folder, config, asked, tasks, ratio))
    return folder


def change(path: Path, **changes: Any) -> None:
    write_json(path, {**json.loads(path.read_text("utf-8")), **changes})


def _facts(config: dict[str, Any], seed: int) -> dict[str, Any]:
    shards = {entry["task"]: {"train": f"gone/{entry['task']}@1", "test": f"gone/{entry['task']}-test@2"}
              for entry in config["data"]["tasks"]}  # fmt: skip
    return {"format_version": 1, "config": config, "seed": seed, "shards": shards, "python": "3.11",
            "versions": {"torch": "2.13.0"}, "git_commit": "0" * 40}  # fmt: skip


def _ask(
    folder: Path, answer: Answer, tasks: Sequence[str], stages: int, constrained: bool
) -> dict[tuple[int, str], list[dict[str, Any]]]:
    asked = {}
    for stage in range(stages):
        for task in tasks[: stage + 1]:
            rows = [_row(answer, stage, task, number, constrained) for number in range(len(GOLD[task]))]
            write_predictions(folder / f"predictions/{stage + 1:02d}-after-{tasks[stage]}/{task}.arrow", rows)
            asked[stage, task] = rows
    picture = folder / "images/0.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6), (200, 30, 40)).save(picture)
    return asked


def _row(answer: Answer, stage: int, task: str, number: int, constrained: bool) -> dict[str, Any]:
    spec, gold, options = load_task(task), GOLD[task][number], OPTIONS.get(task, [])
    text = answer(stage, task, number, gold)
    return {
        "id": f"{task}/{number}", "task": task, "style": spec.native_style.value, "native": True,
        "prompt": f"Question {number} of {task}?", "image": f"{number}.png", "text": text, "parsed": None,
        "gold": gold, "accepted": [gold], "options": options, "score": score(spec.scorer, text, gold, [gold], options),
        "constrained_text": gold if constrained else None, "constrained_score": 1.0 if constrained else None,
    }  # fmt: skip


def _results(folder: Path, config: Any, asked: Any, tasks: Sequence[str], ratio: float) -> dict[str, Any]:
    readers = {task: _reader(task) for task in tasks}
    scores = {cell: mean_scores(rows, readers[cell[1]]) for cell, rows in asked.items()}
    done = sorted({stage for stage, _ in asked})
    matrices = {}
    for kind in ("strict", "recovered", "constrained"):
        rows = [[scores.get((stage, task), {}).get(kind) for task in tasks] for stage in range(len(tasks))]
        if any(cell is not None for row in rows for cell in row):
            matrices[kind] = rows
    forgetting: dict[str, Any] = {}
    for stage in done:
        write_stage(folder, stage, tasks[stage])
        for task in tasks[:stage]:
            split = split_forgetting(asked[tasks.index(task), task], asked[stage, task],
                                     native_style=load_task(task).native_style, reader=readers[task])  # fmt: skip
            forgetting.setdefault(task, {})[f"{stage + 1:02d}-{tasks[stage]}"] = split.to_json()
    folders = [f"{stage + 1:02d}-{tasks[stage]}" for stage in done]
    return {
        "format_version": 1, "name": config.name, "method": config.method.method, "settings": {}, "asd": ratio or False,
        "seed": config.seed, "model": "tiny", "finished": len(done) == len(tasks), "tasks": list(tasks),
        "stages": folders, "questions": {task: len(GOLD[task]) for task in tasks}, "matrices": matrices,
        "metrics": {kind: all_metrics(AccuracyMatrix.from_rows(tasks, rows)) for kind, rows in matrices.items()},
        "transitions": summarise({task: since[folders[-1]] for task, since in forgetting.items() if folders[-1] in since}),
        "forgetting": forgetting, "cross_format": {}, "losses": {},
        "time_s": {"train": dict.fromkeys(folders, 30.0), "evaluate": dict.fromkeys(folders, 5.0)},
        "processor_s": {"train": dict.fromkeys(folders, 20.0), "evaluate": dict.fromkeys(folders, 4.0)},
        "steps": dict.fromkeys(folders, 8),
        "trainable_parameters": 1000,
    }  # fmt: skip


def write_stage(folder: Path, stage: int, task: str) -> None:
    at = folder / f"tasks/{stage + 1:02d}-{task}"
    style = load_task(task).native_style.value
    log = [{"step": step, "loss": 1 / step, "loss_by_style": {style: 1 / step, "yes_no": 2 / step}, "lr": 1e-3,
            "penalty": 0.5} for step in range(1, 9)]  # fmt: skip
    write_text(at / "log.jsonl", "".join(json.dumps(line) + "\n" for line in log))
    facts = {"stage": at.name, "tasks": [task], "steps": 8, "train_s": 30.0, "trainable_parameters": 1000,
             "peak_memory_bytes": {"process": 2**30}}  # fmt: skip
    write_json(at / "done.json", facts)


def _reader(task: str) -> Any:
    spec = load_task(task)
    return reader_for(spec.native_style, rule=spec.scorer, class_labels=spec.family == "classification")
