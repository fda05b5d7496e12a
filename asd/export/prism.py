"""Prism: LLaVA records and a benchmark entry per task, in training order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from asd.export.format import Format, Written, task_file
from asd.export.mcitlib import by_task, write_train_or_test
from asd.export.writing import Record, write_json


def _entries(written: Sequence[Written], out: Path) -> list[Record]:
    entries: list[Record] = []
    for number, (task, files) in enumerate(by_task(written).items()):
        train, test = files.get("train"), files.get("test")
        entries.append(
            {
                "cur_task": number,
                "name": task,
                "train_data_path": str(train.path.resolve()) if train else "",
                "test_data_path": str(test.path.resolve()) if test else "",
                "eval_annotation_path": str(test.path.resolve()) if test else "",
                "output_dir": f"outputs/{task}",
                "image_folder": next(iter(files.values())).part.places.folder,
                "previous_task": entries[-1]["name"] if entries else None,
                "eval": test is not None,
            }
        )
    return entries


def _sides(written: Sequence[Written], out: Path) -> list[Path]:
    return [write_json(out / "benchmark.json", _entries(written, out))]


FORMAT = Format(
    name="prism",
    summary="Prism: train.json, test.json and the benchmark's list of tasks",
    file=task_file(".json"),
    write=write_train_or_test,
    sides=_sides,
    needs_root=True,
    for_images=True,
)
