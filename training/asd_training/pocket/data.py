"""Writes the eight tasks as CoIN does: `<Task>/train.json` and `test.json`, pictures below one root."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from asd_training.pocket import TASKS
from asd_training.pocket.tasks import Record, make_record

TRAIN_ROWS = 1920
TEST_ROWS = 100
SIZES = {
    "scienceqa": 1.0, "textvqa": 1.0, "imagenet": 0.75, "gqa": 1.5, "vizwiz": 0.5, "grounding": 2.0, "vqav2": 1.5,
    "ocrvqa": 1.0,
}  # fmt: skip
"""Training questions of a task as a multiple of the number asked for: small tasks and large ones, as in CoIN."""


def write_tasks(
    out: Path, *, train: int = TRAIN_ROWS, test: int = TEST_ROWS, seed: int = 0
) -> dict[str, dict[str, int]]:
    """Questions per task and split: `train` times the task's size, and `test`. Same arguments, same bytes."""
    counts: dict[str, dict[str, int]] = {}
    for task in TASKS:
        folder = out / task
        folder.mkdir(parents=True, exist_ok=True)
        counts[task] = {
            "train": _write(folder / "train.json", _train_records(task, round(train * SIZES[task]), seed, out)),
            "test": _write(folder / "test.json", _test_records(task, test, seed, out)),
        }
    return counts


def _write(path: Path, records: list[dict[str, Any]]) -> int:
    path.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    return sum(len(record.get("conversations", "..")) // 2 for record in records)


def _train_records(task: str, rows: int, seed: int, out: Path) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    while rows > 0:
        number = len(records)
        made = make_record(task, "train", number, seed)
        turns = made.turns[:rows]
        rows -= len(turns)
        record: dict[str, Any] = {"id": f"{task}-{number:05d}"}
        mark = ""
        if (image := _save(made, f"train/{number:05d}.png", out)) is not None:
            record["image"], mark = image, "<image>\n"
        conversation = []
        for place, (prompt, answer) in enumerate(turns):
            conversation.append({"from": "human", "value": prompt if place else mark + prompt})
            conversation.append({"from": "gpt", "value": answer})
        regions = {"regions": made.regions} if made.regions else {}
        records.append({**record, "conversations": conversation, **made.extra, **regions})
    return records


def _test_records(task: str, rows: int, seed: int, out: Path) -> list[dict[str, Any]]:
    """One question a picture, so that test items are independent of each other."""
    records: list[dict[str, Any]] = []
    for number in range(rows):
        made = make_record(task, "test", number, seed)
        prompt, answer = made.turns[0]
        record: dict[str, Any] = {"question_id": f"{task}-test-{number:05d}"}
        if (image := _save(made, f"test/{number:05d}.png", out)) is not None:
            record["image"] = image
        record["text"] = prompt
        if task == "grounding":
            record |= {"answer_bbox": answer, "origin_answer_bbox": answer, "size": [48, 48]}
        else:
            record["answer"] = answer.removesuffix(".")
        records.append(record)
    return records


def _save(made: Record, name: str, out: Path) -> str | None:
    if made.image is None:
        return None
    path = f"{made.folder}/{name}"
    target = out / path
    target.parent.mkdir(parents=True, exist_ok=True)
    made.image.save(target, "PNG")
    return path
