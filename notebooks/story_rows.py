"""Rows of our own for the story in docs/story.md: sums in words, each with its number, a sentence, and its steps.

python notebooks/story_rows.py rows.jsonl
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

NAMES = ("Ann", "Ben", "Cleo", "Dan", "Ella", "Finn", "Gwen", "Hal", "Iris", "Jon")
THINGS = ("pens", "stamps", "shells", "marbles", "cards", "buttons", "beads", "coins", "apples", "books")
PLACES = ("tin", "drawer", "bag", "box", "jar", "basket")


def row(number: int, draw: Random) -> dict[str, str]:
    name, things, place = draw.choice(NAMES), draw.choice(THINGS), draw.choice(PLACES)
    first, second = draw.randint(12, 60), draw.randint(3, 11)
    if draw.random() < 0.5:
        told, right, sign = f"puts {second} more into it", first + second, "+"
        because = f"The {place} holds {first} {things} at first. {name} puts {second} more into it, so they are added."
    else:
        told, right, sign = f"takes {second} out of it", first - second, "-"
        because = (
            f"The {place} holds {first} {things} at first. {name} takes {second} out of it, so they are subtracted."
        )
    return {
        "id": f"sum-{number:04d}",
        "question": f"A {place} holds {first} {things}. {name} {told}. How many {things} does it hold then?",
        "answer": str(right),
        "sentence": f"The {place} holds {right} {things} then.",
        "steps": f"{because} {first} {sign} {second} = {right}. The {place} holds {right} {things} then.",
    }


def write(path: Path, train: int = 300, test: int = 40, seed: int = 0) -> None:
    """Rows of which no two ask the same."""
    draw = Random(seed)
    drawn = {one["question"]: one for one in (row(number, draw) for number in range(2 * (train + test)))}
    rows = [{**one, "split": "train" if place < train else "test"} for place, one in enumerate(drawn.values())]
    path.write_text("".join(json.dumps(one) + "\n" for one in rows[: train + test]), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
