"""What was exported is a source again: `asd convert --source` gives back the same samples, converted ones included."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.export.run import ExportOptions, export
from asd.export.table import FORMATS
from tests.asd.cli_runner import run_asd
from tests.asd.export.conftest import Datasets
from tests.asd.sources.test_messages import png
from tests.asd.sources_made import vqa_records, write_lines

WHERE = ("source_file", "source_row")
GROUPING = ("group", "turn", "source_id")


def samples(path: Path, *without: str) -> list[dict[str, Any]]:
    rows = [
        {key: value for key, value in row.items() if key not in (*WHERE, *without)} for row in asd.load(path).to_list()
    ]
    return sorted(rows, key=lambda row: str(row["id"]))


def back(data: Path, tmp_path: Path, form: str, task: str, **options: Any) -> Path:
    done = export([data], ExportOptions(form, tmp_path / "out", **options))
    root = options.get("image_root") or done.data[0].part.places.folder if done.data[0].part.places.root else None
    return asd.convert(task, done.data[0].path, out=tmp_path / "again", ratio=0, image_root=root).path


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "openai"])
def test_converted_science_questions_come_back(form: str, data: Datasets, tmp_path: Path) -> None:
    again = back(data.drawn, tmp_path, form, "scienceqa")
    assert len({row["style"] for row in samples(again)}) == 5
    if form == "webdataset":  # whose images are inside
        assert all(image["bytes"] for row in samples(again) for image in row["images"])
    assert without_bytes(again) == without_bytes(data.drawn)
    assert asd.verify(again).problems == []


def without_bytes(path: Path) -> list[dict[str, Any]]:
    return [row | {"images": [image["path"] for image in row["images"]]} for row in samples(path)]


@pytest.mark.parametrize("images", ["paths", "embed", "copy"])
def test_messages_for_servers_come_back_as_questions_and_answers(images: str, data: Datasets, tmp_path: Path) -> None:
    """Ids and styles have no place there: every row is a native one of its own, and data has no name."""
    again = back(data.vqa, tmp_path, "openai", "vqav2", styles=("short_answer",), images=images, image_root=str(tmp_path),
                 missing_images="keep")  # fmt: skip
    expected = [row for row in asd.load(data.vqa) if row["style"] == "short_answer"]
    assert [(row["prompt"], row["response"]) for row in asd.load(again)] == [
        (row["prompt"], row["response"]) for row in expected
    ]


@pytest.mark.parametrize("form", ["parquet", "trl", "trl-sdft"])
def test_embedded_images_come_back(form: str, data: Datasets, tmp_path: Path) -> None:
    again = back(data.drawn, tmp_path, form, "scienceqa", images="embed")
    root = data.drawn / "source"
    for row in samples(again):
        assert [image["bytes"] for image in row["images"]] == [
            (root / one["path"]).read_bytes() for one in row["images"]
        ]
    assert without_bytes(again) == without_bytes(data.drawn)


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("openai", "parquet", "webdataset")])
def test_images_in_shards_are_copied_and_come_back(form: str, tmp_path: Path) -> None:
    """As data URIs, all of one name: none takes another's place."""
    pictures = [png(colour) for colour in ("red", "blue", "green", "red")]
    uris = [f"data:image/png;name=image.png;base64,{base64.b64encode(data).decode()}" for data in pictures]
    records = [one | {"image": uri} for one, uri in zip(vqa_records(4), uris, strict=True)]
    made = asd.convert("vqav2", write_lines(tmp_path / "s.jsonl", records), out=tmp_path / "d", ratio=0)
    done = export([made.path], ExportOptions(form, tmp_path / "out"))
    again = asd.convert("vqav2", done.data[0].path, out=tmp_path / "again", ratio=0, image_root=tmp_path / "out")
    found = [tmp_path / "out" / row["images"][0]["path"] for row in samples(again.path)]
    assert [path.read_bytes() for path in found] == pictures


def test_the_report_calls_what_came_converted_no_conversion(data: Datasets, tmp_path: Path) -> None:
    done = export([data.drawn], ExportOptions("llava", tmp_path / "out"))
    source, out = done.data[0].path, tmp_path / "again"
    lines = run_asd("convert", "--task", "scienceqa", "--source", source, "--out", out, "--ratio", "0").out.splitlines()
    assert [line.split()[:5] for line in lines if line.startswith("kept")] == [["kept", "as", "they", "came", "120"]]
    assert [line.split() for line in lines if "yes_no" in line] == [["in", "yes_no", "12", "10.0", "%"]]


@pytest.mark.parametrize("form", ["llava", "llama-factory", "ms-swift", "parquet", "coin"])
def test_turns_come_back(form: str, data: Datasets, tmp_path: Path) -> None:
    again = back(data.vqa, tmp_path, form, "vqav2", group_turns=form != "parquet")
    without = ("images",) if form == "coin" else ()  # there, a bare name is put into CoIN's folder
    assert samples(again, *without) == samples(data.vqa, *without)


@pytest.mark.parametrize("form", ["llava", "ms-swift"])
def test_turns_apart_come_back_as_records_of_their_own(form: str, data: Datasets, tmp_path: Path) -> None:
    assert samples(back(data.vqa, tmp_path, form, "vqav2"), *GROUPING) == samples(data.vqa, *GROUPING)


@pytest.mark.parametrize("task", ["grounding", "gqa", "imagenet", "textvqa"])
def test_other_tasks_come_back(task: str, tmp_path: Path) -> None:
    made = asd.convert(task, out=tmp_path / "d", ratio=0.4)
    assert samples(back(made.path, tmp_path, "coin", task)) == samples(made.path)


@pytest.mark.parametrize("form", ["llava", "parquet", "llama-factory", "ms-swift"])
def test_dialogues_come_back(form: str, data: Datasets, tmp_path: Path) -> None:
    again = back(data.tools, tmp_path, form, "llava_conversation")
    assert samples(again) == samples(data.tools)


def test_context_and_further_answers_come_back(tmp_path: Path) -> None:
    problems = {"7": {"question": "Which?", "choices": ["a rock", "rain"], "answer": 0, "image": None, "split": "train",
                      "hint": "Two things\nA. look alike", "lecture": "", "solution": ""}}  # fmt: skip
    (tmp_path / "problems.json").write_text(json.dumps(problems))
    made = asd.convert("scienceqa", tmp_path / "problems.json", out=tmp_path / "d", ratio=0)
    assert samples(made.path)[0]["context"] == "Two things\nA. look alike"
    assert samples(back(made.path, tmp_path, "llava", "scienceqa")) == samples(made.path)
    record = vqa_records(1)[0] | {"accepted": ["a", "b"]}
    made = asd.convert("vqav2", write_lines(tmp_path / "one.jsonl", [record]), out=tmp_path / "e", ratio=0)
    assert samples(back(made.path, tmp_path / "f", "llava", "vqav2"))[0]["accepted"][1:] == ["a", "b"]


def test_native_samples_can_be_converted_again_and_converted_ones_stay(data: Datasets, tmp_path: Path) -> None:
    done = export([data.vqa], ExportOptions("coin", tmp_path / "out"))
    again = asd.convert("vqav2", done.data[0].path, out=tmp_path / "again", ratio=0.2, seed=3)
    before = {row["id"]: row for row in asd.load(data.vqa)}
    after = {row["id"]: row for row in asd.load(again.path)}
    for name, row in before.items():
        if row["style"] != "short_answer":
            assert (after[name]["prompt"], after[name]["response"]) == (row["prompt"], row["response"])
    assert sum(row["style"] == "short_answer" for row in after.values()) == 36 - 12
    assert asd.verify(again.path).problems == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[null, null]", "2 entries for 1 turns"),
        ("[{}]", "an entry needs the keys style"),
        ("[", "unexpected end of data"),
        ('[{"style": 1}]', "an entry needs the keys"),
    ],
)
def test_a_spoilt_telling_is_a_reject_with_its_reason(text: str, message: str, tmp_path: Path) -> None:
    records = [*vqa_records(9), vqa_records(1)[0] | {"id": "spoilt", "asd": text}]
    made = asd.convert("vqav2", write_lines(tmp_path / "s.jsonl", records), out=tmp_path / "d", ratio=0)
    assert made.manifest.counts.rejects == {"bad_asd": 1}
    (reject,) = [json.loads(line) for line in (made.path / "latest/rejects.jsonl").read_text().splitlines()]
    assert message in reject["detail"]


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("task", "source"), [("iconqa", "iconqa"), ("chartqa", "chartqa/complex"), ("tabmwp", "tabmwp")]
)
def test_real_rows_come_back(task: str, source: str, shared_data: Path, tmp_path: Path) -> None:
    """Options in prompts, tables as context, several images, numbers with units."""
    made = asd.convert(task, shared_data / source, out=tmp_path / "d", ratio=0.3)
    done = export([made.path], ExportOptions("llava", tmp_path / "out", image_root=str(tmp_path)))
    again = asd.convert(task, done.data[0].path.parent, out=tmp_path / "again", ratio=0, source_format="llava")
    assert samples(again.path, *GROUPING) == samples(made.path, *GROUPING)
