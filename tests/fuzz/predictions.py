"""Prediction files, damaged: each is scored or refused in one message, and every prediction counts once.

    python -m tests.fuzz.predictions --inputs 5000 [--seed 0] [--only TRIAL]

Not part of CI.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from asd.scoring.predictions import read_predictions, score_predictions
from tests.fuzz.damage import damaged
from tests.fuzz.files import ODD_TEXTS, as_array, as_arrow, as_gzip, as_lines
from tests.fuzz.frame import INPUTS, main, require

FORMATS = {"p.jsonl": as_lines, "p.json": as_array, "p.arrow": as_arrow, "p.jsonl.gz": as_gzip}
RULES = (
    "exact_match",
    "label",
    "vqa_soft",
    "iou",
    "letter",
    "anls",
    "relaxed_number",
    "contains",
    "yes_no",
    "final_number",
)


def trial(draw: random.Random, folder: Path) -> Counter[str]:
    name = draw.choice(list(FORMATS))
    path = folder / name
    path.write_bytes(damaged(FORMATS[name](_predictions(draw)), draw))
    found = read_predictions(str(path))
    report = score_predictions(str(path), task="fuzzed", scorer=draw.choice(RULES))
    require(report.questions == len(found), f"{report.questions} questions of {len(found)} predictions")
    require(0.0 <= report.fixed <= 1.0, f"a score of {report.fixed}")
    return Counter({INPUTS: 1, f"scored: {name}": 1, "predictions": report.questions})


def _predictions(draw: random.Random) -> list[dict[str, Any]]:
    def text() -> str:
        return draw.choice((*ODD_TEXTS, "cup", "The answer is B.", "0.5", "45%", "Yes.", "[0.1, 0.2, 0.3, 0.4]"))

    return [
        {
            "question_id": f"q{number}",
            "text": text(),
            "answer": text() or "cup",
            "options": ["cup", "dog"],
            "prompt": "What?",
        }
        for number in range(draw.randrange(1, 20))
    ]


if __name__ == "__main__":
    sys.exit(main(trial, str(__doc__)))
