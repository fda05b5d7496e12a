"""Rows and tasks for input that is meant to break things, and what every answer to it has in common."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from tests.asd.cli_runner import Outcome, run_asd

TASK = """
name: hostile
title: Rows that are meant to break things
family: vqa
native_style: short_answer
styles:
  yes_no: [field, mined]
  multiple_choice: [field, mined]
layouts:
  - name: rows
    files: ["*.jsonl", "*.json", "*.csv", "*.parquet", "*.arrow", "*.gz", "*.zst"]
    columns: {source_id: id, images: image?, question: question, gold: answer, split: split?}
scorer: exact_match
licence: ours
citation: none
"""
SOUND = 9


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": f"r{number}", "question": f"What is on the table, number {number}?", "answer": "a cup", "image": "a.png",
            "split": "train"} | fields  # fmt: skip


def sound_rows(count: int = SOUND) -> list[dict[str, Any]]:
    words = ["cup", "dog", "tree", "red", "blue", "two", "car", "bread", "lamp"]
    return [row(number, answer=words[number % len(words)]) for number in range(count)]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


def task_file(folder: Path) -> Path:
    path = folder / "T.yaml"
    path.write_text(textwrap.dedent(TASK))
    return path


def convert(folder: Path, source: object, *options: object) -> Outcome:
    """Into `folder`/out, however many rows are unusable."""
    return run_asd("convert", "--task", task_file(folder), "--source", source, "--out", folder / "out", "--workers", "1",
                   "--max-reject-rate", "1", *options)  # fmt: skip


def assert_told(outcome: Outcome, *parts: str) -> None:
    """One message, no traceback, an exit code of ours."""
    assert outcome.code in (1, 2, 3), outcome
    assert "Traceback" not in outcome.err
    assert outcome.err.count("error:") == 1, outcome.err
    for part in parts:
        assert part in outcome.err, outcome.err


def assert_counted(outcome: Outcome, samples: int, rejects: dict[str, int], folder: Path) -> None:
    """The version was made; its counts are those of the rows."""
    assert outcome.code == 0, outcome
    manifest = json.loads((folder / "out" / "latest" / "manifest.json").read_text("utf-8"))
    assert manifest["counts"]["samples"] == samples
    assert manifest["counts"]["rejects"] == rejects
