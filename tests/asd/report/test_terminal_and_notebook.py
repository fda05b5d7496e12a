"""Plain views of the same row."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

from report_rows import make_choice, make_picture, make_row
from rich.console import Console

from asd.report.notebook import SampleView
from asd.report.terminal import print_samples, print_summary


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=100, color_system=None), out


def test_samples_show_prompt_answer_and_origin() -> None:
    screen, out = console()
    print_samples([make_choice(3), make_row(4)], screen)
    for text in ("Which animal is it?", "A. dog", "→ B", "gold: cat", "also accepted: kitten", "train.json:3",
                 "multiple_choice, from short_answer by mined", "short_answer, native"):  # fmt: skip
        assert text in out.getvalue()


def test_data_is_never_read_as_markup_or_terminal_codes() -> None:
    screen, out = console()
    print_samples([make_row(response="[red]\x1b[2Jcat[/red]", gold="[/]", source_file="[bold]")], screen)
    assert "\x1b" not in out.getvalue()
    assert "[red]\ufffd[2Jcat[/red]" in out.getvalue()


def test_summary(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    screen, out = console()
    print_summary(manifest | {"figures": figures}, screen)
    for text in ("abc123", "80.0%", "too_few_answers", "no_answer", "Letters are balanced", "bad"):
        assert text in out.getvalue()
    assert "no data" not in out.getvalue()


def test_empty_summary_prints() -> None:
    screen, out = console()
    print_summary({}, screen)
    assert out.getvalue().strip() == ""


def test_importing_the_terminal_view_leaves_rich_alone() -> None:
    code = "import sys, asd.report.terminal; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_notebook_view_has_both_forms() -> None:
    row = make_choice(5, images=[{"path": "5.jpg", "bytes": make_picture()}], question="<script>")
    html = SampleView(row)._repr_html_()
    assert type(html) is str
    assert "<script>" not in html
    assert "data:image/jpeg;base64," in html
    text = repr(SampleView(row))
    assert text.splitlines()[:3] == [
        "demo/train/00005 · multiple_choice (from short_answer by mined)",
        "source: train.json:5",
        "image: 5.jpg",
    ]
    assert "  B. cat" in text
