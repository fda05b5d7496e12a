"""Boxes: right where the intersection over union with the gold box is above one half."""

from __future__ import annotations

import re

from asd.lazy_regex import regex
from asd.schemas.boxes import Box, boxes_inside, iou, read_answer
from asd.scoring.rule import Reference
from asd.scoring.written import unwrapped

THRESHOLD = 0.5
_LONE_NUMBER = regex(r"(?<![\w.])([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)(?!\.?\w)", re.IGNORECASE)


def legacy(prediction: str, reference: Reference) -> float:
    """CoIN: brackets off, then the first and the last sign cut off all the same, so that "[0.12,0.34,0.56,0.78]"
    is read as .12, 0.34, 0.56, 0.7 and a last coordinate 0.9 as 0; not four numbers: wrong."""
    box = _released_box(prediction.removeprefix(" ").replace("[", "").replace("]", "")[1:-1])
    gold = _released_box(reference.gold.replace("[", "").replace("]", ""))
    if box is None or gold is None:
        return 0.0
    return float(_released_iou(_scaled(box, reference.side), _scaled(gold, reference.side)) > THRESHOLD)


def fixed(prediction: str, reference: Reference) -> float:
    """The box that the answer is, or the only one written in it."""
    box, gold = read_box(prediction), read_answer(reference.gold)
    return float(box is not None and gold is not None and iou(box, gold) > THRESHOLD)


def read_box(text: str) -> Box | None:
    """The box that a text is, or the only bracketed one inside it, or its only four numbers; None for none, or more."""
    said = unwrapped(text)
    whole = read_answer(said)
    if whole is not None:
        return whole
    inside = boxes_inside(said)
    if inside:
        return _proper(inside[0]) if len(inside) == 1 else None
    numbers = [float(number) for number in _LONE_NUMBER.findall(said)]
    return _proper((numbers[0], numbers[1], numbers[2], numbers[3])) if len(numbers) == 4 else None


def gold_problem(reference: Reference) -> str | None:
    """What is wrong with a gold answer that is no box; None for one that is."""
    if read_answer(reference.gold) is not None:
        return None
    return f"the gold answer {reference.gold[:60]!r} is no box: expected [x1,y1,x2,y2] with x1 < x2 and y1 < y2"


def _proper(box: Box) -> Box | None:
    """The box, if its corners span an area."""
    return box if box[0] < box[2] and box[1] < box[3] else None


def _released_box(text: str) -> Box | None:
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        return None
    return (numbers[0], numbers[1], numbers[2], numbers[3]) if len(numbers) == 4 else None


def _scaled(box: Box, side: float) -> Box:
    return (box[0] * side, box[1] * side, box[2] * side, box[3] * side)


def _released_iou(a: Box, b: Box) -> float:
    """Unlike `iou`, takes a box with swapped corners at its negative area, as the script does."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union > 0 else 0.0
