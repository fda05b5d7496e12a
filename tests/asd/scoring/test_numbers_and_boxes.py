"""Boxes, relaxed numbers, edit distance, final numbers, captions and judges' verdicts, worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.errors import ScoreError, UnknownNameError
from asd.schemas.boxes import format_box
from asd.scoring import read_verdict, rule_names, score
from asd.scoring.anls import edit_distance
from asd.scoring.judge_verdict import read_verdict_legacy
from tests.asd.scoring.test_phrases import both

corner = st.integers(0, 40).map(lambda value: value / 100)


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("[0.10,0.10,0.50,0.50]", "[0.10,0.10,0.50,0.50]", (1, 1)),
        # the last sign is lost: 0.90 is read as 0.9 and 0.9 as 0
        ("[0.10,0.10,0.90,0.90]", "[0.10,0.10,0.90,0.90]", (1, 1)),
        ("[0.1,0.1,0.9,0.9]", "[0.1,0.1,0.9,0.9]", (0, 1)),
        # 0.56 is read as 0.5: 0.4 of 0.46 is left of the height
        ("[0.10,0.10,0.50,0.56]", "[0.10,0.10,0.50,0.56]", (1, 1)),
        # 0.19 is read as 0.1: nothing is left
        ("[0.10,0.10,0.50,0.19]", "[0.10,0.10,0.50,0.19]", (0, 1)),
        # x1 = 1.0 is read as .0
        ("[1.0,0.10,1.40,0.50]", "[1.0,0.10,1.40,0.50]", (0, 1)),
        # half the box is not more than half
        ("[0.00,0.00,0.50,1.00]", "[0.00,0.00,1.00,1.00]", (0, 0)),
        ("[0.00,0.00,0.51,1.00]", "[0.00,0.00,1.00,1.00]", (1, 1)),
        ("It is at [0.10,0.10,0.50,0.50].", "[0.10,0.10,0.50,0.50]", (0, 1)),
        ("[0.1,0.1,0.5,0.5] or [0.2,0.2,0.5,0.5]", "[0.1,0.1,0.5,0.5]", (0, 0)),
        ("Teapot", "[0.10,0.10,0.50,0.50]", (0, 0)),
        ("", "[0.10,0.10,0.50,0.50]", (0, 0)),
    ],
)
def test_iou(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("iou", prediction, gold) == expected


def test_borderline_boxes_depend_on_the_scale_as_released() -> None:
    """Half of the gold box in exact numbers; rounding decides, and the script multiplies by the image's side."""
    prediction, gold = "[0.54,0.62,0.72,0.87]", "[0.60,0.60,0.72,0.87]"
    assert {score("iou:legacy", prediction, gold, side=side) for side in (1.0, 640.0)} == {0.0, 1.0}


@given(corner, corner, st.integers(5, 60), st.integers(5, 60))
def test_a_box_fits_itself(x: float, y: float, width: int, height: int) -> None:
    box = format_box((x, y, x + width / 100, y + height / 100))
    assert score("iou", box, box) == 1.0


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("105", "100", (1, 1)),
        ("106", "100", (0, 0)),
        ("95", "100", (1, 1)),
        ("45%", "45", (0, 1)),  # a percent sign divides by 100 for one of them
        ("45%", "45%", (1, 1)),
        ("1,200", "1200", (0, 1)),
        ("$3.50", "3.5", (0, 1)),
        ("0", "0", (1, 1)),
        ("0.0", "0", (0, 1)),  # zero wants equal text
        ("Yes.", "yes", (0, 1)),
        ("nan", "nan", (1, 1)),
        ("", "4", (0, 0)),
    ],
)
def test_relaxed_number(prediction: str, gold: str, expected: tuple[float, float]) -> None:
    assert both("relaxed_number", prediction, gold) == expected


def test_anls_by_hand() -> None:
    assert both("anls", "Hello", "hello") == (1.0, 1.0)
    assert both("anls", "helo", "hello") == (0.8, 0.8)  # one of five signs
    assert both("anls", "he", "hello") == (0.0, 0.0)  # 0.4 is below one half
    assert score("anls", "12 May", "May 12", ["12 may", "5/12"]) == 1.0
    old, new = both("anls", "12  May", "12 May")
    assert (old, new) == (pytest.approx(6 / 7), 1.0)
    assert both("anls", "", "") == (1.0, 0.0)  # an empty answer is none


@given(st.text("ab", max_size=8), st.text("ab", max_size=8))
def test_edit_distance_is_a_distance(left: str, right: str) -> None:
    distance = edit_distance(left, right)
    assert distance == edit_distance(right, left)
    assert abs(len(left) - len(right)) <= distance <= max(len(left), len(right))
    assert (distance == 0) == (left == right)


def test_final_number() -> None:
    assert both("final_number", "so 3 + 4 = 7 #### 7", "work #### 7") == (1.0, 1.0)
    assert both("final_number", "The answer is 1,007.", "#### 1007") == (0.0, 1.0)
    assert both("final_number", "#### 7.0", "#### 7") == (0.0, 1.0)
    assert both("final_number", "seven", "#### 7") == (0.0, 0.0)


def test_rouge_l_by_hand() -> None:
    # common: a man walks; precision 3/3, recall 3/4; F = 2.44 * 1 * .75 / (.75 + 1.44 * 1)
    value = 2.44 * 0.75 / (0.75 + 1.44)
    assert score("caption", "a man walks", "a man slowly walks") == pytest.approx(value)
    assert both("caption", "A man walks.", "a man walks") == (pytest.approx(2 / 3), 1.0)  # the full stop sticks
    assert score("caption", "", "a man") == 0.0


@pytest.mark.parametrize(
    ("reply", "released", "read"),
    [
        ("8", 8.0, 8.0),
        ("7.5", 7.5, 7.5),
        ("Score: 10", 1.0, 10.0),
        ("Score: 8/10", 0.0, 8.0),
        ("8/10", 8.0, 8.0),
        ("6 out of 10", 6.0, 6.0),
        ("-3", -3.0, None),
        ("11", 0.0, None),
        ("I cannot say", 0.0, None),
        ("between 3 and 5", 3.0, None),
        ("3-5", 3.0, None),
    ],
)
def test_verdicts(reply: str, released: float, read: float | None) -> None:
    assert (read_verdict_legacy(reply), read_verdict(reply)) == (released, read)


def test_open_text_has_no_rule() -> None:
    with pytest.raises(
        ScoreError, match="open text, which no rule can score: have a language model rate them with `asd judge`"
    ):
        score("judge", "a poem", "another poem")


def test_names() -> None:
    assert {"letter", "label", "iou", "vqa_soft"} <= set(rule_names())
    with pytest.raises(UnknownNameError, match="no scoring rule named 'leter'; did you mean 'letter'"):
        score("leter", "A", "A")
    with pytest.raises(UnknownNameError, match="no form of a scoring rule named 'old'"):
        score("letter:old", "A", "A")
