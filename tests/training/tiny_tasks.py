"""Two small tasks with one image a question, as LLaVA conversations: colours by name, and shades by letter."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 220), "white": (240, 240, 240)}
SHORT = "Reply with a single word or a short phrase."
LETTER = "Reply with the letter of the right option only."


def write_colours(folder: Path, *, train: int = 24, test: int = 6) -> Path:
    """The source of task vqav2: "What colour is the picture?" Every sixth question is of text alone."""
    for split, count in (("train", train), ("test", test)):
        records = []
        for number in range(count):
            name = list(COLOURS)[number % 4]
            if number % 6 == 5:
                records.append(_record(f"t{number}", None, f"Which word is this: {name}?\n{SHORT}", name))
            else:
                image = _picture(folder, f"{split}/{number}.png", COLOURS[name], number)
                records.append(_record(f"c{number}", image, f"<image>\nWhat colour is it?\n{SHORT}", name))
        _write(folder / f"{split}.json", records)
    return folder


def write_shades(folder: Path, *, train: int = 24, test: int = 6) -> Path:
    """The source of task scienceqa: "Is the picture dark or light?" with two options."""
    for split, count in (("train", train), ("test", test)):
        records = []
        for number in range(count):
            shade = 30 if number % 2 else 220
            options = ["dark", "light"] if number % 3 else ["light", "dark"]
            answer = "AB"[options.index("dark" if shade == 30 else "light")]
            image = _picture(folder, f"{split}/{number}.png", (shade,) * 3, number)
            asked = f"<image>\nIs the picture {number} dark or light?\nA. {options[0]}\nB. {options[1]}\n{LETTER}"
            records.append(_record(f"s{number}", image, asked, answer))
        _write(folder / f"{split}.json", records)
    return folder


def two_tasks(root: Path, **counts: int) -> dict[str, Any]:
    """The `data` section of a run on both tasks, converted on the fly."""
    colours, shades = write_colours(root / "colours", **counts), write_shades(root / "shades", **counts)
    return {
        "root": str(root / "asd"),
        "convert": {"ratio": 0.25},
        "tasks": [
            {"task": "vqav2", "source": str(colours), "image_root": str(colours)},
            {"task": "scienceqa", "source": str(shades), "image_root": str(shades)},
        ],
    }


def _record(record_id: str, image: str | None, question: str, answer: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"id": record_id, **({"image": image} if image else {}), "conversations": turns}


def _picture(folder: Path, path: str, colour: tuple[int, ...], number: int) -> str:
    draw = Random(number)
    noisy = tuple(max(0, min(255, value + draw.randint(-10, 10))) for value in colour)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 16), noisy).save(folder / path)
    return path


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(records), encoding="utf-8")
