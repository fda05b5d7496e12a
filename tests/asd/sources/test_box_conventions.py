"""Boxes of other conventions: declared, and converted; or refused, with what they look like."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers.box_distractors import draw_boxes
from asd.makers.drafting import draft
from asd.makers.maker_context import MakerContext
from asd.records import Decline, Sample
from asd.schemas.boxes import misfit, read_box
from asd.schemas.styles import AnswerStyle
from asd.schemas.task import TaskSpec
from asd.sources.llava import batches
from asd.sources.llava_columns import read_block, read_block_by_record
from asd.sources.llava_record import make_record_rules
from asd.sources.record_blocks import Block
from asd.tasks.registry import load_task

ASKED = "<image>\nGive the bounding box of the region that this sentence describes: the man"


def make_spec(**fields: Any) -> TaskSpec:
    return load_task("grounding").model_copy(update=fields)


def record(box: str, number: int = 0, **fields: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": ASKED}, {"from": "gpt", "value": box}]
    return {"id": str(number), "image": "a.jpg", "conversations": turns} | fields


def read(tmp_path: Path, records: list[dict[str, Any]], **fields: Any) -> tuple[list[Any], list[Any]]:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(records))
    found = list(batches(path, path.name, make_spec(**fields), batch_rows=100))
    return [row for batch in found for row in batch.table.to_pylist()], [r for b in found for r in b.rejects]


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ("[0.5,0.6,0.2,0.3]", "are these x, y, width and height"),
        ("[0.5,0.2,0.2,0.6]", "left of or above"),
        ("[0.2,0.6,0.5,0.3]", "left of or above"),
        ("[0.10,0.20,0.10,0.20]", "no area"),
        ("[0.10,0.20,0.10,0.60]", "no area"),
        ("[0.10,0.20,0.50,0.20]", "no area"),
        ("[0,0,0,0]", "no area"),
        ("[100,200,500,600]", "in pixels, or in 0..1000"),
        ("[103.93, 299.99, 237.15, 476.41]", "in pixels, or in 0..1000"),
        ("[0,0,640,480]", "in pixels, or in 0..1000"),
        ("[0.1,0.2,0.5,1.6]", "does not lie in 0..1"),
        ("[-0.1,0.2,0.5,0.6]", "does not lie in 0..1"),
        ("[1,1,2,2]", "does not lie in 0..1"),
        ("[12,34,12,34]", "in pixels"),
        ("[0.1,0.2,0.5]", "expected \\[x1,y1,x2,y2\\]"),
        ("[0.1,0.2,0.5,nan]", "expected \\[x1,y1,x2,y2\\]"),
    ],
)
def test_a_box_that_cannot_be_is_a_reject(tmp_path: Path, box: str, why: str) -> None:
    rows, rejects = read(tmp_path, [record(box), record("[0.1,0.2,0.5,0.6]", 1)])
    assert [row["response"] for row in rows] == ["[0.1,0.2,0.5,0.6]"]
    assert [reject.reason for reject in rejects] == ["bad_box"]
    assert re.search(why, rejects[0].detail)


@pytest.mark.parametrize("box", ["[0,0,1,1]", "[0.1, 0.2, 0.5, 0.6]", "[0.00,0.999,1.0,1.00]", "[0.1,0.2,0.11,0.21]"])
def test_boxes_of_samples_keep_their_bytes(tmp_path: Path, box: str) -> None:
    rows, rejects = read(tmp_path, [record(box)])
    assert not rejects
    assert (rows[0]["response"], rows[0]["gold"]) == (box, box.replace(" ", ""))


@pytest.mark.parametrize(
    ("convention", "box", "size", "expected"),
    [
        ("xyxy_permille", "[100,200,500,600]", {}, "[0.10,0.20,0.50,0.60]"),
        ("xyxy_permille", "<box>(100,200),(500,600)</box>", {}, "[0.10,0.20,0.50,0.60]"),
        ("xywh_permille", "[100,200,400,400]", {}, "[0.10,0.20,0.50,0.60]"),
        ("yxyx_permille", "[200,100,600,500]", {}, "[0.10,0.20,0.50,0.60]"),
        ("xywh_unit", "[0.5,0.6,0.2,0.3]", {}, "[0.50,0.60,0.70,0.90]"),
        ("xyxy_unit", "[0.5,0,1,1]", {"width": 100, "height": 50}, "[0.50,0.25,1.00,0.75]"),
        ("xyxy_pixels", "[50,0,100,50]", {"width": 100, "height": 50}, "[0.50,0.25,1.00,0.75]"),
        ("xywh_pixels", "[50,0,50,50]", {"width": 100, "height": 50.0}, "[0.50,0.25,1.00,0.75]"),
        ("xyxy_pixels", "[50,0,100,50]", {}, None),
        ("xyxy_unit", "[0,0,500,600]", {}, None),
        ("xyxy_permille", "[500,600,200,300]", {}, None),
        ("xyxy_permille", "[0,0,1900,1000]", {}, None),
        ("xywh_pixels", "[50,0,500,50]", {"width": 100, "height": 50}, None),
    ],
)
def test_declared_conventions_become_the_one_of_samples(
    tmp_path: Path, convention: str, box: str, size: dict[str, float], expected: str | None
) -> None:
    rows, rejects = read(tmp_path, [record(box, **size)], boxes=convention)
    assert [(row["gold"], row["response"]) for row in rows] == ([(expected, expected)] if expected else [])
    assert [reject.reason for reject in rejects] == ([] if expected else ["bad_box"])


_numbers = st.one_of(st.floats(-0.5, 1.5).map(lambda value: f"{value:.2f}"), st.integers(-5, 1000).map(str))


@given(st.lists(st.lists(_numbers, min_size=3, max_size=5).map(", ".join), min_size=1, max_size=8))
def test_whole_blocks_are_read_as_single_records(texts: list[str]) -> None:
    rules = make_record_rules(make_spec(), "train.json")
    lines = [json.dumps(record(f"[{text}]", number)).encode() + b"\n" for number, text in enumerate(texts)]
    block = Block("lines", b"".join(lines), 0, len(lines))
    fast, slow = read_block(block, rules), read_block_by_record(block, rules)
    assert pa.Table.from_batches([fast[0]]) == pa.Table.from_batches([slow[0]])
    assert fast[1] == slow[1]
    assert all(misfit(read_box(gold) or (2, 2, 2, 2)) == "" for gold in fast[0]["gold"].to_pylist())


@pytest.mark.parametrize("other", ["[100.00,200.00,500.00,600.00]", "[0.9,0.9,0.1,0.1]", "[0.3,0.3,0.3,0.3]"])
def test_boxes_of_two_frames_never_stand_beside_each_other(other: str) -> None:
    for number in range(20):
        sample = Sample(
            str(number), "cup", "[0.10,0.10,0.30,0.30]", accepted=["[0.10,0.10,0.30,0.30]"], other_boxes=[other]
        )
        assert all(read_box(box) for box in draw_boxes(sample, 3, 0))
        assert other not in draw_boxes(sample, 3, 0)


@pytest.mark.parametrize("gold", ["[100,200,500,600]", "[0.5,0.6,0.2,0.3]", "[0.1,0.2,0.1,0.2]", "left of the car"])
def test_no_maker_takes_an_impossible_box(gold: str) -> None:
    spec = make_spec()
    sample = Sample("1", "the man", gold, accepted=[gold], full_answer="It is the man.")
    for style in spec.styles:
        if style is not AnswerStyle.DETAILED_EXPLANATION:
            assert draft(sample, style, MakerContext(spec, 0)) == Decline("bad_box", gold)
