"""Reading a judge's reply: JSON as asked, or what models write instead; what cannot be read is never a zero."""

from __future__ import annotations

import pytest

from asd.judging.verdict import read_reply
from asd.rewrite.request import Completion, Refusal


def reply(text: str) -> Completion:
    return Completion(text, "stop", 1, 1, "00")


@pytest.mark.parametrize(
    ("text", "points", "legacy"),
    [
        ('{"points": 10}', 10.0, 10.0),
        ('{"points": 0}', 0.0, 0.0),
        ('{"points": 7.5}', 7.5, 7.5),
        ('{"points": "8/10"}', 8.0, 8.0),
        ('Sure:\n```json\n{"points": 9,}\n```', 9.0, 9.0),
        ('<think>3 or {"points": 2}?</think>{"points": 8}', 8.0, 8.0),
        ("<think>3 or 4</think>\n6", 6.0, 6.0),
        ("10", 10.0, 10.0),
        ("Score: 10", 10.0, 1.0),
        ("Score: 8/10", 8.0, 0.0),
        ("I give it 8 out of 10.", 8.0, 8.0),
    ],
)
def test_verdicts_that_can_be_read(text: str, points: float, legacy: float) -> None:
    found = read_reply(reply(text))
    assert (found.points, found.legacy, found.reason) == (points, legacy, "")


@pytest.mark.parametrize(
    ("text", "reason", "legacy"),
    [
        ("I cannot say.", "no points named", 0.0),
        ("Between 3 and 7.", "not one number from 0 to 10", 3.0),
        ('{"points": 11}', "not one number from 0 to 10", 0.0),
        ('{"points": -4}', "not one number from 0 to 10", -4.0),
        ('{"points": true}', "no points named", 0.0),
        ("", "no points named", 0.0),
    ],
)
def test_verdicts_that_cannot(text: str, reason: str, legacy: float) -> None:
    found = read_reply(reply(text))
    assert (found.points, found.legacy, found.reason) == (None, legacy, reason)


def test_a_refused_request() -> None:
    found = read_reply(Refusal("content_filter", "no"))
    assert (found.points, found.reason, found.reply) == (None, "refused: content_filter", "no")
