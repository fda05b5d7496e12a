"""`asd score`: what it prints, as text and JSON, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import asd
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines


def predictions(folder: Path) -> Path:
    rows = [
        {"question_id": "1", "text": "teapot", "ground_truth": "Teapot"},
        {"question_id": "2", "text": "dog", "ground_truth": "Guide dog"},
        {"question_id": "3", "text": "Sundial.", "ground_truth": "Sundial"},
        {"question_id": "4", "text": "Hamper", "ground_truth": "Bucket"},
    ]
    path = folder / "merge.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_help() -> None:
    done = run_asd("score", "--help")
    assert done.code == 0
    assert "Score predictions by id, with the rule as released and as repaired" in done.out


def test_text(tmp_path: Path) -> None:
    done = run_asd("score", predictions(tmp_path), "--task", "imagenet", "--rules", "coin")
    assert done.code == 0, done.err
    assert "imagenet: 4 questions, coin rules: 50.00 %" in done.out
    assert "label:legacy (CoIN and SEFE, ImageNet)    50.00" in done.out
    assert "higher by the released form: 1 (e.g. 2)" in done.out
    assert "higher by the fixed form: 1 (e.g. 1)" in done.out


def test_json(tmp_path: Path) -> None:
    done = run_asd("score", predictions(tmp_path), "--task", "imagenet", "--json")
    document = json.loads(done.out)
    assert (document["questions"], document["score_percent"], document["difference_percent"]) == (4, 50.0, 0.0)
    assert document["legacy"] == {"rule": "label:legacy", "percent": 50.0, "reason": None}
    assert (document["examples_higher_by_legacy"], document["examples_higher_by_fixed"]) == (["2"], ["1"])


def test_another_rule(tmp_path: Path) -> None:
    done = run_asd("score", predictions(tmp_path), "--task", "imagenet", "--rule", "contains", "--json")
    assert json.loads(done.out)["fixed"] == {"rule": "contains:fixed", "percent": 50.0}


def test_ucit_headlines_the_released_form_of_other_tasks(tmp_path: Path) -> None:
    done = run_asd("score", predictions(tmp_path), "--task", "imagenet_r", "--rules", "ucit", "--json")
    document = json.loads(done.out)
    assert (document["rules"], document["score_percent"]) == ("ucit", document["legacy"]["percent"])
    assert document["score_percent"] == 25.0 < document["fixed"]["percent"]


def test_errors_are_one_message(tmp_path: Path) -> None:
    path = predictions(tmp_path)
    unknown = run_asd("score", path, "--task", "imagenet", "--rules", "old")
    assert (unknown.code, unknown.err) == (2, "error: no set of rules named 'old' (known: coin, fixed, sefe, ucit).\n")
    absent = run_asd("score", tmp_path / "no.jsonl", "--task", "imagenet")
    assert absent.code == 1
    assert absent.err.startswith(f"error: {tmp_path / 'no.jsonl'} cannot be read")


@pytest.mark.parametrize("left_out", ["", "vqav2/", "vqav2/train/"])
def test_a_dataset_as_gold_takes_the_ids_of_its_exports(tmp_path: Path, left_out: str) -> None:
    source = write_lines(tmp_path / "source.jsonl", vqa_records(8))
    assert run_asd("convert", "--task", "vqav2", "--source", source, "--out", tmp_path / "data").code == 0
    rows = asd.load(tmp_path / "data")
    lines = [json.dumps({"question_id": row["id"].removeprefix(left_out), "text": row["gold"]}) for row in rows]
    path = tmp_path / "merge.jsonl"
    path.write_text("\n".join(lines))
    done = run_asd("score", path, "--task", "vqav2", "--rule", "exact_match", "--gold", tmp_path / "data", "--json")
    assert done.code == 0, done.err
    assert (json.loads(done.out)["questions"], json.loads(done.out)["score_percent"]) == (8, 100.0)


def test_a_diversified_version_as_gold_says_so(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "source.jsonl", vqa_records(40))
    out = tmp_path / "data"
    assert run_asd("convert", "--task", "vqav2", "--source", source, "--ratio", "0.5", "--out", out).code == 0
    rows = asd.load(out)
    path = tmp_path / "merge.jsonl"
    path.write_text("\n".join(json.dumps({"question_id": row["id"], "text": row["response"]}) for row in rows))
    done = run_asd("score", path, "--task", "vqav2", "--gold", out)
    assert done.code == 0, done.err
    assert f"note: {out} is a diversified version: " in done.out
    assert "of another style than the task's own (" in done.out
    notes = json.loads(run_asd("score", path, "--task", "vqav2", "--gold", out, "--json").out)["notes"]
    assert len(notes) == 1 and notes[0].endswith("Give a version made with --ratio 0")
