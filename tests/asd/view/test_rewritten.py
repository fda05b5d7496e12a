"""The viewer on a version that a language model had a part in: a scripted server, real requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import asd
from asd.columns import REWRITE
from asd.view.query import Query, rows_declined
from asd.view.rows import VersionRows
from asd.view.viewer import Viewer
from tests.asd.sources_made import vqa_records, write_lines
from tests.asd.view.test_query import found_by
from tests.servers.running import RunningServer


def test_second_opinions_are_found(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "source.jsonl", vqa_records(80))
    with RunningServer(log=tmp_path / "log.jsonl", model="scripted") as server:
        rewriter = {"kind": "openai", "base_urls": [server.base_url], "model": "scripted", "images": "never",
                    "cache": tmp_path / "cache.sqlite", "judge": "count"}  # fmt: skip
        done = asd.convert("vqav2", source, out=tmp_path / "data", ratio=0.6, rewriter=rewriter)
    rows, loaded = VersionRows(done.path, None), asd.load(done.path).to_list()
    assert rows.has_rewriter
    for judged, reason in (("disagrees", "second opinion disagrees"), ("unclear", "second opinion unclear")):
        wanted = [number for number, row in enumerate(loaded) if (row["rewrite"] or {}).get("judge") == judged]
        assert found_by(rows, Query(reason=reason)) == wanted
    not_taken = [number for number, row in enumerate(loaded) if row["rewrite"] and row["rewrite"]["template"] is None]
    assert found_by(rows, Query(reason="rewriter not taken")) == not_taken
    viewer = Viewer(done.path)
    assert "second opinion disagrees" in viewer.facets("latest")["reason"]
    written = next(number for number, row in enumerate(loaded) if row["maker"] == "rewriter")
    assert "model scripted" in viewer.card("latest", written, "")["html"]


def part(*declined: str) -> dict[str, Any]:
    return {"model": "m", "revision": "", "template": None, "attempts": 1, "judge": None, "prompt_tokens": 1,
            "completion_tokens": 1, "requests": [], "replies": "", "declined": list(declined)}  # fmt: skip


@pytest.mark.parametrize("offset", [0, 1, 3])
def test_rows_by_why_the_text_was_not_taken(offset: int) -> None:
    parts = [
        part("yes_no: a"),
        None,
        part(),
        part("multiple_choice: b", "yes_no: a"),
        part("yes_no: ab"),
        None,
        part("yes_no: a"),
    ]
    column = pa.array(parts, REWRITE).slice(offset)
    assert [offset + int(place) for place in rows_declined(column, "yes_no: a").nonzero()[0]] == [
        number for number in (0, 3, 6) if number >= offset
    ]
