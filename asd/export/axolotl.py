"""Axolotl's multimodal chat_template data: messages of parts, images by path. A literal mark would stay in the text,
so there is none."""

from __future__ import annotations

from asd.export.conversation import Conversation
from asd.export.format import ExportedSplit, Format, flat_file, json_lines
from asd.export.llava import marks
from asd.export.parts import part_messages
from asd.export.writing import Record


def _record(conversation: Conversation, part: ExportedSplit) -> Record:
    places = part.places
    messages = part_messages(
        conversation, lambda image: {"type": "image", "path": places.located(image, conversation.id)}
    )
    return {"id": conversation.id, "messages": messages} | marks(conversation, part)


def _hint(part: ExportedSplit) -> str:
    return (
        f"datasets: [{{path: {part.places.out / flat_file('.jsonl')(part)}, ds_type: json, type: chat_template}}]  "
        "processor_type: AutoProcessor  skip_prepare_dataset: true  remove_unused_columns: false  sample_packing: false"
    )


FORMAT = Format(
    name="axolotl",
    summary="Axolotl: JSON Lines with messages of parts, images by path",
    file=flat_file(".jsonl"),
    write=json_lines(_record),
    needs_root=True,
    hint=_hint,
)
