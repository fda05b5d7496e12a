"""The style `bounding_box`: only where it is asked for, with exact shares, from each kind of source that has boxes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.errors import AsdError, UsageError
from asd.quality.recovery import is_gold_recoverable

SIZE = 40


def write_gqa(folder: Path) -> Path:
    """GQA's questions and scene graphs; in every fourth picture there are two couches."""
    questions, scenes = {}, {}
    for number in range(SIZE):
        couch = {"name": "couch", "x": 100, "y": 50, "w": 200, "h": 100}
        wall = {"name": "wall", "x": 0, "y": 0, "w": 500, "h": 250}
        objects = {"1": couch, "2": wall, "3": {**couch, "x": 320}} if number % 4 == 0 else {"1": couch, "2": wall}
        scenes[f"n{number}"] = {"width": 500, "height": 250, "objects": objects}
        questions[f"q{number}"] = {
            "question": "What is in front of the wall?", "answer": "couch", "fullAnswer": "It is a couch.",
            "imageId": f"n{number}", "semanticStr": "", "types": {"structural": "query"},
        }  # fmt: skip
    folder.mkdir()
    (folder / "train_balanced_questions.json").write_text(json.dumps(questions))
    (folder / "train_sceneGraphs.json").write_text(json.dumps(scenes))
    return folder


def write_textvqa(folder: Path) -> Path:
    read = [("COCA", 0.1, 0.2), ("COLA", 0.5, 0.2), ("zero", 0.1, 0.6)]
    info = [
        {"word": word, "bounding_box": {"top_left_x": x, "top_left_y": y, "width": 0.3, "height": 0.1, "rotation": 0}}
        for word, x, y in read
    ]
    rows = [
        {"question_id": n, "image_id": f"i{n}", "question": "Which brand?", "answers": ["coca cola"] * 10,
         "image_width": 400, "image_height": 400}
        for n in range(SIZE)
    ]  # fmt: skip
    folder.mkdir()
    (folder / "TextVQA_0.5.1_train.json").write_text(json.dumps({"data": rows}))
    ocr = [{"image_id": f"i{n}", "ocr_tokens": [word for word, _, _ in read], "ocr_info": info} for n in range(SIZE)]
    (folder / "TextVQA_Rosetta_OCR_v0.2_train.json").write_text(json.dumps({"data": ocr}))
    return folder


def rows_of(task: str, source: Path, out: Path, **settings: Any) -> list[dict[str, Any]]:
    return list(asd.load(asd.convert(task=task, source=str(source), out=str(out), **settings).path))


def test_scene_graphs_give_boxes_with_exact_shares(tmp_path: Path) -> None:
    source = write_gqa(tmp_path / "gqa")
    rows = rows_of("gqa", source, tmp_path / "out", ratio=0.5, styles="brief_explanation,bounding_box")
    assert Counter(row["style"] for row in rows) == {"short_answer": 20, "brief_explanation": 10, "bounding_box": 10}
    boxes = [row for row in rows if row["style"] == "bounding_box"]
    # 500 x 250 pixels, padded to a square: y from (125 + 50) / 500
    assert {row["response"] for row in boxes} == {"[0.20,0.35,0.60,0.55]"}
    assert all(row["gold"] == row["response"] and row["accepted"] == [row["response"]] for row in boxes)
    assert all(int(row["source_id"][1:]) % 4 for row in boxes)  # none where there are two
    assert all(row["question"] == "the couch" and row["maker"] == "field" for row in boxes)
    assert boxes[0]["prompt"].startswith("<image>\nFind this in the image: the couch\n")
    assert boxes[0]["template"].startswith("bounding_box/_default@")
    for row in boxes:
        assert is_gold_recoverable("bounding_box", row["response"], row["gold"], [], None, row["accepted"])
    assert asd.verify(str(tmp_path / "out")) is not None


def test_read_text_gives_boxes(tmp_path: Path) -> None:
    source = write_textvqa(tmp_path / "textvqa")
    rows = rows_of("textvqa", source, tmp_path / "out", ratio_per_style={"bounding_box": 0.25})
    boxes = [row for row in rows if row["style"] == "bounding_box"]
    assert len(boxes) == SIZE // 4
    assert {row["response"] for row in boxes} == {"[0.10,0.20,0.80,0.30]"}
    assert {row["question"] for row in boxes} == {'the text "coca cola"'}


def test_a_conversion_that_does_not_ask_for_boxes_does_not_see_the_files(tmp_path: Path) -> None:
    source = write_gqa(tmp_path / "gqa")
    with_scenes = rows_of("gqa", source, tmp_path / "with", ratio=0.6)
    (source / "train_sceneGraphs.json").write_text("[")  # nobody reads it
    again = rows_of("gqa", source, tmp_path / "broken", ratio=0.6)
    (source / "train_sceneGraphs.json").unlink()
    assert with_scenes == again == rows_of("gqa", source, tmp_path / "without", ratio=0.6)
    assert "bounding_box" not in {row["style"] for row in with_scenes}


def test_boxes_that_are_asked_for_where_nothing_is_known_are_missing_and_said_so(tmp_path: Path) -> None:
    source = write_gqa(tmp_path / "gqa")
    (source / "train_sceneGraphs.json").unlink()
    done = asd.convert(task="gqa", source=str(source), out=str(tmp_path / "out"), ratio=0.5, styles="bounding_box")
    counts = done.manifest.counts
    assert counts.converted == 0
    assert any("no row of the source has named boxes" in note for note in done.notes)


def test_a_task_without_boxes_cannot_be_asked_for_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="task 'scienceqa' cannot take style bounding_box; it can take: yes_no"):
        asd.convert(task="scienceqa", out=str(tmp_path / "out"), styles="bounding_box")


@pytest.mark.shared_data
def test_captions_with_objects(tmp_path: Path, shared_data: Path) -> None:
    source = shared_data / "coco_caps_boxes"
    rows = rows_of("coco_caps", source, tmp_path / "out", ratio=0.5, styles="yes_no,multiple_choice,bounding_box")
    boxes = [row for row in rows if row["style"] == "bounding_box"]
    objects = {
        json.loads(line)["id"]: [one["category"] for one in json.loads(line)["instances"]]
        for file in source.glob("*.jsonl")
        for line in file.read_text().splitlines()
    }
    assert len(boxes) == len(rows) * 5 // 30
    assert all(objects[row["source_id"]].count(row["question"].removeprefix("the ")) == 1 for row in boxes)


def test_conversations_name_what_stands_where(tmp_path: Path) -> None:
    regions = [{"name": "dog", "box": [0.1, 0.2, 0.5, 0.6]}, {"name": "kite", "box": "[0.6,0.1,0.9,0.3]"}]
    turns = [("How many dogs?", "1"), ("What flies?", "kite")]
    conversation = [
        {"from": sender, "value": text} for turn in turns for sender, text in zip(("human", "gpt"), turn, strict=True)
    ]
    record = {"image": "a.jpg", "conversations": conversation, "regions": regions}
    source = tmp_path / "train.json"
    source.write_text(json.dumps([{**record, "id": f"r{number}"} for number in range(SIZE)]))
    rows = rows_of("vqav2", source, tmp_path / "any", ratio=0.5, styles="bounding_box")
    asked = Counter(row["question"] for row in rows if row["style"] == "bounding_box")
    assert sum(asked.values()) == SIZE and set(asked) == {"the dog", "the kite"}
    rows = rows_of("gqa", source, tmp_path / "answer", ratio_per_style={"bounding_box": 0.25})
    boxes = [row for row in rows if row["style"] == "bounding_box"]
    assert {(row["question"], row["response"]) for row in boxes} == {("the kite", "[0.60,0.10,0.90,0.30]")}
    source.write_text(json.dumps([{**record, "id": "r0", "regions": ["dog"]}]))
    with pytest.raises(AsdError, match=r"regions: expected a list of \{name, box\}, found"):
        rows_of("vqav2", source, tmp_path / "bad", ratio=0.5, styles="bounding_box")
    assert len(rows_of("vqav2", source, tmp_path / "unread", ratio=0.0)) == len(turns)
