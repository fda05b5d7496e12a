"""TRL: `prompt`, `completion`, `images`, so that only the answer is trained on, as Parquet that opens the images itself.

No `<image>` mark: TRL puts the model's own before the first question, so images amid a text lose their places there. A
file without any image has no such column, since TRL takes one for a vision model's. Rows that call tools need columns of
JSON (`datasets` 4.7 and later): messages, and the tools, have fields of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from asd.columns import MESSAGE
from asd.export.conversation import PLAIN_ROLES, TOOLS, Conversation
from asd.export.format import TOOL_CALLS, ExportedSplit, Format, task_file
from asd.export.images import ImageMode
from asd.export.parquet import HUB_IMAGES, ROWS_IN_MEMORY, hub_schema, write_parquet
from asd.export.tool_calls import messages_of, tools_of, tools_text
from asd.export.writing import Record
from asd.sources.kept_rows import KEY, tell_calls

BESIDE_IMAGES = (
    "tool calls in a file that has images, where TRL 1.16 shows no tools to the model (convert the rows with images apart, or "
    "export to ms-swift, llama-factory or llava)"
)
NO_FUNCTION = "tools or tool calls that are not JSON with a function's name and arguments, which chat templates need"
_JSON_SINCE = (4, 7)
_JSON_COLUMNS = ("prompt", "completion", TOOLS)


@dataclass(frozen=True)
class Columns:
    """What the rows of a file make necessary."""

    has_images: bool
    has_tools: bool
    """Whether rows that call tools are written."""
    why_no_tools: str = ""
    """Why they are left out, where there are some."""

    def schema(self) -> pa.Schema:
        said = pa.list_(pa.string() if self.has_tools else MESSAGE)
        columns = [("prompt", said), ("completion", said)]
        columns += [(TOOLS, pa.list_(pa.string()))] * self.has_tools + [("images", HUB_IMAGES)] * self.has_images
        return pa.schema([*columns, *((name, pa.string()) for name in ("id", "task", "style", KEY))])

    def json(self) -> tuple[str, ...]:
        return _JSON_COLUMNS if self.has_tools else ()


def columns_of(part: ExportedSplit, *, tools: bool) -> Columns:
    """By a look at all rows. tools: the trainer can show them to the model."""
    has_images = has_tools = False
    for batch in part.batches(("style", "images", "messages")):
        has_images = has_images or pc.max(pc.list_value_length(batch["images"])).as_py() not in (None, 0)
        roles = pc.unique(pc.list_flatten(batch["messages"]).field("role")).to_pylist()
        has_tools = has_tools or not PLAIN_ROLES.issuperset(roles)
    why_not = TOOL_CALLS if not tools else BESIDE_IMAGES if has_images else _why_no_json()
    return Columns(has_images, has_tools and not why_not, why_not)


def _why_no_json() -> str:
    """A file with columns of JSON cannot be opened at all by a `datasets` that does not know them."""
    installed = version("datasets")
    numbers = tuple(int(number) for number in installed.split(".")[:2] if number.isdigit())
    if numbers >= _JSON_SINCE:
        return ""
    return f"tool calls, which datasets {installed} cannot read (4.7 and later can: pip install -U datasets)"


def answer_records(conversation: Conversation, part: ExportedSplit, columns: Columns) -> Iterator[Record]:
    """One record for every answer, with what was said before it as the prompt: no answer goes untrained."""
    messages, tools = messages_of(conversation.turns), tools_of(conversation.turns)
    if why_not := _why_left_out(conversation, columns, is_written=messages is not None and tools is not None):
        part.left_out[why_not] += 1
        return
    assert messages is not None  # else there was a reason
    images = [_image(image, conversation.id, part) for image in conversation.images]
    styles = iter(conversation.styles)
    answers = [place for place, (message, _) in enumerate(messages) if message["role"] == "assistant"]
    for number, place in enumerate(answers):
        rows = conversation.rows[: number + 1] if len(conversation.rows) == len(answers) else conversation.rows
        record: Record = {
            "prompt": [message for message, _ in messages[:place]], "completion": [messages[place][0]],
            "id": conversation.id if len(answers) == 1 else f"{conversation.id}#{number}", "task": conversation.task,
            "style": next(styles, conversation.styles[-1]), KEY: part.kept_rows.text(rows),
        }  # fmt: skip
        if columns.has_images:
            record["images"] = images
        if conversation.has_tools:
            calls = [texts for _, texts in messages[: place + 1] if texts]
            record |= {TOOLS: tools or None, KEY: tell_calls(tools_text(conversation.turns), calls)}
        yield record


def _why_left_out(conversation: Conversation, columns: Columns, *, is_written: bool) -> str:
    if not conversation.has_tools:
        return ""
    return columns.why_no_tools or ("" if is_written else NO_FUNCTION)


def _image(image: dict[str, Any], name: str, part: ExportedSplit) -> dict[str, Any]:
    if part.places.mode is ImageMode.EMBED:
        return {"path": image["path"], "bytes": part.places.data(image, name)}
    return {"path": part.places.located(image, name), "bytes": None}


def write_records(path: Path, schema: pa.Schema, records: Iterable[Record], json: tuple[str, ...] = ()) -> int:
    """json: columns that are lists of JSON values. Returns the number of records."""
    remaining, hub = iter(records), hub_schema(schema, json)

    def batches() -> Iterator[pa.RecordBatch]:
        while chunk := [_with_texts(record, json) for record in islice(remaining, ROWS_IN_MEMORY)]:
            yield pa.RecordBatch.from_pylist(chunk, schema=schema).cast(hub)

    return write_parquet(path, hub, batches())


def _with_texts(record: Record, json: tuple[str, ...]) -> Record:
    texts = {name: [orjson.dumps(value).decode() for value in record[name]] for name in json if record.get(name)}
    return record | texts


def _write(part: ExportedSplit, path: Path) -> int:
    columns = columns_of(part, tools=True)
    conversations = part.conversations(tools=True, many_results=True)
    records = (record for conversation in conversations for record in answer_records(conversation, part, columns))
    return write_records(path, columns.schema(), records, columns.json())


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
