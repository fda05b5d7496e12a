"""ms-swift: JSON Lines with messages and images. `channel` is the answer style, for its loss by channel."""

from __future__ import annotations

from shlex import quote

from asd.export.conversation import TOOLS, Conversation, marked
from asd.export.format import ExportedSplit, Format, flat_file, json_lines
from asd.export.images import ImageMode
from asd.export.writing import Record
from asd.sources.kept_rows import KEY

_ROLES = {"function_call": "tool_call", "observation": "tool_response"}


def _record(conversation: Conversation, part: ExportedSplit) -> Record:
    turns = [turn for turn in conversation.turns if turn.role != TOOLS]
    messages = [{"role": _ROLES.get(turn.role, turn.role), "content": marked(turn)} for turn in turns]
    record: Record = {"id": conversation.id, "messages": messages}
    if conversation.images:
        record["images"] = [part.places.relative(image, conversation.id) for image in conversation.images]
    if tools := next((turn.text for turn in conversation.turns if turn.role == TOOLS), None):
        record[TOOLS] = tools
    if not part.group_turns:
        record["channel"] = conversation.styles[0]
    return record | {KEY: part.kept_rows.text(conversation.rows)}


def _hint(part: ExportedSplit) -> str:
    root = part.places.out if part.places.mode is ImageMode.COPY else part.places.root
    folder = quote(str(root)) if root else "<folder of the images>"
    return f"ROOT_IMAGE_DIR={folder} swift sft --dataset {quote(str(part.places.out / flat_file('.jsonl')(part)))}"


FORMAT = Format(
    name="ms-swift",
    summary="ms-swift: JSON Lines with messages, images and the style as channel",
    file=flat_file(".jsonl"),
    write=json_lines(_record, tools=True),
    hint=_hint,
)
