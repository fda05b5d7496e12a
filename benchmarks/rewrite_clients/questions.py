"""The requests that all clients of the benchmark send: a wrong answer is asked for, about 400 tokens of prompt."""

from __future__ import annotations

from typing import Any

SYSTEM = "You write wrong answers for questions about images. " + "The wrong answer is tempting and short. " * 20
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"wrong": {"type": "string", "pattern": "^[^\\n]{1,160}$"}},
    "required": ["wrong"],
    "additionalProperties": False,
}


def user_text(number: int) -> str:
    return f'<q>\n{{"question": "What is on shelf {number}?", "answer": "jar {number}"}}\n</q>'
