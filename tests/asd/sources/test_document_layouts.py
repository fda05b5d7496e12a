"""Releases of document and figure questions, in made-up rows of their form."""

from __future__ import annotations

import json
from pathlib import Path

from asd.sources.open import open_source
from asd.tasks.registry import load_task


def test_docvqa_takes_every_answer_and_the_split_of_the_file(tmp_path: Path) -> None:
    row = {"questionId": 337, "question": "what is the date?", "image": "documents/xn_1.png", "docId": 279,
           "ucsf_document_id": "xn", "ucsf_document_page_no": "1", "answers": ["1/8/93", "Jan 8"],
           "data_split": "train"}  # fmt: skip
    for name in ("train", "val"):
        (tmp_path / f"{name}_v1.0_withQT.json").write_text(json.dumps({"dataset_name": "docvqa", "data": [row]}))
    rows = [row for batch in open_source(load_task("docvqa"), tmp_path).batches() for row in batch.table.to_pylist()]
    assert [row["split"] for row in rows] == ["train", "val"]
    assert (rows[0]["source_id"], rows[0]["gold"], rows[0]["accepted"]) == ("337", "1/8/93", ["1/8/93", "Jan 8"])
    assert rows[0]["images"] == ["documents/xn_1.png"]


def test_arxivqa_options_lose_their_letters(tmp_path: Path) -> None:
    row = {"id": "physics-1", "image": "images/0812_1.jpg", "question": "Which curve rises?",
           "options": ["A) The red one", "B) The blue one", "(C) Neither"], "label": "B", "rationale": "It rises."}  # fmt: skip
    odd = row | {"id": "physics-2", "label": "[C]"}
    none = row | {"id": "physics-3", "label": "unknown"}
    (tmp_path / "arxivqa.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (row, odd, none)))
    (batch,) = open_source(load_task("arxivqa"), tmp_path).batches()
    rows = batch.table.to_pylist()
    assert rows[0]["options"] == ["The red one", "The blue one", "Neither"]
    assert [(row["gold"], row["response"]) for row in rows] == [("The blue one", "B"), ("Neither", "C")]
    assert rows[0]["rationales"] == ["It rises."]
    assert [reject.source_id for reject in batch.rejects] == ["physics-3"]
