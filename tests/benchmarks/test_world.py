"""Rows shaped like the world's: the same each time, as unlike each other as was counted, and read without a reject."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from world import ANNOTATORS, SHAPES, rows, write_conversations, write_release

from asd.sources.open import open_source
from asd.tasks.registry import load_task

COUNT = 600


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_depends_on_its_number_alone(shape: str) -> None:
    assert list(rows(shape, 40))[:20] == list(rows(shape, 20))


def test_unique_questions_are_asked_once() -> None:
    made = list(rows("unique", COUNT))
    assert len({row.question for row in made}) >= 0.99 * COUNT
    assert {len(row.answers) for row in made} == {1}


def test_annotators_disagree_as_often_as_was_counted() -> None:
    made = list(rows("vqav2", COUNT))
    assert {len(row.answers) for row in made} == {ANNOTATORS}
    assert 0.25 < sum(len(set(row.answers)) == 1 for row in made) / COUNT < 0.45
    assert 0.6 < len({row.question for row in made}) / COUNT < 1


@pytest.mark.parametrize("shape", ["vqav2", "gqa", "textvqa", "vizwiz"])
def test_files_are_read_as_the_released_ones(shape: str, tmp_path: Path) -> None:
    write_release(tmp_path / shape, shape, 50)
    batches = list(open_source(load_task(shape), tmp_path / shape).batches())
    assert sum(batch.table.num_rows for batch in batches) == 50
    assert not [reject for batch in batches for reject in batch.rejects]


def test_an_array_holds_what_lines_hold(tmp_path: Path) -> None:
    for name in ("rows.json", "rows.jsonl"):
        write_conversations(tmp_path / name, "unique", 20)
    lines = (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()
    assert json.loads((tmp_path / "rows.json").read_text("utf-8")) == [json.loads(line) for line in lines]
