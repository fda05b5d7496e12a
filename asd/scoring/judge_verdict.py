"""Tasks that only a judge model can score, and the reader of a judge's verdict (CoIN's general knowledge)."""

from __future__ import annotations

from contextlib import suppress

from asd.errors import ScoreError
from asd.lazy_regex import regex
from asd.scoring.rule import Reference

FULL_POINTS = 10.0
_NUMBER = r"\d+(?:\.\d+)?"
_VERDICT = regex(rf"(?<![\w.-])({_NUMBER})(?:\s*(?:/|out of)\s*{_NUMBER})?(?![\w-]|\.\d)")
_DIGIT = regex(r"[1-9]")


def needs_judge(prediction: str, reference: Reference) -> float:
    """Raises: ScoreError, always."""
    raise ScoreError(
        "answers of this task are open text, which no rule can score: have a language model rate them with `asd judge`"
    )


def read_verdict(text: str) -> float | None:
    """Points of 0 to 10 in a judge's reply: "8", "Score: 10", "8/10", "7.5 out of 10"; None if it has none, or two.

    Raises nothing: a verdict that cannot be read is not a zero, the caller counts it.
    """
    values = {float(points) for points in _VERDICT.findall(text)}
    value = values.pop() if len(values) == 1 else None
    return value if value is not None and value <= FULL_POINTS else None


def read_verdict_legacy(text: str) -> float:
    """CoIN's reading: "Score: 10" gives 1, "Score: 8/10" gives 0, a negative number is taken, unreadable is 0."""
    with suppress(ValueError):
        points = float(text)
        return points if points <= FULL_POINTS else 0.0
    if "/" in text:
        head = text.split("/")[0]
        return float(head) if head.strip().isdigit() else 0.0
    digit = _DIGIT.search(text)
    return float(digit[0]) if digit else 0.0
