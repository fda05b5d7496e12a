"""Bounding boxes: from the conventions that data sets use to the one text that samples carry, and back out of answers.

Canonical: corners, normalised to 0..1 by the longer side of the image after centred padding to a square, two
decimals, no spaces: "[0.12,0.30,0.58,0.71]". Pure functions; boxes are (x1, y1, x2, y2) with the origin top
left. Every reader of boxes in texts is here:

    parse_box      a field of a data set, in whatever unit; raises
    read_answer    all of an answer, in whatever unit; None
    read_box       all of a sample's text, in the frame of samples (0..1, with an area); None
    boxes_inside   bracketed boxes anywhere in a text
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from asd.lazy_regex import regex
from asd.schemas.layout import BoxConvention

Box = tuple[float, float, float, float]
Size = tuple[float, float]
"""Width and height of the frame in pixels."""

_NUMBER = regex(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_DECIMAL = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_ANSWER = regex(
    r"\s*\[?\s*[\[(]?\s*({n})\s*,\s*({n})\s*\)?\s*,\s*\(?\s*({n})\s*,\s*({n})\s*[\])]?\s*\]?\s*\.?\s*".replace(
        "{n}", _DECIMAL
    )
)
_INSIDE = regex(
    r"[\[(]+\s*({n})[\s()]*,[\s()]*({n})[\s()]*,[\s()]*({n})[\s()]*,[\s()]*({n})\s*[\])]+".replace("{n}", _DECIMAL)
)
_SHORTEST, _LONGEST = len("1 2 3 4"), 400
"""Characters of a box; a longer text is none, and would take the patterns long."""
_FAR = 0.5
"""A coordinate further outside than this share of the frame is no rounding, but another convention."""
_BOX_TEXT = regex(rf"\s*[\[(<{{]*\s*({_NUMBER.pattern}(?:[\s,;]+{_NUMBER.pattern}){{3}})\s*[\])>}}]*\s*\.?\s*")


class BoxError(ValueError):
    """A value that is no box; `reason` is the reject reason."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def parse_box(value: object) -> Box:
    """Four finite numbers from a list, a tuple or a text such as "[1, 2, 3, 4]", in whatever unit they stand.

    Raises: BoxError with reason `no_box` for null or nothing, `bad_box` for anything else that is not four
    numbers.
    """
    if value is None or value == "" or value == []:
        raise BoxError("no_box", "the box is null or empty")
    numbers: Sequence[object]
    if isinstance(value, str):
        match = _BOX_TEXT.fullmatch(value) if len(value) <= _LONGEST else None
        numbers = _NUMBER.findall(match.group(1)) if match else ()
    else:
        numbers = value if isinstance(value, list | tuple) else ()
    if len(numbers) != 4:
        raise BoxError("bad_box", f"expected four numbers, got {str(value)[:60]!r}")
    try:
        x1, y1, x2, y2 = (float(number) for number in numbers)  # type: ignore[arg-type]
    except (TypeError, ValueError) as exc:
        raise BoxError("bad_box", f"expected four numbers, got {str(value)[:60]!r}") from exc
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise BoxError("bad_box", f"a coordinate is not finite: {str(value)[:60]!r}")
    return x1, y1, x2, y2


def read_answer(text: str) -> Box | None:
    """Four numbers from "[x1,y1,x2,y2]", "(x1,y1),(x2,y2)", "[[...]]" or bare; None if they span no area."""
    match = _ANSWER.fullmatch(text)
    if match is None:
        return None
    x1, y1, x2, y2 = map(float, match.groups())
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def read_box(text: str) -> Box | None:
    """The box that a sample's text is; None where it is none, has no area, or does not lie in 0..1."""
    if text[:1].isalpha() or len(text) < _SHORTEST:  # answers of other tasks, told apart without an exception's cost
        return None
    try:
        box = parse_box(text)
    except BoxError:
        return None
    return None if misfit(box) else box


def boxes_inside(text: str) -> list[Box]:
    """Bracketed groups of four numbers, in whatever unit, in the order of the text."""
    return [(float(a), float(b), float(c), float(d)) for a, b, c, d in _INSIDE.findall(text)]


def misfit(box: Box) -> str:
    """Why a box cannot stand in a sample, and which convention it may be of; "" where it can.

    In a sample 0 <= x1 < x2 <= 1, and the same for y.
    """
    if not all(0.0 <= value <= 1.0 for value in box):
        return f"{list(box)} does not lie in 0..1: is it in pixels, or in 0..1000?"
    x1, y1, x2, y2 = box
    if x2 < x1 or y2 < y1:
        return f"the second corner is left of or above the first: {list(box)}; are these x, y, width and height?"
    return "" if x1 < x2 and y1 < y2 else f"the box has no area: {list(box)}"


def check_fit(box: Box, declare: str) -> None:
    """declare: how a user says that the boxes are of another convention. Raises: BoxError `bad_box`."""
    if why := misfit(box):
        raise BoxError(
            "bad_box", f"{why}{'' if why.endswith('?') else '.'} If all boxes are of another convention, {declare}."
        )


def to_padded_square(box: Box, convention: BoxConvention, size: Size | None = None) -> Box:
    """The box normalised to 0..1 on the centre-padded square, cut to the image.

    Without a size, normalised conventions keep their own 0..1 frame (the padding is then unknown); pixel
    conventions need the size. Raises: BoxError `bad_box` if nothing of the box lies inside the image, it
    stands out by more than half of it, or the size is not positive.
    """
    order, _, unit = convention.partition("_")
    corners = _corners(box, order)
    if unit == "square":
        return _cut(corners, box, 1.0, 1.0)
    if size is None:
        if unit == "pixels":
            raise BoxError("bad_box", "a box in pixels needs the width and height of its image")
        return _cut(_scaled(corners, unit, 1.0, 1.0), box, 1.0, 1.0)
    width, height = size
    if not (width > 0 and height > 0 and math.isfinite(width) and math.isfinite(height)):
        raise BoxError("bad_box", f"the image size is {width} x {height}")
    if unit != "pixels":
        corners = _scaled(corners, unit, width, height)
    x1, y1, x2, y2 = _cut(corners, box, width, height)
    side = max(width, height)
    left, top = (side - width) / 2, (side - height) / 2
    return (x1 + left) / side, (y1 + top) / side, (x2 + left) / side, (y2 + top) / side


def _corners(box: Box, order: str) -> Box:
    if order == "xywh":
        return box[0], box[1], box[0] + box[2], box[1] + box[3]
    if order == "yxyx":
        return box[1], box[0], box[3], box[2]
    return box


def _scaled(box: Box, unit: str, width: float, height: float) -> Box:
    whole = 1000.0 if unit == "permille" else 1.0
    return box[0] / whole * width, box[1] / whole * height, box[2] / whole * width, box[3] / whole * height


def _cut(box: Box, given: Box, width: float, height: float) -> Box:
    x1, y1, x2, y2 = box
    if x2 < x1 or y2 < y1:
        raise BoxError("bad_box", f"the second corner is left of or above the first: {list(given)}")
    cut = (max(x1, 0.0), max(y1, 0.0), min(x2, width), min(y2, height))
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        raise BoxError("bad_box", f"the box has no area inside the {width:g} x {height:g} frame: {list(given)}")
    if x1 < -_FAR * width or y1 < -_FAR * height or x2 > (1 + _FAR) * width or y2 > (1 + _FAR) * height:
        raise BoxError(
            "bad_box",
            f"the box stands far out of the {width:g} x {height:g} frame: {list(given)}; is the convention right?",
        )
    return cut


def format_box(box: Box) -> str:
    """Canonical text of a canonical box."""
    return "[{:.2f},{:.2f},{:.2f},{:.2f}]".format(*box)


def canonical_box(value: object, convention: BoxConvention, size: Size | None = None) -> str:
    """`parse_box`, `to_padded_square` and `format_box` in one. Raises: BoxError."""
    return format_box(to_padded_square(parse_box(value), convention, size))


def iou(a: Box, b: Box) -> float:
    """Intersection over union in 0..1; 0 where both are empty."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inter = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter
    return min(inter / union, 1.0) if union > 0 else 0.0
