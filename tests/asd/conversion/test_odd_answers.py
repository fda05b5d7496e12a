"""Whole conversions of answers as people write them: a row that cannot be converted is declined, and the run goes on."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.shards.reader import read_shard
from tests.asd.sources_made import record, vqa_records, write_lines
from tests.fuzz import rows as fuzzed

WORDINGS = (
    "yes|yeah|yep|yup|ya|yea|yess|YES|Yes.|yes!|(yes)|\"yes\"|'yes'|*yes*|yes sir|yes please|yes it is|yes, it is|Yes, they are."
    "|yes there is|yes i think so|oh yes|hell yes|👍 yes|yes ✓|yes?|- yes|yes…|yes indeed|indeed|sure|of course|absolutely"
    "|definitely|correct|affirmative|certainly|aye|uh huh|y|yes (it is)|yes maybe|i think so|yes\t"
).split("|")


def converted(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "latest" / "data").glob("*.arrow"))
    rows = [row for file in files for batch in read_shard(file) for row in batch.to_pylist()]
    return [row for row in rows if row["maker"] != "native"]


def release(folder: Path, answers: dict[int, list[str]], count: int = 40) -> Path:
    """Yes/no questions in the release form of VQA v2, ten annotators each; all say no unless `answers` says otherwise."""
    folder.mkdir()
    ids = range(1000, 1000 + count)
    asked = [{"question_id": n, "image_id": n, "question": f"Is thing number {n} red?"} for n in ids]
    told = [
        {
            "question_id": n,
            "image_id": n,
            "answer_type": "yes/no",
            "answers": [
                {"answer": answer, "answer_confidence": "yes", "answer_id": place}
                for place, answer in enumerate(answers.get(n, ["no"] * 10))
            ],
        }
        for n in ids
    ]
    (folder / "v2_OpenEnded_mscoco_train2014_questions.json").write_text(json.dumps({"questions": asked}), "utf-8")
    (folder / "v2_mscoco_train2014_annotations.json").write_text(json.dumps({"annotations": told}), "utf-8")
    return folder


def test_one_annotator_who_says_yes_in_any_words_disputes_a_no(tmp_path: Path) -> None:
    answers = {1000 + place: [*["no"] * 9, said] for place, said in enumerate(WORDINGS)}
    source = release(tmp_path / "source", answers, len(WORDINGS))
    done = asd.convert(
        task="vqav2", source=source, out=tmp_path / "out", ratio=1.0, styles=["multiple_choice"], workers=1
    )
    assert done.manifest.counts.converted == 0
    assert done.manifest.counts.declined == {"multiple_choice: disputed_answer": len(WORDINGS)}


def test_others_are_converted_in_place_of_a_disputed_row(tmp_path: Path) -> None:
    source = release(tmp_path / "source", {1007: [*["no"] * 9, "yeah"]})
    done = asd.convert(task="vqav2", source=source, out=tmp_path / "out", ratio=0.9, workers=1)
    assert done.manifest.counts.converted == 36
    assert not any(
        row["style"] == "multiple_choice" for row in converted(tmp_path / "out") if row["source_id"] == "1007"
    )


@pytest.mark.parametrize("answer", [".000", ".0", ".0%", ".00 %", "-.0", "٠", "፩", "½", "9" * 5000, "."])
def test_no_answer_ends_a_run(tmp_path: Path, answer: str) -> None:
    records = [*vqa_records(60), *(record(f"x{n}", "What is the batting average?", answer) for n in range(3))]
    source = write_lines(tmp_path / "rows.jsonl", records)
    done = asd.convert(task="vqav2", source=source, out=tmp_path / "out", ratio=1.0, workers=1)
    counts = done.manifest.counts
    assert counts.samples + sum(counts.rejects.values()) == 63
    assert counts.converted + counts.by_maker.get("native", 0) == counts.samples


def test_an_option_that_looks_like_a_lost_value_is_kept_and_told(tmp_path: Path) -> None:
    problem = {"question": "What happens?", "choices": ["decrease", "increase", "None"], "answer": 0, "image": None}
    others = {"hint": "", "split": "train", "subject": "s", "lecture": "", "solution": ""}
    (tmp_path / "problems.json").write_text(json.dumps({"1": problem | others, "2": problem | others}), "utf-8")
    done = asd.convert(task="scienceqa", source=tmp_path, out=tmp_path / "out", ratio=0.0, workers=1)
    assert any(note.startswith("2 rows have an option such as 'None'") for note in done.notes)


def test_native_yes_no_rows_answer_as_prompts_ask(tmp_path: Path) -> None:
    records = [
        {"question_id": n, "image": f"{n}.jpg", "text": f"Is there a cat in room {n}?", "label": label}
        for n, label in enumerate(["yes", "no", "yes", "no"])
    ]
    source = write_lines(tmp_path / "coco_pope_random.json", records)
    done = asd.convert(task="pope", source=source, out=tmp_path / "out", ratio=0.0, workers=1)
    files = sorted((done.path / "latest" / "data").glob("*.arrow"))
    rows = [row for file in files for batch in read_shard(file) for row in batch.to_pylist()]
    assert [row["response"] for row in rows] == ["yes", "no", "yes", "no"]
    assert all("yes" in row["prompt"] and "Yes" not in row["prompt"] for row in rows)


@pytest.mark.parametrize("number", range(3))
def test_odd_rows_end_no_run_and_are_all_counted(tmp_path: Path, number: int) -> None:
    told = fuzzed.trial(random.Random(f"test:{number}"), tmp_path)
    assert told["inputs"] >= 40
