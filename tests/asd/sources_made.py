"""Small sources in LLaVA conversation form, made on the spot."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

RFP = "Answer the question using a single word or phrase."
COLOURS = [
    "red",
    "blue",
    "green",
    "black",
    "white",
    "brown",
    "yellow",
    "pink",
    "orange",
    "purple",
    "gray",
    "gold",
]
THINGS = ["car", "dog", "hat", "cup", "bench", "kite", "train", "clock", "shirt", "door"]


def vqa_records(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Short-answer questions about colours, numbers and places, and yes/no questions."""
    draw = random.Random(seed)
    records = []
    for number in range(count):
        thing = draw.choice(THINGS)
        question, answer = draw.choice(
            [
                (f"What color is the {thing}?", draw.choice(COLOURS)),
                (f"How many {thing}s are there?", str(draw.randint(1, 9))),
                (f"Is the {thing} {draw.choice(COLOURS)}?", draw.choice(["yes", "no"])),
                (
                    f"Where is the {thing}?",
                    draw.choice(["on the table", "in the street", "on the grass", "in a box"]),
                ),
            ]
        )
        records.append(record(f"q{number}", question, answer))
    return records


def record(identity: str, question: str, answer: str, **extra: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"<image>\n{question}\n{RFP}"}, {"from": "gpt", "value": answer}]
    return {"id": identity, "image": f"images/{identity}.jpg", "conversations": turns, **extra}


def write_lines(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in records), encoding="utf-8")
    return path
