"""Boxes of any numbers and texts: each is read or refused, and what is read stands within the image, corners in order.

    python -m tests.fuzz.boxes --inputs 20000 [--seed 0] [--only TRIAL]

For every conversion: rows = samples + rejects, and each gold box of a sample can be read back. Not part of CI.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path

import asd
from asd.schemas.boxes import parse_box
from tests.fuzz.frame import INPUTS, main, require

ROWS = 40


def number(draw: random.Random) -> str:
    odd = ("NaN", "Infinity", "-Infinity", "1e400", "-0.0", "1" * 400, '"x"', "null", "[1]", "true", '"0.5"', "1e-400")
    return draw.choice(odd) if draw.random() < 0.05 else f"{draw.choice((1, 1, 1, 1, 100, -1)) * draw.random():.3f}"


def box(draw: random.Random) -> str:
    return f"[{', '.join(number(draw) for _ in range(draw.choice((4, 4, 4, 4, 4, 4, 3, 5, 0))))}]"


def sound_box(draw: random.Random) -> str:
    x, y = draw.uniform(0.0, 0.4), draw.uniform(0.0, 0.4)
    return f"[{x:.3f}, {y:.3f}, {x + 0.3:.3f}, {y + 0.4:.3f}]"


def trial(draw: random.Random, folder: Path) -> Counter[str]:
    boxes = [sound_box(draw) if draw.random() < 0.8 else box(draw) for _ in range(ROWS)]
    question = "Where is the cup? Please provide the bounding box coordinate of the region."
    talks = [
        {"id": f"b{place}", "image": "a.png",
         "conversations": [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": one}]}
        for place, one in enumerate(boxes)
    ]  # fmt: skip
    (folder / "rows.json").write_text(json.dumps(talks))
    done = asd.convert(task="grounding", source=folder / "rows.json", out=folder / "out", workers=1, max_reject_rate=1)
    counts = done.manifest.counts
    rejects = sum(counts.rejects.values())
    require(counts.samples + rejects == ROWS, f"{counts.samples} samples and {rejects} rejects of {ROWS} rows")
    for gold, style in zip(*(asd.load(folder / "out")[name] for name in ("gold", "style")), strict=True):
        if style == "bounding_box":
            left, top, right, bottom = parse_box(gold)
            require(0 <= left < right <= 1 and 0 <= top < bottom <= 1, f"the box {gold} of a sample")
    return Counter({INPUTS: ROWS, "samples": counts.samples, "rejects": rejects})


if __name__ == "__main__":
    sys.exit(main(trial, str(__doc__)))
