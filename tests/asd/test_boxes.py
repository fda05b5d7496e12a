"""Boxes: conventions in, one canonical text out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.schemas.boxes import BoxError, canonical_box, format_box, iou, parse_box, to_padded_square

_unit = st.floats(0, 1, allow_nan=False)


@st.composite
def framed_boxes(draw: st.DrawFn) -> tuple[tuple[float, float, float, float], tuple[float, float]]:
    """A box in pixels with an area, and the frame that it lies in."""
    width, height = draw(st.integers(8, 3000)), draw(st.integers(8, 3000))
    x1, y1 = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
    x2, y2 = draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height))
    return (float(x1), float(y1), float(x2), float(y2)), (float(width), float(height))


@pytest.mark.parametrize(
    ("value", "convention", "size", "text"),
    [
        ([50, 0, 100, 50], "xyxy_pixels", (100, 50), "[0.50,0.25,1.00,0.75]"),
        ([50, 0, 50, 50], "xywh_pixels", (100, 50), "[0.50,0.25,1.00,0.75]"),
        ([0.5, 0, 1, 1], "xyxy_unit", (100, 50), "[0.50,0.25,1.00,0.75]"),
        ([500, 0, 1000, 1000], "xyxy_permille", (100, 50), "[0.50,0.25,1.00,0.75]"),
        ("[0.50,0.25,1.00,0.75]", "xyxy_square", None, "[0.50,0.25,1.00,0.75]"),
        ("(500, 0, 1000, 1000).", "xyxy_permille", None, "[0.50,0.00,1.00,1.00]"),
        ([-5, -5, 50, 60], "xyxy_pixels", (100, 50), "[0.00,0.25,0.50,0.75]"),
    ],
)
def test_conventions_give_the_same_text(value, convention, size, text):
    assert canonical_box(value, convention, size) == text


@pytest.mark.parametrize(
    ("value", "reason", "message"),
    [
        (None, "no_box", "null or empty"),
        ([], "no_box", "null or empty"),
        ([1, 2, 3], "bad_box", "expected four numbers, got '\\[1, 2, 3\\]'"),
        ("left of the car", "bad_box", "expected four numbers"),
        ([1, 2, 3, "x"], "bad_box", "expected four numbers"),
        ([0, 0, float("nan"), 1], "bad_box", "not finite"),
        ([9, 9, 1, 1], "bad_box", "left of or above"),
        ([200, 0, 300, 10], "bad_box", "no area inside the 100 x 50 frame"),
    ],
)
def test_no_box_says_why(value, reason, message):
    with pytest.raises(BoxError, match=message) as caught:
        canonical_box(value, "xyxy_pixels", (100, 50))
    assert caught.value.reason == reason


def test_pixels_without_a_size_are_refused():
    with pytest.raises(BoxError, match="needs the width and height"):
        to_padded_square((1, 2, 3, 4), "xyxy_pixels")
    with pytest.raises(BoxError, match="image size is 0"):
        to_padded_square((1, 2, 3, 4), "xyxy_pixels", (0, 5))


@given(framed_boxes())
def test_padding_keeps_shape_and_stays_inside(case):
    box, size = case
    square = to_padded_square(box, "xyxy_pixels", size)
    side = max(size)
    assert all(-1e-9 <= v <= 1 + 1e-9 for v in square)
    assert square[2] - square[0] == pytest.approx((box[2] - box[0]) / side)
    assert square[3] - square[1] == pytest.approx((box[3] - box[1]) / side)
    unit = (box[0] / size[0], box[1] / size[1], box[2] / size[0], box[3] / size[1])
    assert to_padded_square(unit, "xyxy_unit", size) == pytest.approx(square, abs=1e-9)


@given(framed_boxes())
def test_canonical_text_reads_back(case):
    text = canonical_box(list(case[0]), "xyxy_pixels", case[1])
    assert format_box(parse_box(text)) == text
    assert " " not in text


@given(st.tuples(_unit, _unit, _unit, _unit), st.tuples(_unit, _unit, _unit, _unit))
def test_iou_is_symmetric_and_bounded(a, b):
    a, b = ((min(x[0], x[2]), min(x[1], x[3]), max(x[0], x[2]), max(x[1], x[3])) for x in (a, b))
    assert iou(a, b) == pytest.approx(iou(b, a))
    assert 0 <= iou(a, b) <= 1


def test_iou_by_hand():
    assert iou((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert iou((0, 0, 1, 1), (0, 0, 1, 1)) == 1.0
    assert iou((0, 0, 1, 1), (2, 2, 3, 3)) == 0.0
