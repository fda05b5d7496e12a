"""From a judge's reply to points: the number of the JSON that was asked for, else the points that a text names."""

from __future__ import annotations

from typing import NamedTuple

from asd.rewrite.reply_text import read_object
from asd.rewrite.request import Completion, Refusal
from asd.scoring.judge_verdict import FULL_POINTS, read_verdict, read_verdict_legacy

_SHOWN = 200
_THOUGHT_END = "</think>"


class Judged(NamedTuple):
    """What came of one item. `points`: 0 to 10, None where the verdict cannot be read; `reason` then says why.
    `legacy`: the points by CoIN's reader, which always finds some. `reply`: its beginning, for people."""

    points: float | None
    legacy: float
    reason: str
    reply: str


def read_reply(reply: Completion | Refusal) -> Judged:
    """Raises nothing: a verdict that cannot be read is no zero, it is counted."""
    if isinstance(reply, Refusal):
        return Judged(None, 0.0, f"refused: {reply.reason}", reply.detail[:_SHOWN])
    said = _said(reply.text)
    points = read_verdict(said)
    reason = "" if points is not None else _why(said)
    return Judged(points, read_verdict_legacy(said), reason, reply.text.strip()[:_SHOWN])


def _said(text: str) -> str:
    """The value of "points" as text where the reply is such JSON, else the reply itself, without a model's thoughts."""
    reply = read_object(text)
    if isinstance(reply, dict) and "points" in reply:
        value = reply["points"]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return f"{value:g}" if is_number else str(value)
    return text.rsplit(_THOUGHT_END, 1)[-1].strip()


def _why(said: str) -> str:
    if not any(char.isdigit() for char in said):
        return "no points named"
    return f"not one number from 0 to {FULL_POINTS:g}"
