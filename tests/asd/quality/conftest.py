"""Small shard tables made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest

from asd.columns import SHARD_SCHEMA

LETTERS = "ABCDEFGH"


def make_row(number: int = 0, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": f"demo/train/{number:05d}",
        "source_id": str(number),
        "task": "demo",
        "split": "train",
        "images": [{"path": f"{number}.jpg", "bytes": None}],
        "context": "",
        "question": "What is it?",
        "options": [],
        "candidate": None,
        "rfp": "Be short.",
        "prompt": "<image>\nWhat is it?\nBe short.",
        "response": "cat",
        "messages": [],
        "native_style": "short_answer",
        "style": "short_answer",
        "maker": "native",
        "gold": "cat",
        "accepted": [],
        "group": "g",
        "turn": 0,
        "source_file": "train.json",
        "source_row": number,
        "template": None,
        "seed": 0,
        "checks": [],
    }
    row |= changes
    row["accepted"] = row["accepted"] or [row["gold"]]
    if "question" in changes and "prompt" not in changes:
        row["prompt"] = f"<image>\n{row['question']}\n{row['rfp']}"
    return row


def make_choice(number: int, options: Sequence[str], gold: int, **changes: Any) -> dict[str, Any]:
    return make_row(
        number,
        style="multiple_choice",
        maker=changes.pop("maker", "mined"),
        options=list(options),
        response=LETTERS[gold],
        gold=options[gold],
        **changes,
    )


def make_proposal(number: int, candidate: str, gold: str, **changes: Any) -> dict[str, Any]:
    response = "Yes" if candidate == gold else "No"
    return make_row(
        number,
        style="yes_no",
        maker=changes.pop("maker", "mined"),
        candidate=candidate,
        gold=gold,
        response=response,
        **changes,
    )


def batches_of(rows: Sequence[dict[str, Any]], size: int = 1000) -> list[pa.RecordBatch]:
    return pa.Table.from_pylist(list(rows), schema=SHARD_SCHEMA).to_batches(max_chunksize=size)


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    return make_row


@pytest.fixture
def choice() -> Callable[..., dict[str, Any]]:
    return make_choice


@pytest.fixture
def proposal() -> Callable[..., dict[str, Any]]:
    return make_proposal


@pytest.fixture
def batches() -> Callable[..., list[pa.RecordBatch]]:
    return batches_of
