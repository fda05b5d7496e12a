"""`asd convert` with a real small model: guided decoding, refusals and fallback with language instead of noise."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import asd
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import record, write_lines
from tests.servers.small_model import find_gguf

pytestmark = pytest.mark.llm
ROWS = [
    ("What animal is on the sofa?", "cat"), ("What color is the bus?", "red"), ("Where is the man standing?", "beach"),
    ("What is on the plate?", "pizza"), ("What sport is being played?", "tennis"), ("What room is this?", "kitchen"),
    ("What is the woman holding?", "umbrella"), ("What is the boy wearing?", "helmet"),
]  # fmt: skip
UNREADABLE = {"reply_no_json", "reply_bad_json", "reply_wrong_schema"}


def convert(source: Path, folder: Path, name: str, *options: object) -> dict[str, Any]:
    done = run_asd("convert", "--task", "vqav2", "--source", source, "--ratio", "0.5", "--out", folder / name, "--json",
                   "--model", find_gguf(), "--attempts", "1", "--rewriter-styles", "yes_no,brief_explanation",
                   "--max-reply-tokens", "96", "--rewrite-cache", folder / "cache.sqlite", *options)  # fmt: skip
    assert done.code == 0, done.err
    outcome: dict[str, Any] = json.loads(done.out)
    return outcome


def test_a_small_model_is_asked_checked_and_replayed(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "rows.jsonl", [record(f"r{n}", *row) for n, row in enumerate(ROWS)])
    own = ["--rewriter", "llama-cpp", "--server-arg", "threads=1", "--server-arg", "slots=2"]
    first = convert(source, tmp_path, "first", *own)
    counts, rewriter = first["counts"], first["rewriter"]
    assert counts["converted"] == counts["wanted"] == 4 and counts["shortfall"] == 0
    assert rewriter["asked"] > 0 and rewriter["model"] == find_gguf().name
    assert rewriter["revision"] == f"sha256:{hashlib.sha256(find_gguf().read_bytes()).hexdigest()}"
    reasons = {reason.split(": ")[1] for reason in rewriter["declined"]}
    assert not reasons & UNREADABLE, "guided decoding failed"
    rows = [row for row in asd.load(tmp_path / "first") if row["rewrite"] is not None]
    assert rows and all(row["rewrite"]["declined"] for row in rows if row["maker"] != "rewriter")
    again = convert(source, tmp_path, "again", "--rewriter", "cache")
    assert again["making"]["sends"] == 0 and again["making"]["cache_hits"] > 0
    shards = [[(entry["path"], entry["sha256"]) for entry in outcome["files"]] for outcome in (first, again)]
    assert shards[0] == shards[1]
