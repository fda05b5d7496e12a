"""Events of a run: every line is whole, and together they tell how it went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.asd.cli_runner import run_asd


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_run_tells_its_stages_and_its_result(tmp_path: Path) -> None:
    done = run_asd(
        "convert", "--task", "scienceqa", "--out", tmp_path / "out", "--events", tmp_path / "log" / "e.jsonl"
    )
    assert done.code == 0, done.err
    events = read(tmp_path / "log" / "e.jsonl")
    assert [event["event"] for event in events[:1] + events[-1:]] == ["begin", "end"]
    assert [event["name"] for event in events if event["event"] == "stage"] == ["reading", "converting", "writing"]
    last = [event for event in events if event["event"] == "progress"][-1]
    assert (last["stage"], last["rows"], last["total"]) == ("writing", 120, 120)
    assert events[-1]["counts"]["samples"] == 120
    assert {event["task"] for event in events} == {"scienceqa"}


def test_a_failure_is_told_and_the_file_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "e.jsonl"
    (tmp_path / "bad.json").write_text("{", "utf-8")
    arguments = ("convert", "--task", "scienceqa", "--out", tmp_path / "out", "--events", log)
    assert run_asd(*arguments, "--source", tmp_path / "bad.json").code != 0
    assert run_asd(*arguments).code == 0
    events = read(log)
    assert [event["event"] for event in events if event["event"] in ("begin", "end", "error")] == [
        "begin",
        "error",
        "begin",
        "end",
    ]
    error = next(event for event in events if event["event"] == "error")
    assert "bad.json" in error["text"]


def test_where_events_cannot_go(tmp_path: Path) -> None:
    done = run_asd("convert", "--task", "scienceqa", "--out", tmp_path / "out", "--events", "/dev/full")
    assert done.code != 0
    assert "Traceback" not in done.err
    done = run_asd("convert", "--recipe", "coin/asd", "--jobs", "2", "--events", tmp_path / "e.jsonl")
    assert "--events tells of one process; give it without --jobs and --shard-index." in done.err
