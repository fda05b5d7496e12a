"""Rows and a picture made by hand."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
from PIL import Image

from asd.columns import SHARD_SCHEMA


def make_row(number: int = 0, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": f"demo/train/{number:05d}",
        "source_id": str(number),
        "task": "demo",
        "split": "train",
        "images": [{"path": f"{number}.jpg", "bytes": None}],
        "context": "",
        "question": "Which animal is it?",
        "options": [],
        "candidate": None,
        "rfp": "Be short.",
        "prompt": "<image>\nWhich animal is it?\nBe short.",
        "response": "cat",
        "messages": [],
        "native_style": "short_answer",
        "style": "short_answer",
        "maker": "native",
        "gold": "cat",
        "accepted": ["cat", "kitten"],
        "group": "g",
        "turn": 0,
        "source_file": "train.json",
        "source_row": number,
        "template": None,
        "seed": 0,
        "checks": [],
    }
    return row | changes


def make_choice(number: int = 0, **changes: Any) -> dict[str, Any]:
    return (
        make_row(
            number,
            style="multiple_choice",
            maker="mined",
            options=["dog", "cat"],
            response="B",
            rfp="Give the letter.",
            prompt="<image>\nWhich animal is it?\nA. dog\nB. cat\nGive the letter.",
            template="multiple_choice/_default@12ab",
        )
        | changes
    )


def make_batches(rows: list[dict[str, Any]], size: int = 1000) -> list[pa.RecordBatch]:
    return pa.Table.from_pylist(rows, schema=SHARD_SCHEMA).to_batches(max_chunksize=size)


def make_picture(width: int = 40, height: int = 20, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 60, 60)).save(buffer, form)
    return buffer.getvalue()
