"""TRL: `prompt`, `completion`, `images`, so that only the answer is trained on, as Parquet that opens the images itself.

No `<image>` mark: TRL puts the model's own before the first question, so images amid a text lose their places there.
Text-only rows have an empty list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from asd.columns import MESSAGE
from asd.export.conversation import Conversation
from asd.export.format import ExportedSplit, Format, task_file
from asd.export.images import ImageMode
from asd.export.parquet import HUB_IMAGES, ROWS_IN_MEMORY, hub_schema, write_parquet
from asd.export.writing import Record
from asd.schemas.image_marks import MARK
from asd.sources.kept_rows import KEY

SCHEMA = pa.schema(
    [
        ("prompt", pa.list_(MESSAGE)),
        ("completion", pa.list_(MESSAGE)),
        ("images", HUB_IMAGES),
        ("id", pa.string()),
        ("task", pa.string()),
        ("style", pa.string()),
        (KEY, pa.string()),
    ]
)


def answer_records(conversation: Conversation, part: ExportedSplit) -> Iterator[Record]:
    """One record for every answer, with what was said before it as the prompt: no answer goes untrained."""
    images = [_image(image, conversation.id, part) for image in conversation.images]
    said: list[dict[str, str]] = []
    styles = iter(conversation.styles)
    answers = sum(turn.role == "assistant" for turn in conversation.turns)
    number = 0
    for turn in conversation.turns:
        message = {"role": turn.role, "content": turn.text.replace(MARK, "")}
        if turn.role == "assistant":
            name = conversation.id if answers == 1 else f"{conversation.id}#{number}"
            style = next(styles, conversation.styles[-1])
            rows = conversation.rows[: number + 1] if len(conversation.rows) == answers else conversation.rows
            yield {"prompt": list(said), "completion": [message], "images": images, "id": name, "task": conversation.task,
                   "style": style, KEY: part.kept_rows.text(rows)}  # fmt: skip
            number += 1
        said.append(message)


def _image(image: dict[str, Any], name: str, part: ExportedSplit) -> dict[str, Any]:
    if part.places.mode is ImageMode.EMBED:
        return {"path": image["path"], "bytes": part.places.data(image, name)}
    return {"path": part.places.located(image, name), "bytes": None}


def write_records(path: Path, schema: pa.Schema, records: Iterable[Record]) -> int:
    """Returns the number of records."""
    remaining, hub = iter(records), hub_schema(schema)

    def batches() -> Iterator[pa.RecordBatch]:
        while chunk := list(islice(remaining, ROWS_IN_MEMORY)):
            yield pa.RecordBatch.from_pylist(chunk, schema=hub)

    return write_parquet(path, hub, batches())


def _write(part: ExportedSplit, path: Path) -> int:
    return write_records(
        path, SCHEMA, (record for conversation in part.conversations() for record in answer_records(conversation, part))
    )


def _hint(part: ExportedSplit) -> str:
    return f'datasets.load_dataset("parquet", data_files="{part.places.out / FORMAT.file(part)}"), SFTConfig(max_length=None)'


FORMAT = Format(
    name="trl",
    summary="TRL: Parquet with prompt, completion and images",
    file=task_file(".parquet"),
    write=_write,
    images=(ImageMode.PATHS, ImageMode.EMBED, ImageMode.COPY),
    needs_root=True,
    hint=_hint,
)
