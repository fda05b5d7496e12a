"""CoIN's flat test form: one question a record, asked in the native style, without the image mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from asd.export.format import ExportedSplit
from asd.export.writing import Record, write_json_list
from asd.schemas.image_marks import MARK
from asd.schemas.styles import AnswerStyle
from asd.sources.kept_rows import KEY


def is_test(part: ExportedSplit) -> bool:
    return part.split not in (None, "train")


def write_test(part: ExportedSplit, path: Path, change: Callable[[Record], Record] = lambda record: record) -> int:
    """change: applied to every record, for layouts that spell image paths in their own way."""
    return write_json_list(path, map(change, _records(part)))


def _records(part: ExportedSplit) -> Iterator[Record]:
    for row in part.native_rows():
        identity = row["id"].removeprefix(f"{row['task']}/{row['split']}/")
        record: Record = {"question_id": identity}
        images = [part.places.relative(image, row["id"]) for image in row["images"]]
        if images:
            record["image"] = images[0] if len(images) == 1 else images
        record["text"] = row["prompt"].removeprefix(f"{MARK}\n" * len(images))
        if row["style"] == AnswerStyle.BOUNDING_BOX:
            record["answer_bbox"] = row["response"]
        record["answer"] = row["response"]
        if text := part.kept_rows.text([row]):
            record[KEY] = text
        yield record
