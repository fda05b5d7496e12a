"""`asd-train classify`: one category an answer, for any file of wrong answers and any native style."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.evaluation.command import run_asd_train


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def answer(text: Any, gold: Any, **more: Any) -> dict[str, Any]:
    return {"question_id": "q", "text": text, "gold": gold, **more}


def categories(folder: Path, task: str, rows: list[dict[str, Any]], *options: str) -> list[str]:
    done = run_asd_train("classify", write(folder, rows), "--task", task, "--json", *options)
    assert done.code == 0, done.err
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["question_id"] for line in lines] == [row["question_id"] for row in rows]
    return [line["category"] for line in lines]


def test_class_labels_and_ids_that_repeat(tmp_path: Path) -> None:
    rows = [
        answer("Suit. User: What is the object in the image?", "Maillot"),
        answer("banjo", "Banjo"), answer("Dog", "Whippet"), answer("[0.1,0.1,0.9,0.9]", "Desk"),
        answer("It is a suit.", "Desk"), answer("Hog", "Koala"), answer("Koala", "Koala"), answer("x", "Desk", score=1.0),
    ]  # fmt: skip
    found = categories(tmp_path, "imagenet", rows)
    assert found == [
        "essential",
        "superficial",
        "less_specific",
        "style_lost",
        "both_wrong",
        "essential",
        "right",
        "right",
    ]
    line = json.loads(
        run_asd_train("classify", tmp_path / "answers.jsonl", "--task", "imagenet", "--json").out.split("\n")[0]
    )
    assert line == {
        "question_id": "q", "category": "essential", "reading": "another name", "answer": "Suit.", "runs_on": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("task", "rows", "expected"),
    [
        (
            "scienceqa",
            [answer(text, "sun", options=["moon", "sun"]) for text in ("A", "sun", "moon", "cat", "B\nUSER: and?")],
            ["essential", "superficial", "both_wrong", "style_lost", "superficial"],
        ),
        (
            "grounding",
            [answer(text, "[0.10,0.10,0.50,0.50]") for text in ("[0.60,0.60,0.90,0.90]", "at [0.1,0.1,0.5,0.5]", "cup")],
            ["essential", "superficial", "style_lost"],
        ),
        (
            "gqa",
            [answer("chair", "table", accepted=["desk"]), answer("B", "table"), answer("a desk", "table", accepted=["desk"])],
            ["essential", "style_lost", "superficial"],
        ),
    ],
)  # fmt: skip
def test_every_native_style(tmp_path: Path, task: str, rows: list[dict[str, Any]], expected: list[str]) -> None:
    assert categories(tmp_path, task, rows) == expected


def test_answers_that_lost_their_first_letter(tmp_path: Path) -> None:
    """ "wing" is a word of its own, but not where the file has lost first letters."""
    kept = [answer("wing", "Swing")]
    lost = [answer(label[1:], label) for label in ("Teapot", "Gasmask", "Doormat", "Banjo", "Accordion")]
    assert categories(tmp_path, "imagenet", kept) == ["essential"]
    assert categories(tmp_path, "imagenet", kept, "--clipped") == ["superficial"]
    assert categories(tmp_path, "imagenet", kept + lost) == ["superficial"] * 6


def test_table_of_a_packed_file(tmp_path: Path) -> None:
    rows = [answer("Suit. User: and?", "Maillot"), answer("dog", "Whippet")]
    path = tmp_path / "answers.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    told = run_asd_train("classify", path, "--task", "imagenet").out.splitlines()
    assert [line.split() for line in told if line.startswith(("less", "essential"))] == [
        ["less", "specific", "1", "50.0"], ["essential", "1", "50.0"],
    ]  # fmt: skip
    assert told[-1] == "1 of 2 answers ran on; what stands before that was read"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "answers.jsonl"),
        ('{"text": "x", "gold": "y"}', "row 1: expected an id in one of question_id"),
        ('{"question_id": 1, "text": 3, "gold": "y"}', "row 1 (1): expected the answer, a text, in one of text, prediction"),
        ('{"question_id": 1, "text": "x"}\n{"question_id": 2, "text": "x"}', "row 1 (1) has no gold answer"),
        ('{"question_id": 1, "text": "x"}\n{"question_id": 2, "text": "x"}', "(2 of 2 rows cannot be read; this is the first)"),
        ('{"question_id": 1, "text": "x", "gold": "y", "score": "high"}', "row 1 (1): score is a number from 0 to 1, got 'high'"),
        ('["x"]', "row 1: expected an id"),
        ("{", "cannot be read as JSON"),
    ],
)  # fmt: skip
def test_bad_input(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(content, encoding="utf-8")
    done = run_asd_train("classify", path, "--task", "imagenet", "--json")
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert "Traceback" not in done.err


def test_unknown_task(tmp_path: Path) -> None:
    done = run_asd_train("classify", write(tmp_path, [answer("x", "y")]), "--task", "imagenett")
    assert (done.code, done.out) == (2, "")
    assert "imagenet" in done.err
