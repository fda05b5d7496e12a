"""Chat messages in the form of the OpenAI API, which vLLM and other servers take too: addresses, or data inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asd.export.conversation import Conversation, split_images, spread
from asd.export.format import ExportedSplit, Format, flat_file, json_lines
from asd.export.images import ImageMode, data_url
from asd.export.writing import Record


def _record(conversation: Conversation, part: ExportedSplit) -> Record:
    def address(image: dict[str, Any]) -> str:
        if part.places.mode is ImageMode.EMBED:
            data = part.places.data(image, conversation.id)
            if data is not None:
                return data_url(image["path"], data)
        place = part.places.located(image, conversation.id)
        return place if "://" in place else Path(place).absolute().as_uri()

    messages: list[Record] = []
    for turn, images in split_images(conversation):
        content: Any = turn.text
        if images:
            shown = [{"type": "image_url", "image_url": {"url": address(image)}} for image in images]
            content = [
                {"type": "text", "text": part} if isinstance(part, str) else part for part in spread(turn, shown)
            ]
        messages.append({"role": turn.role, "content": content})
    return {"messages": messages}


FORMAT = Format(
    name="openai",
    summary="OpenAI chat messages: JSON Lines, images as addresses (--image-root https://...) or, embedded, as data",
    file=flat_file(".jsonl"),
    write=json_lines(_record),
    images=(ImageMode.PATHS, ImageMode.COPY, ImageMode.EMBED),
    needs_root=True,
)
