"""What every view shows of one row, taken apart once: which part of the prompt is what, boxes, where it came
from.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from asd.report.rewriting import describe_rewrite
from asd.report.visible_text import visible
from asd.schemas.boxes import boxes_inside
from asd.schemas.image_marks import make_inert
from asd.schemas.styles import LETTERS

Row = Mapping[str, Any]
"""One row of `asd.columns.SHARD_SCHEMA` as a dict. Absent columns are shown as empty."""


@dataclass(slots=True, frozen=True)
class Segment:
    """A stretch of a prompt. kind: "text", "context", "question", "option", "candidate" or "rfp"."""

    kind: str
    text: str


@dataclass(slots=True, frozen=True)
class Box:
    """Corners as the row writes them: 0 to 1 on the image padded to a square, or pixels.

    kind: "gold", "asked" (stands in the question) or "other" (an option or candidate that is wrong).
    """

    kind: str
    label: str
    corners: tuple[float, float, float, float]


@dataclass(slots=True, frozen=True)
class Card:
    """One row, ready to be shown."""

    sample_id: str
    style: str
    native_style: str
    maker: str
    segments: list[Segment]
    response: str
    question: str
    gold: str
    also_accepted: list[str]
    where: str
    template: str
    images: list[tuple[str, bytes | None]]
    """Path and, where the row carries them, the bytes."""
    boxes: list[Box] = field(default_factory=list)
    rewrite: str | None = None
    """The language model's part, in one line; None where it had none."""

    @property
    def is_converted(self) -> bool:
        return self.maker != "native"


def make_card(row: Row) -> Card:
    """Everything is made `visible`; nothing is escaped, that is the view's business."""
    gold = visible(row.get("gold"))
    accepted = [visible(answer) for answer in row.get("accepted") or []]
    images = [_image(image) for image in row.get("images") or []]
    return Card(
        sample_id=visible(row.get("id")),
        style=visible(row.get("style")),
        native_style=visible(row.get("native_style")),
        maker=visible(row.get("maker")),
        segments=split_prompt(row),
        response=visible(row.get("response")),
        question=visible(row.get("question")),
        gold=gold,
        also_accepted=list(dict.fromkeys(answer for answer in accepted if answer != gold)),
        where=f"{visible(row.get('source_file'))}:{row.get('source_row', '')}",
        template=visible(row.get("template")),
        images=images,
        boxes=find_boxes(row),
        rewrite=describe_rewrite(row.get("rewrite")),
    )


def split_prompt(row: Row) -> list[Segment]:
    """The prompt in order, cut into its parts; the segments' texts joined are the prompt.

    Parts are looked for in the order in which prompts have them. One that is not found stays plain text.
    """
    prompt = visible(row.get("prompt"))
    spans: list[tuple[int, int, str]] = []
    at = 0
    for kind, text in _parts(row):
        span = _find_part(prompt, kind, text, at)
        if span is not None:
            spans.append((*span, kind))
            at = span[1]
    segments, at = [], 0
    for start, end, kind in spans:
        segments += [Segment("text", prompt[at:start]), Segment(kind, prompt[start:end])]
        at = end
    segments.append(Segment("text", prompt[at:]))
    return [segment for segment in segments if segment.text]


def _parts(row: Row) -> Iterable[tuple[str, str]]:
    yield "context", _as_written(row.get("context"))
    yield "question", _as_written(row.get("question"))
    for option in row.get("options") or []:
        yield "option", _as_written(option)
    yield "candidate", _as_written(row.get("candidate"))
    yield "rfp", visible(row.get("rfp"))


def _as_written(text: object) -> str:
    return make_inert(visible(text))


def _find_part(prompt: str, kind: str, text: str, at: int) -> tuple[int, int] | None:
    text = text.strip()
    if not text:
        return None
    if kind == "rfp":  # it comes last, and its words may also stand in the question
        start = prompt.rfind(text)
        return (start, start + len(text)) if start >= at else None
    if kind in ("option", "candidate"):  # take in the letter or the words before it on its line
        match = re.compile(rf"^.*?(?<!\w){re.escape(text)}(?=\s*$)", re.MULTILINE).search(prompt, at)
        if match:
            return match.span()
    start = prompt.find(text, at)
    return (start, start + len(text)) if start >= 0 else None


def find_boxes(row: Row) -> list[Box]:
    """Boxes that the row speaks of, the gold one first; the same corners are listed once."""
    named = [("gold", "gold", row.get("gold"))]
    options = row.get("options") or []
    named += [("other", letter, option) for letter, option in zip(LETTERS, options, strict=False)]
    named.append(("other", "proposed", row.get("candidate")))
    boxes: dict[tuple[float, ...], Box] = {}
    for kind, label, text in named:
        given = visible(text).strip()
        if given.startswith(("[", "(")) and given.endswith(("]", ")")) and len(inside := boxes_inside(given)) == 1:
            boxes.setdefault(inside[0], Box(kind, label, inside[0]))
    for number, corners in enumerate(boxes_inside(visible(row.get("question"))), start=1):
        boxes.setdefault(corners, Box("asked", f"asked {number}", corners))
    return list(boxes.values())


def _image(image: Any) -> tuple[str, bytes | None]:
    """Of `asd.load` a path and bytes; of `datasets` with its Image feature a picture of Pillow; of other rows a path."""
    if not isinstance(image, Mapping):
        return (
            (str(getattr(image, "filename", "") or "image"), _png_of(image))
            if hasattr(image, "save")
            else (str(image), None)
        )
    return str(image.get("path") or ""), image.get("bytes")


def _png_of(picture: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
