"""Unsloth's vision data: messages of parts with role and content (from/value is refused there)."""

from __future__ import annotations

from asd.export.conversation import Conversation
from asd.export.format import ExportedSplit, Format, flat_file, json_lines
from asd.export.llava import marks
from asd.export.parts import part_messages
from asd.export.writing import Record


def _record(conversation: Conversation, part: ExportedSplit) -> Record:
    places = part.places
    messages = part_messages(
        conversation, lambda image: {"type": "image", "image": places.located(image, conversation.id)}
    )
    return {"id": conversation.id, "messages": messages} | marks(conversation, part)


FORMAT = Format(
    name="unsloth",
    summary="Unsloth: JSON Lines with messages of parts, images by path",
    file=flat_file(".jsonl"),
    write=json_lines(_record),
    needs_root=True,
)
