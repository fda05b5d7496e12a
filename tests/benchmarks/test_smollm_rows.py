"""Rows for pipelines/smollm: short ones without pictures, each in one split, whatever order a file has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import smollm_rows

import asd


def write(folder: Path, order: int) -> Path:
    problems: dict[str, Any] = {
        str(n): {"question": f"Is {n} even?", "choices": ["yes", "no"], "answer": n % 2, "hint": "", "image": None}
        for n in range(20)[::order]
    }
    problems["20"] = {**problems["1"], "image": "image.png"}
    problems["21"] = {**problems["1"], "hint": "x" * 400}
    for task in ("scienceqa", "gsm8k"):
        (folder / task).mkdir(parents=True)
    (folder / "scienceqa/problems.json").write_text(json.dumps(problems))
    lines = [{"question": f"What is {n} + 1?", "answer": f"{n} + 1\n#### {n + 1}"} for n in range(12)]
    (folder / "gsm8k/gsm8k_train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def run(monkeypatch: pytest.MonkeyPatch, data: Path, out: Path, *more: str) -> Path:
    monkeypatch.setattr("sys.argv", ["smollm_rows", "--data", str(data), "--out", str(out), "--test", "5", *more])
    smollm_rows.main()
    return out


def test_short_rows_without_pictures_are_dealt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = run(monkeypatch, write(tmp_path / "a", 1), tmp_path / "rows")
    kept = json.loads((out / "scienceqa/problems.json").read_text())
    assert set(kept) == {str(n) for n in range(20)}
    assert sorted(record["split"] for record in kept.values()) == ["test"] * 5 + ["train"] * 15
    again = run(monkeypatch, write(tmp_path / "b", -1), tmp_path / "again")
    assert (again / "scienceqa/problems.json").read_bytes() == (out / "scienceqa/problems.json").read_bytes()
    counts = {name: len((out / f"gsm8k/{name}.jsonl").read_text().splitlines()) for name in ("train", "test")}
    assert counts == {"train": 7, "test": 5}


def test_too_few_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a", 1)
    with pytest.raises(
        SystemExit, match=r"problems.json: 0 rows are short enough .* and 5 are for testing; .*--letters"
    ):
        run(monkeypatch, tmp_path / "a", tmp_path / "rows", "--letters", "17")


def test_the_recipes_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = run(monkeypatch, write(tmp_path / "a", 1), tmp_path / "rows")
    made = asd.convert("scienceqa", source=out / "scienceqa", split="train", ratio=0.0, out=tmp_path / "made")
    assert made.manifest.counts.samples == 15
