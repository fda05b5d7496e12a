"""Whole conversions: exact counts, nested ratios, the same bytes whatever the order, workers or interruptions."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import polars
import pyarrow.dataset
import pytest

import asd
from asd.conversion.convert import Conversion
from asd.makers.english.verdict import natural_verdict
from tests.asd.sources_made import RFP, record, vqa_records, write_lines


def rows_of(conversion: Conversion) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = asd.load(conversion.path, version=conversion.version).to_list()
    return rows


def convert(tmp_path: Path, records: list[dict[str, Any]], name: str = "data", **settings: Any) -> Conversion:
    source = write_lines(tmp_path / f"{name}.jsonl", records)
    return asd.convert("vqav2", source, out=tmp_path / "out" / name, **settings)


def checksums(conversion: Conversion) -> list[str]:
    return [entry.sha256 for entry in conversion.manifest.files]


@pytest.mark.parametrize(("ratio", "expected"), [(0.0, 0), (0.2, 61), (0.5, 152), (1.0, 303)])
def test_exactly_the_wanted_share_is_converted_and_evenly(tmp_path: Path, ratio: float, expected: int) -> None:
    done = convert(tmp_path, vqa_records(303), ratio=ratio)
    rows = rows_of(done)
    counts = done.manifest.counts
    assert len(rows) == counts.samples == 303
    assert len({row["id"] for row in rows}) == 303
    converted = [row for row in rows if row["style"] != row["native_style"]]
    assert len(converted) == counts.converted == expected
    assert counts.by_style == dict(sorted(Counter(row["style"] for row in rows).items()))
    assert counts.by_maker == dict(sorted(Counter(row["maker"] for row in rows).items()))
    if 0 < ratio < 1:
        by_style = Counter(row["style"] for row in converted)
        assert max(by_style.values()) - min(by_style.values()) <= 1


@pytest.mark.parametrize(("samples", "expected"), [(25, 12), (27, 14)])
def test_a_half_is_rounded_as_python_rounds_it(tmp_path: Path, samples: int, expected: int) -> None:
    assert round(0.5 * samples) == expected
    assert convert(tmp_path, vqa_records(samples), ratio=0.5).manifest.counts.wanted == expected


def test_every_row_says_where_it_came_from_and_keeps_its_answer(tmp_path: Path) -> None:
    records = vqa_records(200)
    for row in rows_of(convert(tmp_path, records, ratio=0.5)):
        source = records[row["source_row"]]
        question = source["conversations"][0]["value"].split("\n")[1]
        assert row["source_id"] == source["id"]
        assert row["source_file"] == "data.jsonl"
        assert row["question"] == question or row["question"] == natural_verdict(question, row["candidate"])
        assert row["question"] in row["prompt"]
        assert row["gold"] == row["accepted"][0] == source["conversations"][1]["value"]
        assert row["prompt"].count("<image>") == len(row["images"]) == 1
        assert row["prompt"].endswith(row["rfp"])
        assert (RFP in row["prompt"]) == (row["maker"] == "native")
        assert [m["content"] for m in row["messages"]] == [row["prompt"], row["response"]]
        assert (row["maker"] == "native") == (row["template"] is None) == (row["checks"] == [])


def test_a_larger_ratio_keeps_what_a_smaller_one_chose(tmp_path: Path) -> None:
    """Rows, styles, letters and polarities; mined wrong answers are those of the rows that show some at this ratio."""
    records = vqa_records(400)
    before: dict[str, tuple[str, str, str]] = {}
    for ratio in (0.05, 0.1, 0.2, 0.4, 0.8):
        rows = rows_of(convert(tmp_path, records, ratio=ratio))
        now = {
            row["id"]: (row["style"], row["response"], "" if row["maker"] == "mined" else row["prompt"])
            for row in rows
            if row["maker"] != "native"
        }
        assert before.items() <= now.items()
        before = now


def test_the_order_of_the_source_changes_no_sample(tmp_path: Path) -> None:
    records = vqa_records(300)
    shuffled = records[:]
    random.Random(5).shuffle(shuffled)
    content = []
    for name, source in (("one", records), ("other", shuffled)):
        rows = rows_of(convert(tmp_path, source, name=name, ratio=0.4))
        content.append({row["id"]: (row["style"], row["prompt"], row["response"]) for row in rows})
    assert content[0] == content[1]


def test_workers_and_repetition_change_no_byte(tmp_path: Path) -> None:
    records = vqa_records(300)
    runs = [
        convert(tmp_path / name, records, ratio=0.4, workers=workers, shard_rows=70)
        for name, workers in (("a", 1), ("b", 1), ("c", 2))
        if (tmp_path / name).mkdir() is None
    ]
    assert len({run.version for run in runs}) == 1
    assert checksums(runs[0]) == checksums(runs[1]) == checksums(runs[2])
    assert len(runs[0].manifest.files) == 6  # five shards of at most 70 rows, and the rejects
    texts = {(run.path / "latest" / "manifest.json").read_bytes() for run in runs}
    assert len(texts) == 1


def test_the_same_inputs_do_no_work_and_others_make_a_new_version(tmp_path: Path) -> None:
    records = vqa_records(60)
    first = convert(tmp_path, records, ratio=0.2)
    again = convert(tmp_path, records, ratio=0.2)
    other = convert(tmp_path, records, ratio=0.2, seed=1)
    changed = convert(tmp_path, [*records, record("new", "What is it?", "car")], ratio=0.2)
    assert (first.did_work, again.did_work, other.did_work, changed.did_work) == (True, False, True, True)
    assert first.version == again.version
    assert [first.number, again.number, other.number, changed.number] == ["v1", "v1", "v2", "v3"]
    assert len({first.version, other.version, changed.version}) == 3
    back = convert(tmp_path, records, ratio=0.2)
    assert not back.did_work
    assert asd.load(back.path).num_rows == 60


def test_shards_open_without_this_package(tmp_path: Path) -> None:
    done = convert(tmp_path, vqa_records(100), ratio=0.5, shard_rows=40)
    files = str(done.path / "latest" / "data" / "*.arrow")
    assert polars.scan_ipc(files).filter(polars.col("maker") != "native").collect().height == 50
    dataset = pyarrow.dataset.dataset(done.path / "latest" / "data", format="ipc")
    assert dataset.count_rows() == 100


def test_datasets_opens_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    convert(tmp_path, vqa_records(50), ratio=0.2)
    done = convert(tmp_path, vqa_records(50), ratio=0.4)
    loaded = datasets.load_dataset(str(done.path), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows == 50
    assert sum(maker != "native" for maker in loaded["train"]["maker"]) == 20  # the latest version


def test_repeated_ids_become_unique_and_lose_nothing(tmp_path: Path) -> None:
    twice = [
        record("same", "What color is the car?", "red"),
        record("same", "Where is the dog?", "on the table"),
    ]
    exact = [record("twin", "What color is the hat?", "blue")] * 2
    done = convert(tmp_path, [*vqa_records(20), *twice, *exact], ratio=0.5)
    rows = rows_of(done)
    assert len({row["id"] for row in rows}) == len(rows) == 24
    assert done.manifest.counts.renamed_ids == 4
    ids = sorted(row["id"] for row in rows if row["source_id"] in ("same", "twin"))
    assert all("~" in one for one in ids)
    assert sum(one.endswith(".2") for one in ids) == 1


def test_a_mix_by_style(tmp_path: Path) -> None:
    done = convert(tmp_path, vqa_records(200), ratio_per_style={"yes_no": 0.1, "multiple_choice": 0.05})
    assert done.manifest.counts.by_style == {"multiple_choice": 10, "short_answer": 170, "yes_no": 20}


def test_letters_and_yes_no_are_balanced(tmp_path: Path) -> None:
    rows = rows_of(convert(tmp_path, vqa_records(1200), ratio=0.8))
    yes_no = Counter(row["response"] for row in rows if row["style"] == "yes_no")
    letters = Counter((len(row["options"]), row["response"]) for row in rows if row["style"] == "multiple_choice")
    assert abs(yes_no["Yes"] - yes_no["No"]) <= 1
    for size in {size for size, _ in letters}:
        counts = [letters[size, letter] for letter in "ABCDEFGH"[:size]]
        assert max(counts) - min(counts) <= 1


def test_text_that_looks_like_a_template_or_an_image_is_only_text(tmp_path: Path) -> None:
    odd = [
        record(f"odd{n}", f"What is {{{{ config }}}} {{% raw %}} <image> number {n}?", f"thing <image> {n}")
        for n in range(40)
    ]
    for row in rows_of(convert(tmp_path, [*odd, *vqa_records(60)], ratio=1.0)):
        assert row["prompt"].count("<image>") == len(row["images"])
        assert "<image>" not in row["response"]
        if row["source_id"].startswith("odd"):
            assert "{{ config }} {% raw %} <image>" in row["question"]
            assert "{{ config }} {% raw %} < image >" in row["prompt"]


def test_rejects_are_kept_apart_with_their_reasons(tmp_path: Path) -> None:
    bad = record("bad", "What is this?", "")
    done = convert(tmp_path, [*vqa_records(40), bad], ratio=0.2)
    lines = (done.path / "latest" / "rejects.jsonl").read_text().splitlines()
    assert done.manifest.counts.samples == 40
    assert [(r["source_id"], r["row"], r["reason"]) for r in map(json.loads, lines)] == [("bad", 40, "no_answer")]
    assert done.manifest.counts.rejects == {"no_answer": 1}
