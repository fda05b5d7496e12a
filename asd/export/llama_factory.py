"""LLaMA-Factory: ShareGPT JSON and its entry in dataset_info.json.

`images` is a list everywhere (absent for text), so that Arrow sees one type; paths are below `media_dir`, which is the
dataset folder unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asd.export.conversation import TOOLS, Conversation
from asd.export.format import ExportedSplit, Format, Written, flat_file, json_list
from asd.export.images import ImageMode
from asd.export.llava import llava_turns, marks
from asd.export.writing import Record, merge_json

_TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
_COLUMNS = (TOOLS, "system")


def _record(conversation: Conversation, part: ExportedSplit) -> Record:
    beside = {turn.role: turn.text for turn in conversation.turns if turn.role in _COLUMNS}
    conversation.turns = [turn for turn in conversation.turns if turn.role not in _COLUMNS]
    part.seen.update(beside.keys())
    record: Record = {"id": conversation.id, "conversations": llava_turns(conversation)}
    if conversation.images:
        record["images"] = [part.places.relative(image, conversation.id) for image in conversation.images]
        part.seen["images"] += 1
    return record | beside | marks(conversation, part)


def dataset_name(part: ExportedSplit) -> str:
    label = part.label.replace("-", "_") if part.is_drawn else part.task
    return f"asd_{label}" if part.split == "train" else f"asd_{label}_{part.name}"


def _entry(file: Written) -> dict[str, Any]:
    """Only columns that occur: the loader looks every named one up."""
    columns = {"messages": "conversations"} | {name: name for name in sorted(file.part.seen)}
    return {"file_name": file.path.name, "formatting": "sharegpt", "columns": columns, "tags": _TAGS}


def _sides(written: Sequence[Written], out: Path) -> list[Path]:
    return [merge_json(out / "dataset_info.json", {dataset_name(file.part): _entry(file) for file in written})]


def _hint(part: ExportedSplit) -> str:
    media = "" if part.places.mode is ImageMode.COPY else f" media_dir: {part.places.root or '<folder of the images>'}"
    return f"dataset_dir: {part.places.out}  dataset: {dataset_name(part)}{media}"


FORMAT = Format(
    name="llama-factory",
    summary="LLaMA-Factory: ShareGPT JSON with its entry in dataset_info.json",
    file=flat_file(".json"),
    write=json_list(_record, tools=True),
    sides=_sides,
    hint=_hint,
)
