"""Verdicts of a judge without a model: a good one, and those that a scorer must not believe or must read with care."""

from __future__ import annotations

import json
import re
from typing import Any

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SAME = {"couch": "sofa", "two": "2"}
_ORDERS = re.compile(r"\bpoints\b|entirely right", re.IGNORECASE)


def verdict(data: dict[str, Any], manner: str) -> str:
    """`good`: JSON, by the words of the answer. `ten`: 10 for everything. `talks`: "Score: 10". `wordy`: "I give it
    8/10 points". `garbage`: no number, or two."""
    points = 10 if manner == "ten" else points_for(str(data["answer"]), str(data["reference_answer"]))
    if manner == "talks":
        return f"Score: {points}"
    if manner == "wordy":
        return f"The answer is close. I give it {min(points, 8)}/10 points."
    if manner == "garbage":
        return "I cannot say." if points else "Somewhere between 3 and 7."
    return json.dumps({"points": points})


def points_for(answer: str, reference: str) -> int:
    """Share of the reference's words that the answer holds; of two boxes, whether they are near each other."""
    if _ORDERS.search(answer):
        return 0
    if reference.startswith("["):
        edges = [[float(number) for number in _NUMBER.findall(text)] for text in (answer, reference)]
        near = len(edges[0]) == 4 and all(abs(said - right) < 0.1 for said, right in zip(*edges, strict=True))
        return 10 if near else 0
    wanted, said = _words(reference), set(_words(answer))
    return round(10 * sum(word in said for word in wanted) / len(wanted))


def _words(text: str) -> list[str]:
    return [_SAME.get(word, word) for word in re.findall(r"\w+", text.lower())]
