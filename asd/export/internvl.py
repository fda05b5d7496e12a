"""InternVL and D-MoLE: LLaVA records as JSON Lines, and a meta file with one entry a data file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asd.export.format import Format, Written, flat_file, json_lines
from asd.export.llava import llava_record
from asd.export.writing import merge_json


def _entry(file: Written) -> dict[str, Any]:
    root = file.part.places.folder
    return {
        "root": f"{root.rstrip('/')}/",
        "annotation": str(file.path.resolve()),
        "data_augment": False,
        "repeat_time": 1,
        "length": file.records,
    }


def _sides(written: Sequence[Written], out: Path) -> list[Path]:
    return [merge_json(out / "meta.json", {f"{file.part.label}_{file.part.name}": _entry(file) for file in written})]


FORMAT = Format(
    name="internvl",
    summary="InternVL and D-MoLE: JSON Lines of LLaVA records, and meta.json",
    file=flat_file(".jsonl"),
    write=json_lines(llava_record),
    sides=_sides,
    needs_root=True,
    for_images=True,
)
