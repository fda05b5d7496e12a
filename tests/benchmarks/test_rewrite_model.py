"""What the benchmark of a real model's replies sums up."""

from __future__ import annotations

from typing import Any

import pytest
from rewrite_model import print_summary, reading_sheet, show_refused, summarise


def tried(prompt: int, reply: int, *slugs: str) -> dict[str, Any]:
    return {"text": "{}", "prompt_tokens": prompt, "reply_tokens": reply, "problems": [[slug, "why"] for slug in slugs]}


def line(text: str | None, *tries: dict[str, Any]) -> dict[str, Any]:
    return {"task": "gqa", "style": "yes_no", "id": "1", "question": "Q?", "gold": "a", "text": text, "seconds": 2.0,
            "tries": list(tries)}  # fmt: skip


def test_figures_by_style_and_task(capsys: pytest.CaptureFixture[str]) -> None:
    """A check counts once a reply, however many of its wrong answers fail it; a refused request is no reply."""
    lines = [
        line("b", tried(100, 10)),
        line("c", tried(110, 20, "markup", "markup"), tried(200, 30)),
        line(None, tried(120, 60, "markup", "duplicate"), {"refused": "context_too_long"}),
    ]
    cells = summarise(lines)["cells"]
    assert list(cells) == ["yes_no", "yes_no gqa"] and cells["yes_no"] == cells["yes_no gqa"]
    assert cells["yes_no"] == {
        "samples": 3, "accepted": 2, "accepted_at_once": 1, "requests": 4, "prompt_tokens_first": 110.0,
        "prompt_tokens": 132.5, "reply_tokens": 30.0, "seconds_a_sample": 2.0,
        "failed_checks": {"markup": 2, "duplicate": 1},
    }  # fmt: skip
    print_summary({"cells": cells})
    show_refused(lines, 5)
    out = capsys.readouterr().out
    assert "markup 2, duplicate 1" in out and "== yes_no markup: 3 times" in out


def test_sheet_for_reading_holds_what_was_accepted_and_its_checks() -> None:
    lines = [
        {**line("a | b", tried(1, 1)), "checks": ["markup", "duplicate"]},
        {**line("c", tried(1, 1, "markup"), tried(1, 1)), "checks": ["markup"]},
        {**line("d", tried(1, 1)), "task": "vqav2"},
        line(None, tried(1, 1, "markup")),
    ]
    sheet = reading_sheet(lines, 2)
    assert "## yes_no: 3 accepted\n\nPassed: markup, duplicate.\n" in sheet
    assert "| 1 | gqa | Q? | a | a \\| b |  | |\n| 2 | vqav2 | Q? | a | d |  | |\n" in sheet, "each task in turn"
    assert "| 2 | gqa | Q? | a | c | markup | |" in reading_sheet(lines[:2], 9)
    assert "## multiple_choice: 0 accepted" in sheet
