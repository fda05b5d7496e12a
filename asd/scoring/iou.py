"""Boxes: right where the intersection over union with the gold box is above one half."""

from __future__ import annotations

from asd.schemas.boxes import Box, boxes_inside, iou, read_answer
from asd.scoring.rule import Reference

THRESHOLD = 0.5


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
    """The box that a text is, or the only bracketed one inside it; None if there is none, or more than one."""
    whole = read_answer(text)
    if whole is not None:
        return whole
    inside = boxes_inside(text)
    return inside[0] if len(inside) == 1 and inside[0][0] < inside[0][2] and inside[0][1] < inside[0][3] else None


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
