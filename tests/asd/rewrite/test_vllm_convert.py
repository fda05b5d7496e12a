"""`asd convert` with a real vLLM and a small language model: guided decoding, refusals, fallback, a killed server."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import asd
from tests.servers.real_vllm import REPO, SERVER_ARGS, kill_server, server_processes

pytestmark = pytest.mark.vllm

TASK = ["--task", "textvqa", "--ratio", "0.1", "--attempts", "2", "--images", "never", "--max-reply-tokens", "96"]


def start_convert(folder: Path, model: str, name: str, kind: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "asd.cli.main", "convert", *TASK, "--out", str(folder / name), "--json"]
    command += ["--rewriter", kind, "--model", model, "--rewrite-cache", str(folder / "cache.sqlite"), *more]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def server_options() -> list[str]:
    return [part for name, value in SERVER_ARGS.items() for part in ("--server-arg", f"{name}={value}")]


def wait_for_replies(process: subprocess.Popen[str], cache: Path, count: int) -> None:
    while replies_in(cache) < count:
        if process.poll() is not None:
            raise AssertionError(f"asd convert ended before its first replies:\n{process.communicate()[1]}")
        time.sleep(0.02)


def replies_in(cache: Path) -> int:
    try:
        with sqlite3.connect(f"file:{cache}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM replies").fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return 0


def finish(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    try:
        out, err = process.communicate(timeout=900)
    finally:
        process.kill()
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out)
    return result, err


def test_killed_server_checks_on_meaning_and_the_cache(small_llm: str, tmp_path: Path) -> None:
    """In one, because starting a server takes half a minute."""
    # its path tells our server from others of the session
    model = shutil.copytree(small_llm, str(tmp_path / "small"), copy_function=os.link)
    process = start_convert(tmp_path, model, "first", "vllm", *server_options())
    wait_for_replies(process, tmp_path / "cache.sqlite", 3)
    killed = kill_server(model)
    first, err = finish(process)
    assert "vLLM ended (killed by SIGKILL); starting it again, 1 of 3" in err
    assert server_processes(model) == [] and killed > 0
    assert_language_was_checked(first)
    assert_reasons_stand_in_the_rows(Path(first["path"]))
    again, _ = finish(start_convert(tmp_path, model, "again", "cache"))
    assert again["making"]["sends"] == 0 and again["making"]["cache_hits"] > 0
    assert shards_of(again) == shards_of(first)


def assert_language_was_checked(outcome: dict[str, Any]) -> None:
    """Most of what so small a model writes is refused; all samples keep their share through rules, mined answers and
    other styles."""
    counts, rewriter = outcome["counts"], outcome["rewriter"]
    assert counts["converted"] == counts["wanted"] == 12 and counts["shortfall"] == 0
    assert rewriter["asked"] > 0 and rewriter["written"] < rewriter["asked"]
    assert rewriter["attempts"] > rewriter["asked"], "nothing was asked for again"
    form = {"reply_no_json", "reply_bad_json", "reply_wrong_schema"}
    assert not form & {reason.split(": ")[1] for reason in rewriter["declined"]}, "guided decoding failed"


def assert_reasons_stand_in_the_rows(dataset: Path) -> None:
    rows = [row for row in asd.load(str(dataset)) if row["rewrite"] is not None]
    assert_every_reply_is_counted(rows)
    refused = [row["rewrite"]["declined"] for row in rows if row["maker"] != "rewriter"]
    assert refused and all(refused)
    assert all(reason.split(": ")[1].startswith("reply_") for reasons in refused for reason in reasons)


def assert_every_reply_is_counted(rows: list[dict[str, Any]]) -> None:
    """Two tries a style, all of them refused but the last of a written row, which counts those of its own style."""
    for record, is_written in ((row["rewrite"], row["maker"] == "rewriter") for row in rows):
        earlier = 2 * len(record["declined"])
        assert len(record["requests"]) == earlier + (record["attempts"] if is_written else 0)
        assert record["attempts"] in ((1, 2) if is_written else (earlier,))


def shards_of(outcome: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["path"], entry["sha256"]) for entry in outcome["files"]]
