"""`<image>` marks inside the text: they keep their places, or the row is refused; they never become answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asd
from asd.export.run import ExportOptions, export
from asd.makers.drafting import draft
from asd.makers.maker_context import MakerContext
from asd.records import Decline, Sample
from asd.schemas.image_marks import INERT, MARK, is_placed, make_inert, names_image, opens_with_marks, strip_marks
from asd.schemas.styles import AnswerStyle
from asd.tasks.registry import load_task


def record(*turns: str, images: int, number: int = 0) -> dict[str, Any]:
    roles = ("human", "gpt")
    said = [{"from": roles[place % 2], "value": text} for place, text in enumerate(turns)]
    paths = [f"{number}{letter}.jpg" for letter in "abcd"[:images]]
    return {"id": f"q{number}", "image": paths, "conversations": said}


def rows_of(tmp_path: Path, records: list[dict[str, Any]], task: str = "vqav2", **options: Any) -> Any:
    source = tmp_path / "train.json"
    source.write_text(json.dumps(records))
    done = asd.convert(task, source, out=tmp_path / "d", **{"ratio": 1, "max_reject_rate": 1.0} | options)
    return done, asd.load(done.path).to_list()


PLACED = [
    ("Source: <image>\nTarget: <image>\nWhat was added?", 2),
    ("Picture 1 <image> and picture 2 <image>: what differs?", 2),
    ("<image>\nWhich picture shows it?\nA. <image>\nB. <image>", 3),
    ("<image>\nWhich is like <image>?", 2),
    ("What is in <image>?", 1),
    ("<image>\nis the first. Which is like it?\n<image>", 2),
    ("Before: <image> After: <image>", 2),
    ("(a) <image>\n(b) <image>\n(c) <image>\nWhich one is red?", 3),
    ("<image> <image>\nA. <image>\nB. <image>", 4),
    ("The sign <image> means what?\nAnswer the question using a single word or phrase.", 1),
    ("Does <image> show a cat?\nOptions:\n(A) yes\n(B) no", 1),
]


@pytest.mark.parametrize(("asked", "images"), PLACED)
def test_marks_amid_the_text_keep_their_places(tmp_path: Path, asked: str, images: int) -> None:
    done, (row,) = rows_of(tmp_path, [record(asked, "cup", images=images)])
    assert row["messages"] == [{"role": "user", "content": asked}, {"role": "assistant", "content": "cup"}]
    assert (row["prompt"], row["style"], row["gold"]) == (asked, "short_answer", "cup")
    assert len(row["images"]) == images
    assert any("1 rows have images amid their text" in note for note in done.notes)


def test_images_that_open_a_later_turn_stay_there(tmp_path: Path) -> None:
    turns = ("<image>\nWhat is it?", "a cup", "<image>\nAnd here?", "a fork")
    _, (row,) = rows_of(tmp_path, [record(*turns, images=2)])
    assert [message["content"] for message in row["messages"]] == list(turns)


def test_images_without_a_mark_open_the_first_question(tmp_path: Path) -> None:
    _, (row,) = rows_of(tmp_path, [record("Which is like <image>?", "cup", images=2)])
    assert row["prompt"] == "<image>\nWhich is like <image>?"


@pytest.mark.parametrize(
    ("asked", "images", "question"),
    [
        ("<image>\nWhat does <image> mean in HTML?", 1, "What does <image> mean in HTML?"),
        ("What does <image> mean in HTML?", 0, "What does <image> mean in HTML?"),
        ("Which tag is right?\nA. <img>\nB. <image> in HTML", 0, "Which tag is right?"),
    ],
)
def test_marks_beyond_the_images_are_text(tmp_path: Path, asked: str, images: int, question: str) -> None:
    _, (row,) = rows_of(tmp_path, [record(asked, "A", images=images)], ratio=0)
    assert row["question"] == question
    assert opens_with_marks(row["prompt"], images)


@pytest.mark.parametrize(
    ("turns", "images", "reason"),
    [
        (("Which?\nA. <image>\nB. <image>", "B"), 1, "image_count"),
        (("<image>\nWhich?\nA. <image>\nB. <image>", "B"), 1, "image_count"),
        (("<image>\nWhich?\nA. <image>\nB. <image>", "B"), 2, "image_count"),
        (("<image>\nWhich is it?\nA. <image>\nB. a cat", "B"), 1, "image_count"),
        (("Which one?", "<image>"), 1, "no_answer"),
        (("<image>\nWhich one?", "<image>\n<image>"), 1, "no_answer"),
        (("Is it <image> or <image> or <image>?", "the first"), 2, "image_count"),
    ],
)
def test_what_has_no_one_reading_is_a_reject(tmp_path: Path, turns: tuple[str, str], images: int, reason: str) -> None:
    good = record("<image>\nWhat is it?", "a cup", images=1, number=9)
    done, rows = rows_of(tmp_path, [record(*turns, images=images), good], ratio=0)
    assert [row["source_id"] for row in rows] == ["q9"]
    assert dict(done.manifest.counts.rejects) == {reason: 1}


@pytest.mark.parametrize("form", ["llava", "llama-factory", "ms-swift", "parquet"])
def test_exports_keep_the_places_and_come_back(tmp_path: Path, form: str) -> None:
    _, rows = rows_of(tmp_path, [record(text, "cup", images=n, number=k) for k, (text, n) in enumerate(PLACED)])
    done = export([tmp_path / "d"], ExportOptions(form, tmp_path / "out"))
    if form != "parquet":
        found = {one["id"]: one for one in map(json.loads, _lines(done.data[0].path))}
        turns = [(found[f"q{k}"].get("conversations") or found[f"q{k}"]["messages"])[0] for k in range(len(PLACED))]
        assert [(turn.get("value") or turn["content"]).count(MARK) for turn in turns] == [n for _, n in PLACED]
    again = asd.convert("vqav2", done.data[0].path, out=tmp_path / "again", ratio=0)
    assert _asked(asd.load(again.path).to_list()) == _asked(rows)


def _lines(path: Path) -> list[str]:
    text = path.read_text()
    return [json.dumps(one) for one in json.loads(text)] if text.startswith("[") else text.splitlines()


def _asked(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, str]]]:
    return {row["source_id"]: [{k: "".join(v.split()) for k, v in m.items()} for m in row["messages"]] for row in rows}


def test_parts_stand_where_the_marks_stood(tmp_path: Path) -> None:
    rows_of(tmp_path, [record("Source: <image>\nTarget: <image>\nWhat?", "cup", images=2)])
    done = export([tmp_path / "d"], ExportOptions("unsloth", tmp_path / "out", image_root=str(tmp_path)))
    parts = json.loads(done.data[0].path.read_text().splitlines()[0])["messages"][0]["content"]
    assert [part.get("text") for part in parts] == ["Source: ", None, "\nTarget: ", None, "\nWhat?"]
    assert [Path(part["image"]).name for part in parts if part["type"] == "image"] == ["0a.jpg", "0b.jpg"]


ONLY_IMAGES = [
    "<image>",
    "<image 1>",
    "<image_2>",
    "< image >",
    "[img]",
    "<img>",
    "<image1><image2>",
    "<|image|>",
    "{picture 3}",
]


@pytest.mark.parametrize("text", ONLY_IMAGES)
def test_answers_that_are_only_images_are_stated_by_no_maker(text: str) -> None:
    assert names_image(text)
    sample = Sample("1", "Which one is it?", text, options=[text, "a cat"], answer_index=0, accepted=[text])
    spec = load_task("scienceqa")
    for style in (AnswerStyle.SHORT_ANSWER, AnswerStyle.YES_NO, AnswerStyle.BRIEF_EXPLANATION):
        assert draft(sample, style, MakerContext(spec, 0)) == Decline("image_options", text)


@pytest.mark.parametrize("text", ["image", "a <image> tag", "the image", "<b>", "", "picture 1", "[0,0,1,1]", "(image"])
def test_other_answers_are_words(text: str) -> None:
    assert not names_image(text)


@given(st.lists(st.sampled_from([MARK, "\n", " ", "a", "b\n", INERT]), max_size=9).map("".join), st.integers(0, 4))
def test_no_mark_is_lost(text: str, num_images: int) -> None:
    found = strip_marks(text)
    assert found.before + found.behind + found.inside == text.count(MARK)
    assert MARK not in make_inert(text)
    if is_placed([text], num_images):
        assert 0 < text.count(MARK) <= num_images


def read_fields(tmp_path: Path, **fields: Any) -> tuple[list[dict[str, Any]], dict[str, int]]:
    task = tmp_path / "mine.yaml"
    columns = "{source_id: id, images: 'imgs?', question: q, context: 'c?', options: 'o?', gold: a}"
    task.write_text(
        "name: mine\ntitle: Mine\nfamily: vqa\nnative_style: short_answer\nscorer: exact_match\nlicence: CC0\n"
        f"citation: us\nstyles: {{yes_no: [field]}}\nlayouts:\n  - {{name: l, files: '*.jsonl', columns: {columns}}}\n"
    )
    lines = [{"id": "1", "q": "Which one?", "a": "b"} | fields, {"id": "2", "q": "Which?", "a": "b"}]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = asd.convert(task, source, out=tmp_path / "d", ratio=0, max_reject_rate=1.0)
    return [row for row in asd.load(done.path).to_list() if row["source_id"] == "1"], done.manifest.counts.rejects


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"q": "Is <image> like <image>?", "imgs": ["a.jpg", "b.jpg"]}, "Is <image> like <image>?"),
        ({"q": "Is <image> red?", "imgs": ["a.jpg", "b.jpg"]}, "<image>\nIs <image> red?"),
        ({"q": "Which?", "c": "Map: <image>", "imgs": ["a.jpg"]}, "Map: <image>\nWhich?"),
        (
            {"q": "<image>\nWhich?", "o": ["a <image>", "b"], "imgs": ["a.jpg", "b.jpg"]},
            "<image>\nWhich?\nA. a <image>\nB. b",
        ),
    ],
)
def test_fields_with_images_amid_their_text(tmp_path: Path, fields: dict[str, Any], asked: str) -> None:
    rows, rejects = read_fields(tmp_path, **fields)
    assert not rejects
    assert rows[0]["messages"][0]["content"] == rows[0]["prompt"] == asked
    assert rows[0]["gold"] == "b"


def test_marks_before_the_question_of_a_field_count_once(tmp_path: Path) -> None:
    rows, _ = read_fields(tmp_path, q="<image>\nWhich one?", imgs=["a.jpg"])
    assert rows[0]["question"] == "Which one?"
    assert rows[0]["prompt"].startswith("<image>\nWhich one?\n")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"q": "<image>\n<image>\nWhich?", "imgs": ["a.jpg"]}, "image_count"),
        ({"q": "Which?", "o": ["<image>", "b"], "imgs": []}, "image_count"),
        ({"q": "Which?", "a": "<image>", "imgs": ["a.jpg"]}, "no_answer"),
        ({"q": "Which?", "o": ["<image>", "<image>"], "a": "<image>", "imgs": ["a.jpg", "b.jpg"]}, "no_answer"),
    ],
)
def test_fields_with_marks_of_no_image(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    assert read_fields(tmp_path, **fields) == ([], {reason: 1})
