"""The `<image>` mark: where an image stands in a text, and how a text that only speaks of the mark is kept from counting.

A record's marks are the places of its images where there are no more of them than images. Marks before the first text
are the usual case: samples carry them as lines before every prompt. Marks amid the text are places too, which no
prompt of samples has: such a conversation is kept as it came (`is_placed`). Where the images are all accounted for,
a further `<image>` is text (a question may be about HTML), and is made inert in prompts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from asd.lazy_regex import regex

MARK = "<image>"
INERT = "< image >"
"""How a literal mark in a question or answer is written, so that no loader takes it for an image."""
BLANKS = " \t\r\n\x0b\x0c"
_NAMES_IMAGE = regex(
    r"(?:[<\[({]\|? ?(?:image|img|picture|pic|photo|figure)[ _-]?\d*(?: ?/)?\|? ?[>\])}][\s,;]*)+", re.IGNORECASE
)


class Stripped(NamedTuple):
    text: str
    before: int
    """Marks before the text."""
    behind: int
    """Marks on lines of their own behind it."""
    inside: int
    """Marks that are left in the text."""


def make_inert(text: str) -> str:
    """A literal mark inside data must not count as an image."""
    return text.replace(MARK, INERT)


def strip_marks(text: str) -> Stripped:
    """Without the marks before the text and the ones on lines of their own behind it."""
    text = text.strip(BLANKS)
    before = behind = 0
    while text.startswith(MARK):
        text = text[len(MARK) :].lstrip(BLANKS)
        before += 1
    while text.endswith("\n" + MARK):
        text = text[: -len(MARK)].rstrip(BLANKS)
        behind += 1
    return Stripped(text, before, behind, text.count(MARK))


def is_placed(asked: Sequence[str], num_images: int) -> bool:
    """Whether images stand amid the text of a conversation, or open a later turn. asked: the user's turns.

    The one reading that keeps what its author meant is then the conversation as it came.
    """
    stripped = [strip_marks(text) for text in asked]
    total = sum(text.before + text.behind + text.inside for text in stripped)
    if not 0 < total <= num_images:
        return False
    later = any(text.before or text.behind for text in stripped[1:])
    return later or any(text.inside or (text.before and text.behind) for text in stripped)


def opens_with_marks(prompt: str, num_images: int) -> bool:
    """Whether a prompt is as samples have it: a line with a mark for each image, and no mark after them."""
    return prompt.startswith(f"{MARK}\n" * num_images) and prompt.count(MARK) == num_images


def names_image(text: str) -> bool:
    """Whether all of an answer or option is a mark ("<image>", "<image 2>", "[img]"): a picture, and no words."""
    return text[:1] in "<[({" and _NAMES_IMAGE.fullmatch(text.strip()) is not None
