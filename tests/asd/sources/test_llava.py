"""The LLaVA/CoIN layout: what each record becomes, what is refused, that speed changes nothing."""

from __future__ import annotations

import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.columns import NATIVE_SCHEMA
from asd.errors import SourceError
from asd.records import Reject
from asd.schemas.task import TaskSpec
from asd.sources.image_text import relative_path
from asd.sources.llava import batches, looks_like
from asd.sources.llava_columns import parse_block, read_block, read_block_by_record, read_table
from asd.sources.llava_record import make_record_rules, option_index, split_of
from asd.sources.record_blocks import Block, element_ends, iterate_blocks

WORD = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."
BOX = "Give the bounding box of the region that this sentence describes"


def make_spec(style: str = "short_answer", family: str = "vqa", **fields: Any) -> TaskSpec:
    given: dict[str, Any] = {
        "name": "toy",
        "title": "Toy",
        "scorer": "exact",
        "licence": "-",
        "citation": "-",
    }
    return TaskSpec.model_validate(given | {"native_style": style, "family": family} | fields)


def make_record(*turns: str, **fields: Any) -> dict[str, Any]:
    roles = ("human", "gpt")
    conversation = [{"from": roles[i % 2], "value": text} for i, text in enumerate(turns)]
    return {"id": "7", "image": "a/7.jpg", "conversations": conversation} | fields


def write(path: Path, records: list[Any], form: str = "array") -> Path:
    if form == "lines":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    else:
        path.write_text(json.dumps(records, indent=2 if form == "pretty" else None))
    return path


def read(path: Path, spec: TaskSpec | None = None, **options: Any) -> tuple[list[dict[str, Any]], list[Reject]]:
    found = list(batches(path, path.name, spec or make_spec(), batch_rows=options.pop("batch_rows", 1000), **options))
    for batch in found:
        assert batch.table.schema == NATIVE_SCHEMA
        batch.table.validate(full=True)
    return [row for batch in found for row in batch.table.to_pylist()], [r for batch in found for r in batch.rejects]


def read_one(tmp_path: Path, record: dict[str, Any], spec: TaskSpec | None = None) -> dict[str, Any]:
    rows, rejects = read(write(tmp_path / "train.json", [record]), spec)
    assert rejects == []
    assert len(rows) == 1
    return rows[0]


def reject_of(tmp_path: Path, record: Any, spec: TaskSpec | None = None) -> Reject:
    rows, rejects = read(write(tmp_path / "train.json", [record]), spec)
    assert rows == []
    assert len(rejects) == 1
    return rejects[0]


def test_single_turn(tmp_path: Path) -> None:
    row = read_one(tmp_path, make_record(f"<image>\nWhat is red?\n{WORD}", "the car"))
    assert row == {
        "source_id": "7",
        "split": "train",
        "images": ["a/7.jpg"],
        "question": "What is red?",
        "context": "",
        "options": [],
        "answer_index": None,
        "gold": "the car",
        "accepted": ["the car"],
        "response": "the car",
        "rfp": WORD,
        "rationales": [],
        "full_answer": None,
        "solution": None,
        "ocr_tokens": [],
        "other_boxes": [],
        "answer_type": None,
        "group": "7",
        "turn": 0,
        "source_file": "train.json",
        "source_row": 0,
        "passthrough": None,
        "asked": None,
        "region_names": [],
        "region_boxes": [],
    }


@pytest.mark.parametrize("form", ["array", "pretty", "lines"])
def test_multi_turn(tmp_path: Path, form: str) -> None:
    record = make_record(f"<image>\nIs it red?\n{WORD}", "Yes.", f"What is it?\n{WORD}", "a car", id=12)
    rows, rejects = read(write(tmp_path / "train.json", [record, make_record("q?", "no", id=13)], form))
    assert rejects == []
    assert [(row["source_id"], row["group"], row["turn"], row["source_row"]) for row in rows] == [
        ("12#0", "12", 0, 0),
        ("12#1", "12", 1, 0),
        ("13", "13", 0, 1),
    ]
    assert [(row["question"], row["gold"], row["response"]) for row in rows] == [
        ("Is it red?", "yes", "Yes."),
        ("What is it?", "a car", "a car"),
        ("q?", "no", "no"),
    ]
    assert [row["images"] for row in rows] == [["a/7.jpg"]] * 3


def test_role_and_content_spelling_and_several_images(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "<image>\n<image>\nSame?"}, {"role": "assistant", "content": "No"}]
    row = read_one(tmp_path, {"question_id": 3, "images": ["a.jpg", "./b.jpg"], "conversations": turns})
    assert (row["source_id"], row["images"], row["question"]) == ("3", ["a.jpg", "b.jpg"], "Same?")
    assert (row["gold"], row["response"]) == ("no", "No")


def test_text_only_and_missing_id(tmp_path: Path) -> None:
    record = make_record("Is it?", "yes")
    del record["id"], record["image"]
    row = read_one(tmp_path, record)
    assert (row["source_id"], row["images"]) == ("train.json:0", [])


def test_multiple_choice(tmp_path: Path) -> None:
    prompt = f"<image>\nContext: A hint.\nWhich one?\nA. a cat\nB. a dog\n{LETTER}"
    row = read_one(tmp_path, make_record(prompt, "B"), make_spec("multiple_choice", "science"))
    assert row["question"] == "Which one?"
    assert row["context"] == "A hint."
    assert row["options"] == ["a cat", "a dog"]
    assert (row["answer_index"], row["gold"], row["response"], row["rfp"]) == (1, "a dog", "B", LETTER)


@pytest.mark.parametrize(
    ("response", "index"),
    [
        ("B", 1),
        ("(b)", 1),
        ("B.", 1),
        ("a dog", 1),
        ("A Dog", 1),
        ("B. a dog", 1),
        ("B. a cat", None),
        ("C", None),
    ],
)
def test_option_index(response: str, index: int | None) -> None:
    assert option_index(response, ["a cat", "a dog"]) == index


def test_option_lines_stay_where_the_answer_is_none_of_them(tmp_path: Path) -> None:
    row = read_one(tmp_path, make_record("Which?\nA. x\nB. y", "neither"))
    assert (row["question"], row["options"], row["gold"]) == ("Which?\nA. x\nB. y", [], "neither")


def test_class_name_loses_its_full_stop(tmp_path: Path) -> None:
    row = read_one(
        tmp_path, make_record(f"<image>\nWhat is it?\n{WORD}", "Teapot."), make_spec(family="classification")
    )
    assert (row["gold"], row["response"]) == ("Teapot", "Teapot.")


def test_explanation_keeps_its_full_stop(tmp_path: Path) -> None:
    row = read_one(tmp_path, make_record("Why?", "It is red."), make_spec("brief_explanation", "classification"))
    assert row["gold"] == "It is red."


def test_flat_test_form(tmp_path: Path) -> None:
    flat = {"question_id": 5, "image": "./b.jpg", "text": f"Is it?\n{WORD}", "answer": "no"}
    rows, rejects = read(write(tmp_path / "test.json", [flat, {"question_id": 6, "image": "b.jpg", "text": "Who?"}]))
    assert (rows[0]["split"], rows[0]["source_id"], rows[0]["images"]) == ("test", "5", ["b.jpg"])
    assert (rows[0]["question"], rows[0]["gold"]) == ("Is it?", "no")
    assert [(reject.row, reject.source_id, reject.reason) for reject in rejects] == [(1, "6", "no_answer")]


def test_grounding(tmp_path: Path) -> None:
    turns = (
        f"<image>\n{BOX}: left bowl",
        "[0.10,0.21,0.45,0.67]",
        f"{BOX}: bowl on the left",
        "[0.10,0.21,0.45,0.67]",
        f"{BOX}: cup",
        "[0.5, 0.5, 0.6, 0.6]",
    )
    rows, _ = read(write(tmp_path / "train.json", [make_record(*turns)]), make_spec("bounding_box", "grounding"))
    assert [(row["question"], row["rfp"], row["gold"]) for row in rows] == [
        ("left bowl", BOX, "[0.10,0.21,0.45,0.67]"),
        ("bowl on the left", BOX, "[0.10,0.21,0.45,0.67]"),
        ("cup", BOX, "[0.5,0.5,0.6,0.6]"),
    ]
    other = [["[0.5,0.5,0.6,0.6]"], ["[0.5,0.5,0.6,0.6]"], ["[0.10,0.21,0.45,0.67]"]]
    assert [row["other_boxes"] for row in rows] == other
    assert [row["response"] for row in rows][2] == "[0.5, 0.5, 0.6, 0.6]"


def test_extra_keys(tmp_path: Path) -> None:
    extra = {
        "solution": "Because.",
        "rationales": ["So."],
        "full_answer": "It is a cat.",
        "ocr_tokens": ["NOVA"],
        "answers": ["cat", "kitten", "cat"],
        "accepted": ["tom"],
        "answer_type": "other",
    }
    row = read_one(tmp_path, make_record("What?", "cat", **extra))
    assert row["accepted"] == ["cat", "tom", "kitten"]
    for key in ("solution", "rationales", "full_answer", "ocr_tokens", "answer_type"):
        assert row[key] == extra[key]


def test_system_prompt_becomes_context(tmp_path: Path) -> None:
    assert read_one(tmp_path, make_record("What?", "cat", system="Speak plainly."))["context"] == "Speak plainly."


def test_tool_calls_pass_through(tmp_path: Path) -> None:
    turns = [
        ("human", "Add 1 and 2."),
        ("function_call", '{"name": "add"}'),
        ("observation", "3"),
        ("gpt", "It is 3."),
    ]
    record = {"conversations": [{"from": role, "value": text} for role, text in turns], "tools": "[]"}
    row = read_one(tmp_path, record)
    assert (row["question"], row["gold"], row["response"]) == ("Add 1 and 2.", "It is 3.", "It is 3.")
    assert json.loads(row["passthrough"]) == [
        {"role": "tools", "content": "[]"},
        {"role": "user", "content": "Add 1 and 2."},
        {"role": "function_call", "content": '{"name": "add"}'},
        {"role": "observation", "content": "3"},
        {"role": "assistant", "content": "It is 3."},
    ]


def test_free_form_passes_through_as_one_row(tmp_path: Path) -> None:
    row = read_one(tmp_path, make_record("Hi", "Hello", "And?", "Bye"), make_spec("free_form", "text"))
    assert (row["source_id"], row["question"], row["gold"]) == ("7", "Hi", "Bye")
    assert len(json.loads(row["passthrough"])) == 4


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        (make_record("What?", ""), "no_answer", "What"),
        (make_record("What?"), "no_answer", "What"),
        (make_record("<image>\n", "cat"), "empty_question", "nothing is asked"),
        (make_record("<image>\n<image>\nSame?", "no"), "image_count", "2 <image> marks for 1 images"),
        (make_record("<image>\nWhat?", "no", image=None), "image_count", "1 <image> marks for 0 images"),
        (make_record("What?", "no", image="/etc/x.jpg"), "image_outside_root", "/etc/x.jpg"),
        (make_record("What?", "no", image="../x.jpg"), "image_outside_root", r"\.\./x"),
        (make_record("What?", "no", image=5), "bad_image", "found '5'"),
        (make_record("What?", "no", id=1.5), "bad_id", "1.5"),
        (make_record(), "no_turns", "at least one"),
        ({"id": "1", "image": "a.jpg"}, "no_turns", "found neither"),
        (make_record("What?", "no", conversations=[{"from": "human", "value": 3}]), "bad_turn", "turn 0"),
        ([1], "not_an_object", r"\[1\]"),
    ],
)
def test_rejects(tmp_path: Path, record: Any, reason: str, detail: str) -> None:
    reject = reject_of(tmp_path, record)
    assert (reject.file, reject.row, reject.reason) == ("train.json", 0, reason)
    assert re.search(detail, reject.detail), reject.detail


@pytest.mark.parametrize(
    ("style", "turns", "reason"),
    [
        ("multiple_choice", ("Which?\nA. x\nB. y", "C"), "answer_not_an_option"),
        ("multiple_choice", ("Which?", "C"), "no_options"),
        ("bounding_box", ("cup", "top left"), "bad_box"),
        ("yes_no", ("Is it?", "perhaps"), "answer_not_yes_no"),
    ],
)
def test_rejects_of_a_style(tmp_path: Path, style: str, turns: tuple[str, str], reason: str) -> None:
    assert reject_of(tmp_path, make_record(*turns), make_spec(style)).reason == reason


def test_a_bad_turn_leaves_the_others(tmp_path: Path) -> None:
    rows, rejects = read(write(tmp_path / "train.json", [make_record("a?", "x", "b?", "")]))
    assert [row["source_id"] for row in rows] == ["7#0"]
    assert [(reject.source_id, reject.reason) for reject in rejects] == [("7#1", "no_answer")]


def test_bad_line_is_named_by_its_number(tmp_path: Path) -> None:
    lines = [json.dumps(make_record("a?", "x")), "", '{"id": 3', json.dumps(make_record("b?", "y"))]
    (tmp_path / "train.jsonl").write_text("\n".join(lines))
    rows, rejects = read(tmp_path / "train.jsonl")
    assert [row["source_row"] for row in rows] == [0, 3]
    assert [(reject.row, reject.reason) for reject in rejects] == [(2, "bad_json")]
    assert "line 3 is not valid JSON" in rejects[0].detail


def test_bad_element_of_an_array_is_refused_alone(tmp_path: Path) -> None:
    good = json.dumps(make_record("a?", "x"))
    (tmp_path / "train.json").write_text(f'[{good}, {{"id": nul}}, 5, {good}]')
    rows, rejects = read(tmp_path / "train.json")
    assert [row["source_row"] for row in rows] == [0, 3]
    assert [(reject.row, reject.reason) for reject in rejects] == [(1, "bad_json"), (2, "not_an_object")]


@pytest.mark.parametrize(("cut", "record"), [(-1, 30), (-3, 29), (-120, 28)])
@pytest.mark.parametrize("zipped", [False, True])
def test_truncated_array_is_refused(tmp_path: Path, cut: int, record: int, zipped: bool) -> None:
    text = json.dumps([make_record("a?", "x", id=str(i)) for i in range(30)])[:cut].encode()
    path = tmp_path / "train.json"
    path.write_bytes(gzip.compress(text) if zipped else text)
    with pytest.raises(SourceError, match=rf"train.json: .* at byte {len(text)} in the middle of record {record} "):
        next(batches(path, "train.json", make_spec(), batch_rows=5, block_bytes=256))


def test_text_after_the_array_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(json.dumps([make_record("a?", "x")]) + " []")
    with pytest.raises(SourceError, match=r"something follows the end of the JSON array .*'\[\]'"):
        read(tmp_path / "train.json")


def test_missing_comma_between_blocks_is_refused() -> None:
    with pytest.raises(SourceError, match=r"x: expected ',' after record 0 at byte \d+"):
        list(iterate_blocks(io.BytesIO(b'[{"a": 1}' + b" " * 20000 + b'{"a": 2}]'), "array", "x", 12))


def test_an_object_that_holds_no_record_is_a_reject(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text('{\n "a": {}\n}')
    rows, rejects = read(tmp_path / "train.json")
    assert (rows, [reject.reason for reject in rejects]) == ([], ["no_turns"])


def test_other_formats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a\nb\n")
    with pytest.raises(SourceError, match="with conversations, found text"):
        read(tmp_path / "x.txt")


def test_empty_array_gives_one_empty_batch(tmp_path: Path) -> None:
    found = list(batches(write(tmp_path / "train.json", []), "train.json", make_spec(), batch_rows=5))
    assert [len(batch.table) for batch in found] == [0]


def test_one_object_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(json.dumps(make_record("a?", "x")) + "\n")
    assert len(read(tmp_path / "train.json")[0]) == 1


@pytest.mark.parametrize("form", ["array", "pretty", "lines"])
@pytest.mark.parametrize("zipped", [False, True])
def test_batches_do_not_depend_on_blocks(tmp_path: Path, form: str, zipped: bool) -> None:
    records: list[Any] = [make_record(f"<image>\nq {i}?\n{WORD}", f"a{i}", id=i) for i in range(40)]
    records[7] = make_record("q?", "", id="x")
    records[20] = make_record(*(f"t{i}" for i in range(8)), id="m")
    path = write(tmp_path / "train.json", records, form)
    if zipped:
        path.write_bytes(gzip.compress(path.read_bytes()))
    expected = list(batches(path, "t", make_spec(), batch_rows=7))
    assert [len(batch.table) for batch in expected] == [7, 7, 7, 7, 7, 7]
    assert [len(batch.rejects) for batch in expected] == [0, 1, 0, 0, 0, 0]
    for block_bytes in (64, 300, 1000):
        found = list(batches(path, "t", make_spec(), batch_rows=7, block_bytes=block_bytes))
        assert [batch.table for batch in found] == [batch.table for batch in expected]
        assert [batch.rejects for batch in found] == [batch.rejects for batch in expected]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_tables(tmp_path: Path, kind: str) -> None:
    records = [make_record(f"<image>\nq?\n{WORD}", "a", id=1), make_record("b?", "Yes", "c?", "d", id=2)]
    path = tmp_path / f"train.{kind}"
    table = pa.Table.from_pylist(records)
    if kind == "parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    assert read(path)[0] == [
        row | {"source_file": path.name} for row in read(write(tmp_path / "train.json", records))[0]
    ]


def test_damaged_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no table")
    with pytest.raises(SourceError, match=r"t.parquet: cannot be read as parquet after row 0"):
        read(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (make_record("q", "a"), True),
        ({"conversations": [{"role": "user", "content": "q"}]}, True),
        ({"question_id": 1, "image": "x", "text": "q", "answer": "a"}, True),
        ({"question_id": 1, "image": "x", "text": "q", "answer_bbox": "[0,0,1,1]", "size": [1, 1]}, True),
        ({"question_id": 1, "image": "x", "text": "q", "category": "default"}, True),
        ({"question_id": 1, "image": "x", "text": "q", "label": "yes"}, False),
        ({"question": "q", "answer": "a"}, False),
        ({"conversations": "q"}, False),
    ],
)
def test_looks_like(record: dict[str, Any], expected: bool) -> None:
    assert looks_like(record) is expected


@pytest.mark.parametrize(
    ("file", "split"),
    [
        ("train.json", "train"),
        ("a/llava_test_CQM-A.json", "test"),
        ("val/0.json", "val"),
        ("latest/x.json", "train"),
    ],
)
def test_split_of(file: str, split: str) -> None:
    assert split_of(file) == split


def test_image_paths_are_normalised() -> None:
    assert relative_path("./a//b/../c.jpg") == "a/c.jpg"


# ---- the fast path against the definition ----

texts = st.one_of(
    st.sampled_from(
        [
            f"<image>\nWhat is it?\n{WORD}",
            "Is it red?",
            "",
            " ",
            "Yes",
            "no.",
            "cat.",
            "[0.1,0.2,0.3,0.4]",
            "[1, 2, 3, 4]",
            f"Which?\nA. x\nB. y\n{LETTER}",
            "Context: c\nq?",
            f"{BOX}: the cup",
            'quote " and \\ and {[',
            "é\u2028日",
            "\x00",
            "What? Answer in one word.",
            "<image>",
            "A",
        ]
    ),
    st.text(max_size=12),
)
paths = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "a/b.jpg",
            "./a.jpg",
            "../a.jpg",
            "/a.jpg",
            "",
            ".",
            "a/../b",
            "././c",
            "C:/x",
            ".h.jpg",
            "a//b",
            "b/",
        ]
    ),
    st.lists(st.sampled_from(["a.jpg", "b.jpg"]), max_size=2),
)
roles = st.sampled_from(
    [("human", "gpt")] * 12 + [("user", "assistant"), ("human", "tool"), ("gpt", "human"), ("system", "gpt")]
)
ids = st.one_of(st.integers(-5, 10**12), st.sampled_from(["a", "b", ""]), st.none())


@st.composite
def records(draw: st.DrawFn) -> Any:
    plain = draw(st.integers(0, 9)) > 0
    if not plain:
        return draw(
            st.sampled_from(
                [
                    3,
                    "x",
                    [],
                    {},
                    {"id": 1},
                    {"question_id": 4, "text": "q?", "answer": "a"},
                    {"id": "n", "conversations": None},
                    {"id": "n", "conversations": [None, None]},
                    {"id": "n", "conversations": []},
                    {"id": True, "text": "q", "answer": 3},
                ]
            )
        )
    asks, answers = draw(roles)
    conversation = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        conversation.append({"from": asks, "value": draw(texts)})
        conversation.append({"from": answers, "value": draw(texts)})
    if draw(st.integers(0, 9)) == 0:
        conversation.pop()
    record: dict[str, Any] = {"id": draw(ids), "image": draw(paths), "conversations": conversation}
    for key, values in (
        ("solution", texts),
        ("tools", texts),
        ("unknown", st.integers()),
        ("answers", st.lists(texts, max_size=2)),
    ):
        if draw(st.integers(0, 19)) == 0:
            record[key] = draw(values)
    if draw(st.integers(0, 9)) == 0:
        record["question_id"] = draw(ids)
        del record[draw(st.sampled_from(["id", "image"]))]
    return record


STYLES = ("short_answer", "yes_no", "multiple_choice", "bounding_box", "brief_explanation", "free_form")


@settings(max_examples=400, deadline=None)
@given(
    st.lists(records(), min_size=1, max_size=6),
    st.sampled_from(STYLES),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_fast_path_gives_the_same_rows(found: list[Any], style: str, is_lines: bool, indent: int | None) -> None:
    rules = make_record_rules(make_spec(style, "classification", rfps={"x": ["Is it red?"]}), "f.json")
    if is_lines:
        block = Block("lines", "".join(json.dumps(r) + "\n" for r in found).encode(), 3, len(found))
    else:
        data = json.dumps(found, indent=indent).strip()[1:-1].strip().encode()
        block = Block("array", data, 3, sum(isinstance(r, dict | list) for r in found))
    table, rejects = read_block(block, rules)
    expected, expected_rejects = read_block_by_record(block, rules)
    assert table.to_pylist() == expected.to_pylist()
    assert table.equals(expected)
    assert rejects == expected_rejects
    table.validate(full=True)


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": "\xff", "image": "a", "conversations": []}',
        b'{"id": "1", "id": "2", "text": "q", "answer": "a"}',
        b'{"id": "\\ud800", "text": "q", "answer": "a"}',
        b'{"id": "\\ud83d\\ude00", "text": "q", "answer": "a"}',
        b'{"id": 123456789012345678901, "text": "q", "answer": "a"}',
        b'{"id": "1", "text": "q", "answer": "a"} {"id": "2", "text": "q", "answer": "a"}',
        b'{"id": "2020-01-01", "text": "q", "answer": "a"}',
        b'{"id": 01, "text": "q", "answer": "a"}',
        b'{"id": "1", "text": "tab\there", "answer": "a"}',
        b'{"id": "1", "text": "q", "answer": "a"}\r',
        b'{"id": "1", "text": "q", "answer": NaN}',
        b"",
        b"null",
    ],
)
def test_odd_json_gives_the_same_rows(line: bytes) -> None:
    rules = make_record_rules(make_spec(), "f.json")
    good = json.dumps(make_record("q?", "a")).encode()
    for text in (b"%b\n%b\n" % (good, line), b"%b\n%b\n" % (line, good)):
        block = Block("lines", text, 0, 2)
        found, expected = read_block(block, rules), read_block_by_record(block, rules)
        assert found == expected
        found[0].validate(full=True)


def test_plain_blocks_do_take_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard for speed: no record of a plain block may reach the reader of single records."""
    records = [make_record(f"<image>\nq?\n{WORD}", "a", f"r?\n{WORD}", "b", id=i, other=[{"k": 1.5}]) for i in range(3)]
    block = Block("array", json.dumps(records)[1:-1].encode(), 0, 3)
    monkeypatch.setattr("asd.sources.llava_columns.read_record", None)
    table, rejects = read_table(parse_block(block), 0, make_record_rules(make_spec(), "f.json"), lambda odd: [])
    assert (len(table), rejects) == (6, [])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(st.dictionaries(st.text(max_size=3), st.text(max_size=6)), st.lists(st.text(max_size=6))),
        max_size=5,
    )
)
def test_element_ends_are_exact(elements: list[Any]) -> None:
    texts = [json.dumps(element, ensure_ascii=False) for element in elements]
    data = ", ".join(texts).encode() + b"]"
    lengths = np.cumsum([len(text.encode()) + 2 for text in texts]) - 2
    ends, close = element_ends(data)
    assert ends.tolist() == lengths.tolist()
    assert close == len(data) - 1


# ---- real rows ----


def test_real_scienceqa_rows(shared_data: Path) -> None:
    rows, rejects = read(shared_data / "scienceqa" / "llava_test_CQM-A.json", make_spec("multiple_choice", "science"))
    assert (len(rows), rejects) == (3361, [])
    assert all(row["gold"] == row["options"][row["answer_index"]] for row in rows)
    assert {len(row["options"]) for row in rows} == {2, 3, 4, 5}
    assert all(row["question"] and not row["question"].startswith("Context:") for row in rows)


def test_real_prompts_without_answers_are_refused_one_by_one(shared_data: Path) -> None:
    rows, rejects = read(shared_data / "prompts_no_answer" / "llava_gqa_testdev_balanced.jsonl")
    assert (len(rows), len(rejects)) == (0, 2000)
    assert {reject.reason for reject in rejects} == {"no_answer"}


def test_real_tool_calls_pass_through(shared_data: Path) -> None:
    rows, rejects = read(shared_data / "text_only" / "glaive_toolcall_en_demo.json", make_spec("free_form", "text"))
    assert (len(rows), rejects) == (235, [])
    assert all(json.loads(row["passthrough"])[0]["role"] in ("tools", "user") for row in rows)
