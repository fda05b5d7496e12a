"""The language model's part, in every view; views of rows without one are as they were."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from report_rows import make_batches, make_choice, make_row
from rich.console import Console

import asd
from asd.columns import REWRITTEN_SCHEMA
from asd.report.cards import make_card
from asd.report.html import render_report
from asd.report.notebook import SampleView
from asd.report.rewriting import describe_rewrite, rewriter_facts
from asd.report.terminal import print_samples
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines
from tests.servers.running import RunningServer

EVIL = "<script>alert(1)</script>\"'\x1b[2J"
TAKEN = "model m/7b@a1 · asked 2x · checks passed · 1,412+38 tokens · template rewrite/yes_no/_default@12ab"
FELL_BACK = "model m/7b@a1 · asked 3x · declined: yes_no: wrong_verdict · 1,412+38 tokens"
ENTRY = {
    "model": "m/7b",
    "revision": "a1",
    "asked": 80,
    "written": 60,
    "replies": 1234,
    "prompt_tokens": 27772,
    "completion_tokens": 2758,
    "declined": {"yes_no: wrong_verdict": 4, "multiple_choice: duplicate": 16},
    "judged": {},
}


def made_by_model(**changes: Any) -> dict[str, Any]:
    return {
        "model": "m/7b",
        "revision": "a1",
        "template": "rewrite/yes_no/_default@12ab",
        "attempts": 2,
        "judge": None,
        "prompt_tokens": 1412,
        "completion_tokens": 38,
        "requests": ["f0"],
        "replies": "e0",
        "declined": [],
    } | changes


def fell_back() -> dict[str, Any]:
    return made_by_model(template=None, attempts=3, declined=["yes_no: wrong_verdict"])


def on_screen(row: dict[str, Any]) -> str:
    out = io.StringIO()
    print_samples([row], Console(file=out, width=200, color_system=None))
    return out.getvalue()


def shown_by_page(text: str) -> str:
    """What a reader sees: the page's text, unescaped."""
    seen: list[str] = []
    parser = HTMLParser()
    parser.handle_data = seen.append  # type: ignore[method-assign]
    parser.feed(text)
    parser.close()
    return "".join(seen)


@pytest.mark.parametrize(
    ("rewrite", "line"),
    [
        (None, None),
        (made_by_model(), TAKEN),
        (fell_back(), FELL_BACK),
        (made_by_model(revision=""), TAKEN.replace("@a1", "")),
        (made_by_model(judge="agrees"), TAKEN.replace("passed", "passed · second opinion agrees")),
        (
            made_by_model(declined=["multiple_choice: duplicate"]),
            TAKEN.replace("passed", "passed · declined: multiple_choice: duplicate"),
        ),
    ],
)
def test_the_line(rewrite: dict[str, Any] | None, line: str | None) -> None:
    assert describe_rewrite(rewrite) == line


@pytest.mark.parametrize(("rewrite", "line"), [(made_by_model(), TAKEN), (fell_back(), FELL_BACK)])
def test_every_view_shows_it(rewrite: dict[str, Any], line: str) -> None:
    row = make_choice(rewrite=rewrite, maker="rewriter")
    assert f"rewriter: {line}" in on_screen(row)
    assert f"rewriter: {line}" in repr(SampleView(row)).splitlines()
    assert f"Rewriter: {line}" in shown_by_page(SampleView(row)._repr_html_())


@pytest.mark.parametrize("row", [make_row(), make_choice()])
def test_rows_without_one_look_the_same_in_both_formats(row: dict[str, Any]) -> None:
    second = row | {"rewrite": None}
    assert on_screen(second) == on_screen(row)
    assert repr(SampleView(second)) == repr(SampleView(row))
    assert SampleView(second)._repr_html_() == SampleView(row)._repr_html_()
    assert "ewriter" not in on_screen(row) + repr(SampleView(row)) + SampleView(row)._repr_html_()


def test_it_is_escaped_everywhere(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    told = made_by_model(model=EVIL, revision=EVIL, template=EVIL, judge=EVIL, declined=[EVIL])
    row = make_choice(rewrite=told, maker="rewriter")
    assert "\x1b" not in on_screen(row) + repr(SampleView(row))
    manifest["rewriter"] = ENTRY | {"model": EVIL, "revision": EVIL, "declined": {EVIL: 1}, "judged": {EVIL: 1}}
    batches = pa.Table.from_pylist([row], schema=REWRITTEN_SCHEMA).to_batches()
    page = render_report(manifest, batches, figures, None)
    for text in (page, SampleView(row)._repr_html_()):
        assert "&lt;script&gt;" in text
        assert "<script" not in text
        assert "\x1b" not in text
    assert make_card(row).rewrite is not None


def test_the_page_sums_up_the_manifests_entry(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    batches = make_batches([make_row()])
    without = render_report(manifest | {"rewriter": None}, batches, figures, None)
    assert without == render_report(manifest, batches, figures, None)
    assert "<h2>Rewriter</h2>" not in without
    page = render_report(manifest | {"rewriter": ENTRY}, batches, figures, None)
    section = page[page.index("<h2>Rewriter</h2>") : page.index("<h2>What was left alone")]
    for text in ("m/7b@a1", "60 of 80 rows asked about (75.0%)", "1,234", "27,772 of prompts, 2,758 of replies"):
        assert text in section
    assert section.index("multiple_choice: duplicate</td><td") < section.index("yes_no: wrong_verdict</td><td")
    assert "Second opinion" not in section
    assert "<h3>Second opinion</h3>" in render_report(
        manifest | {"rewriter": ENTRY | {"judged": {"agrees": 60}}}, batches, figures, None
    )


def test_nothing_asked_is_no_share() -> None:
    assert ("Texts accepted", "0 of 0 rows asked about") in rewriter_facts(ENTRY | {"asked": 0, "written": 0})
    assert rewriter_facts({}) == []


def test_a_version_made_with_a_server(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "source.jsonl", vqa_records(24))
    with RunningServer(model="scripted") as server:
        rewriter = {"kind": "openai", "base_urls": [server.base_url], "model": "scripted", "images": "never"}
        rewriter["cache"] = str(tmp_path / "cache.sqlite")
        done = asd.convert("vqav2", source, ratio=0.5, out=tmp_path / "data", rewriter=rewriter)
    cards = run_asd("inspect", done.path)
    assert cards.code == 0
    assert "rewriter: model scripted · asked 1x · checks passed · " in cards.out
    assert run_asd("inspect", done.path, "--html", tmp_path / "page.html").code == 0
    page = shown_by_page((tmp_path / "page.html").read_text("utf-8"))
    assert "Rewriter: model scripted · asked " in page
    entry = done.manifest.rewriter
    assert entry is not None
    assert f"{entry.written} of {entry.asked} rows asked about" in page
