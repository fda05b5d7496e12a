"""LLaVA conversation JSON: what LLaVA, CoIN, SEFE, MCITlib and most continual-tuning code read."""

from __future__ import annotations

from typing import Any

from asd.export.conversation import Conversation, marked
from asd.export.format import ExportedSplit, Format, json_list, task_file
from asd.export.writing import Record
from asd.sources.kept_rows import KEY

OTHER_ROLES = "system or tool turns, which the reader of LLaVA 1.5 refuses (those of LLaVA-NeXT and InternVL take them)"
SEVERAL_IMAGES = "several images, which the reader of LLaVA 1.5 refuses (those of LLaVA-NeXT and InternVL take them)"
_ROLES = {"user": "human", "assistant": "gpt"}


def llava_record(conversation: Conversation, part: ExportedSplit) -> Record:
    """`image` is absent from text-only records (a null breaks the loaders); keys they do not know are ignored."""
    record: Record = {"id": conversation.id}
    images = [part.places.relative(image, conversation.id) for image in conversation.images]
    if images:
        record["image"] = images[0] if len(images) == 1 else images
    record["conversations"] = llava_turns(conversation)
    return record | marks(conversation, part)


def record_for_llava(conversation: Conversation, part: ExportedSplit) -> Record:
    """The same, and what LLaVA's own reader refuses of it is noted: other roles raise KeyError there, a list of images
    TypeError; later readers of the layout take both."""
    part.noted[OTHER_ROLES] += any(turn.role not in _ROLES for turn in conversation.turns)
    part.noted[SEVERAL_IMAGES] += len(conversation.images) > 1
    return llava_record(conversation, part)


def llava_turns(conversation: Conversation) -> list[dict[str, str]]:
    return [{"from": _ROLES.get(turn.role, turn.role), "value": marked(turn)} for turn in conversation.turns]


def marks(conversation: Conversation, part: ExportedSplit) -> dict[str, Any]:
    """Task, style and what reading back needs, each of one type throughout: Arrow-based loaders fail on mixed types."""
    styles: dict[str, Any] = {"styles": conversation.styles} if part.group_turns else {"style": conversation.styles[0]}
    return {"task": conversation.task} | styles | {KEY: part.kept_rows.text(conversation.rows)}


FORMAT = Format(
    name="llava",
    summary="LLaVA conversation JSON (LLaVA, CoIN, MCITlib's train_path, D-MoLE's LLaVA copy)",
    file=task_file(".json"),
    write=json_list(record_for_llava, tools=True),
    for_images=True,
)
