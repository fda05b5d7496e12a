"""Every folder of real annotation rows: it opens, no row is lost, and its oddities come out right."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from asd.schemas.boxes import iou, parse_box
from asd.sources.open import Source, open_source
from asd.tasks.registry import load_task

pytestmark = pytest.mark.shared_data


@dataclass(frozen=True)
class Read:
    source: Source
    rows: dict[str, dict[str, Any]]
    """By source id."""
    num_rows: int
    rejects: list[Any]

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(reject.reason for reject in self.rejects))


@cache
def _read(task: str, location: str, source_format: str | None = None) -> Read:
    source = open_source(load_task(task), location, source_format=source_format)
    rows: list[dict[str, Any]] = []
    rejects = []
    for batch in source.batches():
        batch.table.validate(full=True)
        rows.extend(batch.table.to_pylist())
        rejects.extend(batch.rejects)
    return Read(source, {row["source_id"]: row for row in rows}, len(rows), rejects)


@pytest.fixture
def read(shared_data: Path):
    def run(task: str, folder: str | None = None, source_format: str | None = None) -> Read:
        return _read(task, str(shared_data / (folder or load_task(task).data_dir or task)), source_format)

    return run


def raw(path: Path) -> Any:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        return json.loads(data)
    except ValueError:
        return [json.loads(line) for line in data.splitlines()]


def count(path: Path) -> int:
    """Records of a file, by other means than the package's own reader."""
    if path.suffix == ".csv":
        with path.open(encoding="latin-1", newline="") as stream:
            return sum(1 for _ in csv.reader(stream))
    if path.suffix == ".txt":
        return len(path.read_text().splitlines())
    found = raw(path)
    if path.name == "data.json":
        return 1
    if isinstance(found, dict):
        lists = [v for k, v in found.items() if k in ("questions", "commands")]
        return len(lists[0]) if lists else len(found)
    return len(found)


# task, folder, layout, globs of the main files, rows per record, rejects
FOLDERS = [
    ("scienceqa", "scienceqa", "problems", "problems.json", 1, {}),
    ("textvqa", "textvqa", "vqa", "*questions*.json", 1, {}),
    ("imagenet", "imagenet", "real", "real.json", 1, {"no_answer": 2508}),
    ("gqa", "gqa", "questions", "*.json.gz", 1, {}),
    ("vizwiz", "vizwiz", "vqa", "*questions*.json", 1, {}),
    ("grounding", "refcocos", "refcocos", "*.json", 1, {"no_box": 20}),
    ("talk2car", "talk2car", "commands", "*.json", 1, {}),
    ("vqav2", "vqav2", "balanced-60k", "*questions*", 1, {}),
    ("vqax", "vqax", "nle", "*.json", 1, {}),
    ("ocrvqa", "bookcover30", "cover-listing", "*.csv", 3, {"no_answer": 318}),
    ("ocrbench", "ocrbench", "list", "*.json", 1, {}),
    ("chartqa", "chartqa", "list", "*/*.json", 1, {}),
    ("aokvqa", "aokvqa", "pair", "*questions.json", 1, {}),
    ("iconqa", "iconqa", "folders", "*/*/data.json", 1, {}),
    ("flickr30k", "flickr30k", "multi30k", "*.txt", 1, {}),
    ("coco_caps", "coco_caps_boxes", "table", "*.jsonl", 1, {}),
    ("pope", "pope", "list", "*.json", 1, {}),
    ("vsr", "vsr", "lines", "*.jsonl", 1, {}),
    ("nlvr2", "nlvr2", "by-address", "*.gz", 1, {}),
    ("tabmwp", "tabmwp", "problems", "*.json", 1, {}),
    ("gsm8k", "text_only", "lines", "gsm8k*", 1, {}),
    ("alpaca", "text_only", "list", "alpaca*", 1, {}),
    ("glaive", "text_only", "conversations", "glaive*", 1, {}),
    ("identity", "text_only", "list", "identity*", 1, {}),
    ("seed_tasks", "text_only", "lines", "seed*", 1, {}),
]


@pytest.mark.parametrize(("task", "folder", "layout", "globs", "per_record", "rejects"), FOLDERS)
def test_no_row_is_lost(read, shared_data, task, folder, layout, globs, per_record, rejects):
    found = read(task, folder)
    assert found.source.layout == layout
    expected = sum(count(path) for path in (shared_data / folder).glob(globs)) * per_record
    assert found.num_rows + len(found.rejects) == expected
    assert found.reasons == rejects
    assert len(found.rows) == found.num_rows, "source ids repeat"


@pytest.mark.parametrize(("task", "folder"), [(task, folder) for task, folder, *_ in FOLDERS])
def test_rows_keep_the_rules(read, task, folder):
    spec = load_task(task)
    for row in read(task, folder).rows.values():
        assert row["question"] == row["question"].strip() != ""
        assert row["gold"]
        assert row["accepted"][0] == row["gold"]
        assert len(set(row["accepted"])) == len(row["accepted"])
        assert row["split"] in ("train", "val", "test")
        assert not any(path.startswith(("/", "./")) or ".." in path.split("/") for path in row["images"])
        if row["options"]:
            assert row["options"][row["answer_index"]] == row["gold"]
            assert not any("\n" in option for option in row["options"])
        if spec.native_style == "yes_no":
            assert row["gold"] == row["response"].lower() in ("yes", "no")
        if spec.native_style == "multiple_choice":
            assert row["response"] == "ABCDE"[row["answer_index"]]


@pytest.mark.parametrize(
    ("task", "name"), [("gqa", "llava_gqa_testdev_balanced.jsonl"), ("vizwiz", "llava_vizwiz_test.jsonl")]
)
def test_prompts_without_answers_are_rejects(read, task, name):
    found = read(task, f"prompts_no_answer/{name}")
    assert (found.num_rows, found.reasons) == (0, {"no_answer": 2000})


def test_scienceqa(read, shared_data):
    rows = read("scienceqa").rows
    problems = raw(shared_data / "scienceqa/problems.json")
    assert rows["1"]["images"] == ["train/1/image.png"]
    text_only = [pid for pid, p in problems.items() if p["image"] is None]
    assert len(text_only) == 700
    assert all(rows[pid]["images"] == [] for pid in text_only)
    assert rows["2"]["context"] == problems["2"]["hint"].strip()
    assert rows["1"]["solution"] == "\n".join([problems["1"]["lecture"], problems["1"]["solution"]]).strip()
    assert Counter(row["split"] for row in rows.values()) == {"train": 831, "val": 288, "test": 275}


def test_textvqa_votes_and_ocr_tokens(read):
    rows = read("textvqa").rows
    row = rows["34602"]
    assert row["gold"] == "dakota"  # the first annotator, and so multiple_choice_answer, says "nous les gosses"
    assert row["accepted"][0] == "dakota"
    assert {"nous les gosses", "clos culombu", "dakota digital"} <= set(row["accepted"])
    assert row["ocr_tokens"][:2] == ["DAKOTA", "DIGITAL"]
    assert sum(bool(row["ocr_tokens"]) for row in rows.values()) > 3000
    refusal = "answering does not require reading text in the image"
    assert {r["answer_type"] for r in rows.values() if r["gold"] == refusal} == {"unanswerable"}


def test_imagenet_has_several_labels(read):
    rows = read("imagenet").rows
    assert "ILSVRC2012_val_00000001.JPEG" not in rows  # entry 0 has no label
    row = rows["ILSVRC2012_val_00000002.JPEG"]
    assert (row["gold"], row["accepted"], row["images"]) == ("alp", ["alp", "ski"], [row["source_id"]])


def test_gqa_keeps_sentences_and_types(read):
    row = read("gqa").rows["201030459"]
    assert row["full_answer"] == "The piece of furniture is a couch."
    assert (row["images"], row["answer_type"], row["split"]) == (["n54424.jpg"], "query", "test")
    chosen = [r for r in read("gqa").rows.values() if r["answer_type"] == "choose"]
    assert any(r["question"].startswith(("Is", "Are")) and r["gold"] not in ("yes", "no") for r in chosen)


def test_vizwiz_majority_differs_from_the_first_answer(read, shared_data):
    rows = read("vizwiz").rows
    annotations = raw(shared_data / "vizwiz/val_annotations_vqa_format.json")["annotations"]
    differ = sum(rows[str(a["question_id"])]["gold"] != a["multiple_choice_answer"] for a in annotations)
    assert 0.3 < differ / len(annotations) < 0.45
    assert rows["0"]["answer_type"] == "unanswerable"
    assert rows["0"]["images"] == ["VizWiz_val_00000000.jpg"]


def test_grounding_boxes_agree_with_the_other_convention(read, shared_data):
    found = read("grounding", "refcocos")
    for number, record in enumerate(raw(shared_data / "refcocos/refcocos_test.json")):
        row = found.rows.get(f"{record['annotation_id']}-{number}")
        assert (row is None) == (record["solution"] is None)
        if row is not None:
            side = max(record["width"], record["height"])
            left, top = ((side - record[k]) / 2 for k in ("width", "height"))
            x1, y1, x2, y2 = record["solution"]
            expected = ((x1 + left) / side, (y1 + top) / side, (x2 + left) / side, (y2 + top) / side)
            assert parse_box(row["gold"]) == pytest.approx(expected, abs=0.0051)


def test_talk2car_frame(read, shared_data):
    rows = read("talk2car").rows
    record = raw(shared_data / "talk2car/val_commands.json")["commands"][0]
    x, y, w, h = record["2d_box"]
    row = rows[record["command_token"]]
    expected = (x / 1600, (y + 350) / 1600, (x + w) / 1600, (y + h + 350) / 1600)
    assert iou(parse_box(row["gold"]), expected) > 0.85
    assert row["split"] == "val"


def test_vqav2_images_are_all_of_train2014(read):
    rows = read("vqav2").rows
    assert all(row["images"][0].startswith("COCO_train2014_") for row in rows.values())
    assert rows["540769000"]["images"] == ["COCO_train2014_000000540769.jpg"]
    assert rows["228478002"]["gold"] == "tea"
    assert Counter(row["split"] for row in rows.values()) == {"train": 38355, "val": 7184, "test": 2343}


def test_vqax_has_three_explanations(read):
    row = read("vqax").rows["262284001"]
    assert row["gold"] == "shower"
    assert len(row["rationales"]) == 3
    assert row["images"] == ["COCO_val2014_000000262284.jpg"]


def test_book_covers_ask_three_questions(read):
    found = read("ocrvqa", "bookcover30")
    turns = [found.rows[f"1438005687#{turn}"] for turn in range(3)]
    assert [row["gold"] for row in turns] == [
        "Barron's GRE, 21st Edition",
        "Sharon Weiner Green M.A.",
        "Test Preparation",
    ]
    assert len({row["question"] for row in turns}) == 3
    assert {row["group"] for row in turns} == {"1438005687"}
    assert any("not UTF-8 and were read as Windows-1252: 14" in note for note in found.source.notes)
    assert not any("�" in row["gold"] for row in found.rows.values())


def test_ocrbench_accepts_a_text_or_a_list(read):
    rows = read("ocrbench").rows
    assert rows["IIIT5K/2843"]["accepted"] == ["CENTRE"]
    assert rows["ctw/54"]["accepted"] == ["ANTONIOS", "ANTONIO'S"]


def test_aokvqa_is_multiple_choice_with_rationales(read):
    rows = read("aokvqa").rows
    row = rows["22jbM6gDxdaMaunuzgrsBB"]
    assert (row["gold"], row["response"], row["images"]) == ("cigarette", "D", ["000000461751.jpg"])
    assert len(row["rationales"]) == 3
    for row in rows.values():
        wrong = {o.casefold() for o in row["options"]} - {row["gold"].casefold()}
        assert wrong.isdisjoint(a.casefold() for a in row["accepted"])


def test_iconqa_pictures_as_options(read):
    rows = read("iconqa").rows
    assert Counter(row["answer_type"] for row in rows.values()) == {
        "choose_img": 39,
        "choose_txt": 40,
        "fill_in_blank": 47,
    }
    row = rows["choose_img/194"]
    assert row["options"] == ["picture 1", "picture 2"]
    assert row["images"] == [
        "choose_img/194/image.png",
        "choose_img/194/choice_0.png",
        "choose_img/194/choice_1.png",
    ]
    assert rows["choose_txt/629"]["gold"] == "barn"
    assert (rows["fill_in_blank/1542"]["gold"], rows["fill_in_blank/1542"]["options"]) == ("3", [])
    assert rows["fill_in_blank/1808"]["context"] == "The bottom row has one more."


def test_captions(read):
    row = read("flickr30k").rows["1000092795.jpg"]
    assert len(row["accepted"]) == 5
    assert row["gold"] == row["response"] == row["accepted"][0]
    assert row["accepted"][4] == "Two friends enjoy time spent together."
    row = read("coco_caps", "coco_caps_boxes").rows["000000296284"]
    assert len(row["accepted"]) == 5
    assert row["other_boxes"][0] == "[0.37,0.58,0.50,0.71]"


def test_pope_ids_carry_the_file(read):
    rows = read("pope").rows
    assert {"coco_pope_random/1", "coco_pope_popular/1", "aokvqa_pope_seem_adversarial/1"} <= set(rows)


def test_statements(read):
    assert read("vsr").rows["random_train/0"]["gold"] == "no"
    assert Counter(row["split"] for row in read("vsr").rows.values()) == {
        "train": 6169,
        "val": 886,
        "test": 1761,
    }
    row = read("nlvr2").rows["dev-850-0-0"]
    assert row["images"] == ["18iy0hwo5wdrpjpg.jpg", "beer-bottles-949793_960_720.jpg"]
    assert (row["gold"], row["split"]) == ("no", "val")
    assert not any("?" in path for row in read("nlvr2").rows.values() for path in row["images"])
    named = read("nlvr2", None, "by-identifier").rows["dev-850-0-0"]
    assert named["images"] == ["dev-850-0-img0.png", "dev-850-0-img1.png"]


def test_tabmwp(read):
    rows = read("tabmwp").rows
    row = rows["33"]
    assert (row["options"], row["gold"], row["response"]) == (
        ["linear", "nonlinear"],
        "nonlinear",
        "nonlinear",
    )
    assert row["context"].startswith("x | y\n10 | 15")
    assert rows["117"]["accepted"] == ["10", "10 pounds"]
    assert rows["117"]["context"].startswith("Children's weights (lbs)\nStem")
    assert rows["117"]["context"].endswith("Unit: pounds")
    money = next(r for r in rows.values() if r["context"].endswith("Unit: $"))
    assert f"${money['gold']}" in money["accepted"]


def test_gsm8k_steps_and_number(read):
    rows = read("gsm8k", "text_only").rows
    row = rows["gsm8k_train/0"]
    assert (row["gold"], row["images"]) == ("72", [])
    assert row["solution"].splitlines()[0] == "Natalia sold 48/2 = 24 clips in May."
    assert not any("<<" in r["solution"] or "####" in r["solution"] for r in rows.values())
    assert any("," in r["gold"] and r["gold"].replace(",", "") in r["accepted"] for r in rows.values())


def test_free_form(read):
    assert "{{name}}" in read("identity", "text_only").rows["identity/0"]["gold"]
    assert read("alpaca", "text_only").rows["alpaca_zh_demo/0"]["context"].startswith("输入")
    messages = json.loads(read("glaive", "text_only").rows["glaive_toolcall_en_demo/0"]["passthrough"])
    assert [m["role"] for m in messages[:6]] == [
        "tools",
        "user",
        "assistant",
        "user",
        "function_call",
        "observation",
    ]
    assert messages[4]["content"].startswith('{"name": "search_recipes"')
