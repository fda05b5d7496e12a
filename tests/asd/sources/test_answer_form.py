"""Rows whose answers are none in their style are told apart, each different answer looked at once."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import asd
from asd.schemas.answers import problem_of
from asd.schemas.styles import AnswerStyle
from asd.sources.answer_form import malformed

RESPONSES = st.sampled_from(
    ["Yes", "no", "B", "F", "a lamp", "a\nb", " ", "", "[0.1,0.2,0.3,0.4]", "[0.1,0.2,0.3,0.2]"]
)


@given(st.sampled_from(list(AnswerStyle)), st.lists(st.tuples(RESPONSES, st.integers(0, 6)), max_size=20))
def test_the_quick_way_says_what_the_models_say_of_each_row(style: AnswerStyle, rows: list[tuple[str, int]]) -> None:
    options = [["w", "x", "y", "z", "u", "v"][:count] for _, count in rows]
    responses = [response for response, _ in rows]
    expected = [problem_of(style, response, own) for response, own in zip(responses, options, strict=True)]
    found = malformed(style, pa.array(responses, pa.string()), pa.array(options, pa.list_(pa.string())))
    assert found == {place: why for place, why in enumerate(expected) if why is not None}


def test_a_malformed_answer_is_a_reject(tmp_path: Path) -> None:
    boxes = [[100, 200, 500, 600], [240, 421, 270, 424]]  # the second has no height once it is written
    records = [
        {
            "annotation_id": f"r{number}", "dataset": "refcoco_val", "image": "one.jpg", "normal_caption": "the cup",
            "problem": "Find it: the cup.", "solution": box, "width": 1000, "height": 1000,
        }
        for number, box in enumerate(boxes * 3)
    ]  # fmt: skip
    source = tmp_path / "refcocos_few.json"
    source.write_text(json.dumps(records))
    done = asd.convert(task="grounding", source=str(source), out=str(tmp_path / "out"), ratio=0, max_reject_rate=1)
    assert [row["gold"] for row in asd.load(done.path)] == ["[0.10,0.20,0.50,0.60]"] * 3
    rejects = [json.loads(line) for line in next(tmp_path.rglob("rejects.jsonl")).read_text().splitlines()]
    assert [(one["source_id"], one["reason"]) for one in rejects] == [
        (f"r{n}-{n}", "malformed_answer") for n in (1, 3, 5)
    ]
    assert "'[0.24,0.42,0.27,0.42]' is no bounding_box" in rejects[0]["detail"]
    with pytest.raises(asd.AsdError, match=r"refcocos_few\.json, row 1, id r1-1: malformed_answer"):
        asd.convert(task="grounding", source=str(source), out=str(tmp_path / "strict"), strict=True)
