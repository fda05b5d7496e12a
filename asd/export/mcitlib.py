"""MCITlib: train.json and test.json per task, and one data_config JSON per task.

The config carries the keys of both generations: `image_folder` (first release) and `train_folder`, `test_folder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asd.export.flat_questions import is_test, write_test
from asd.export.format import ExportedSplit, Format, Written, json_list, task_file
from asd.export.llava import record_for_llava
from asd.export.writing import write_json

_write_train = json_list(record_for_llava)


def write_train_or_test(part: ExportedSplit, path: Path) -> int:
    return write_test(part, path) if is_test(part) else _write_train(part, path)


def by_task(written: Sequence[Written]) -> dict[str, dict[str, Written]]:
    """Task -> "train" and "test" -> file, tasks in the order given; of several test splits `test` comes first."""
    files: dict[str, dict[str, Written]] = {}
    for file in sorted(written, key=lambda file: file.part.split != "test"):
        files.setdefault(file.part.label, {}).setdefault("test" if is_test(file.part) else "train", file)
    return {task: files[task] for task in dict.fromkeys(file.part.label for file in written)}


def _config(files: dict[str, Written]) -> dict[str, Any]:
    folder = next(iter(files.values())).part.places.folder
    paths = {f"{use}_path": str(file.path.resolve()) for use, file in sorted(files.items(), reverse=True)}
    return {**paths, "image_folder": folder, **{f"{use}_folder": folder for use in sorted(files, reverse=True)}}


def _sides(written: Sequence[Written], out: Path) -> list[Path]:
    return [
        write_json(out / "data_configs" / f"{task}.json", _config(files)) for task, files in by_task(written).items()
    ]


FORMAT = Format(
    name="mcitlib",
    summary="MCITlib: train.json, test.json and data_configs/<task>.json",
    file=task_file(".json"),
    write=write_train_or_test,
    sides=_sides,
    needs_root=True,
    for_images=True,
)
