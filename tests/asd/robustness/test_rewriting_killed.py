"""A conversion with a language model survives kills of itself and of the server: same bytes, nothing asked twice."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asd.conversion.merge import merge
from asd.shards.store import Store
from tests.asd.robustness.conversions import (
    Run,
    assert_only_this_remains,
    assert_still_latest,
    contents,
    finish,
    part_elsewhere,
    settings,
    write_source,
)
from tests.servers.running import RunningServer

LATENCY_S = 0.03


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A folder with a source and its version in `data`, made without any trouble; the number of its replies."""
    folder = tmp_path_factory.mktemp("calm")
    write_source(folder, rows=120)
    with RunningServer(log=folder / "log.jsonl", model="scripted") as server:
        finish(with_model(folder, folder, server), folder)
        yield folder, len(server.answered())


def with_model(folder: Path, source: Path, server: RunningServer, **other: Any) -> dict[str, Any]:
    rewriter = {
        "kind": "openai", "model": "scripted", "base_urls": [server.base_url], "images": "never", "max_in_flight": 8,
        "cache": folder / "cache.sqlite", "timeout_s": 5.0, **other,
    }  # fmt: skip
    return settings(folder, source=source / "source.jsonl", shard_rows=30, rewriter=rewriter)


def in_cache(folder: Path) -> int:
    try:
        with sqlite3.connect(f"file:{folder / 'cache.sqlite'}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM replies WHERE status = 'reply'").fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return 0


def assert_as_calm(folder: Path, calm: Path) -> None:
    version = Store(calm / "data").latest()
    assert version is not None
    assert_still_latest(folder / "data", version)
    assert contents(folder / "data" / "versions" / version) == contents(calm / "data" / "versions" / version)
    assert_only_this_remains(folder / "data")


def test_the_pipeline_is_killed_three_times(calm: tuple[Path, int], tmp_path: Path) -> None:
    source, replies = calm
    lost = 0
    with RunningServer(log=tmp_path / "log.jsonl", model="scripted", latency_s=LATENCY_S) as server:
        given = with_model(tmp_path, source, server)
        for share in (0.2, 0.5, 0.8):
            assert Run(given, tmp_path).kill_when(lambda share=share: in_cache(tmp_path) >= share * replies)
            time.sleep(4 * LATENCY_S)  # what is still answered to nobody stands in the log then
            lost += len(server.answered()) - in_cache(tmp_path)
        finish(given, tmp_path)
        answered = server.answered()
    assert_as_calm(tmp_path, source)
    assert len(answered) == replies
    assert sum(answered.values()) - replies <= lost <= 3 * 8, "a reply in the cache was asked for again"
    making = Store(tmp_path / "data").refs()["v1"]["rewriter"]
    assert making["runs"] >= 2
    assert making["replies"] <= sum(answered.values())


def test_the_server_is_killed_and_comes_back(calm: tuple[Path, int], tmp_path: Path) -> None:
    source, replies = calm
    with RunningServer(log=tmp_path / "log.jsonl", model="scripted", latency_s=LATENCY_S) as server:
        run = Run(with_model(tmp_path, source, server), tmp_path)
        while in_cache(tmp_path) < 0.4 * replies:
            time.sleep(0.005)
        server.kill()
        time.sleep(0.5)
        server.start()
        code, message = run.wait()
        assert code == 0, message
        assert sum(server.answered().values()) - replies <= 8
    assert_as_calm(tmp_path, source)
    assert Store(tmp_path / "data").refs()["v1"]["rewriter"]["retries"]


def test_a_third_of_the_answers_are_faults(calm: tuple[Path, int], tmp_path: Path) -> None:
    source, replies = calm
    with RunningServer(log=tmp_path / "log.jsonl", model="scripted", rate=0.3, seed=2) as server:
        finish(with_model(tmp_path, source, server, timeout_s=1.0), tmp_path)
        assert sum(server.answered().values()) == replies
    assert_as_calm(tmp_path, source)


def test_too_many_failures_stop_the_run_and_the_next_goes_on(calm: tuple[Path, int], tmp_path: Path) -> None:
    source, replies = calm
    with RunningServer(log=tmp_path / "log.jsonl", model="scripted", rate=0.5, faults=["reset"]) as server:
        code, message = Run(with_model(tmp_path, source, server, max_failures=20), tmp_path).wait()
        assert code == 3
        assert message.startswith("BudgetError: stopped after 21 failed requests (max_failures 20): ")
        assert len(message.splitlines()) == 1
        assert 0 < in_cache(tmp_path) < replies
        server.control(rate=0.0)
        finish(with_model(tmp_path, source, server), tmp_path)
        assert sum(server.answered().values()) == replies
    assert_as_calm(tmp_path, source)


def test_in_two_parts_of_which_one_is_killed(calm: tuple[Path, int], tmp_path: Path) -> None:
    """Each asks about its own share, with its own cache; the merge asks nothing."""
    source, replies = calm
    with RunningServer(log=tmp_path / "log.jsonl", model="scripted", latency_s=LATENCY_S) as server:

        def start(index: int) -> Run:
            given = with_model(tmp_path, source, server, cache=tmp_path / f"cache-{index}.sqlite")
            return Run({**given, "out": tmp_path / "data", "part": (index, 2, 60.0)}, tmp_path, part_elsewhere)

        runs = [start(0), start(1)]
        assert runs[1].kill_when(lambda: any(tmp_path.glob("data/.staging/*/drafts/0000-*"))), "it was to be killed"
        runs[1] = start(1)
        assert [run.wait() for run in runs] == [(0, "done=True")] * 2
        asked = sum(server.answered().values())
        merge(tmp_path / "data")
        assert sum(server.answered().values()) == asked
        assert len(server.answered()) == replies
    assert_as_calm(tmp_path, source)
