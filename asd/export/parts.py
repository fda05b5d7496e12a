"""Messages whose content is a list of parts, images and text apart; no `<image>` mark in the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asd.export.conversation import Conversation, split_images, spread

ImagePart = Callable[[dict[str, Any]], dict[str, Any]]


def part_messages(conversation: Conversation, image_part: ImagePart) -> list[dict[str, Any]]:
    """Every content is a list of parts, images where they stand, so that all rows have one type."""
    return [
        {
            "role": turn.role,
            "content": [
                {"type": "text", "text": part} if isinstance(part, str) else part
                for part in spread(turn, list(map(image_part, images)))
            ],
        }
        for turn, images in split_images(conversation)
    ]
