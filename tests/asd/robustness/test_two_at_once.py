"""Several processes and one dataset directory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import asd
from asd.errors import UsageError
from asd.shards.store import Store
from tests.asd.robustness.conversions import (
    Run,
    _context,
    assert_only_this_remains,
    assert_still_latest,
    contents,
    finish,
    settings,
    write_source,
)


def test_the_same_version_is_made_once(tmp_path: Path) -> None:
    write_source(tmp_path)
    runs = [Run(settings(tmp_path), tmp_path) for _ in range(3)]
    outcomes = [run.wait() for run in runs]
    assert [code for code, _ in outcomes] == [0, 0, 0]
    assert sorted(message.split()[0] for _, message in outcomes) == [
        "did_work=False",
        "did_work=False",
        "did_work=True",
    ]
    (version,) = {message.split()[1] for _, message in outcomes}
    assert_still_latest(tmp_path / "data", version)
    assert sorted(Store(tmp_path / "data").refs()) == ["v1"]
    assert_only_this_remains(tmp_path / "data")


def test_one_takes_over_when_the_one_it_waits_for_is_killed(tmp_path: Path) -> None:
    write_source(tmp_path)
    first = Run(settings(tmp_path), tmp_path)
    end = time.monotonic() + 30
    while not any(tmp_path.glob("data/.staging/*/ingest/done.json")):
        assert time.monotonic() < end
        time.sleep(0.001)
    second = Run(settings(tmp_path), tmp_path)
    time.sleep(0.05)
    first.kill()
    code, message = second.wait()
    assert code == 0
    assert message.startswith("did_work=True")
    assert_still_latest(tmp_path / "data", message.split()[1])


def test_different_versions_share_a_directory(tmp_path: Path) -> None:
    write_source(tmp_path)
    runs = [Run(settings(tmp_path, seed=seed), tmp_path) for seed in range(3)]
    versions = set()
    for run in runs:
        code, message = run.wait()
        assert code == 0, message
        versions.add(message.split()[1])
    store = Store(tmp_path / "data")
    assert len(versions) == 3
    assert {info.version for info in store.versions()} == versions
    assert sorted(store.refs()) == ["v1", "v2", "v3"]
    for version in versions:
        assert asd.verify(f"{store.root}@{version}").problems == []
    assert_only_this_remains(store.root)
    alone = asd.convert(**settings(tmp_path, seed=2, out=tmp_path / "alone"))
    assert contents(store.path_of(alone.version)) == contents(alone.path / "versions" / alone.version)


def test_readers_never_see_half_a_version(tmp_path: Path) -> None:
    """One process converts one version after the other; this one reads `latest` all the while."""
    write_source(tmp_path, rows=120)
    root = tmp_path / "data"
    finish(settings(tmp_path, shard_rows=30), tmp_path)
    writer = _context.Process(target=_convert_many, args=(tmp_path, 6))
    writer.start()
    seen = set()
    while writer.is_alive():
        rows = asd.load(root)
        assert rows.num_rows == 120
        seen.add(rows[0]["seed"])
        assert asd.verify(root).problems == []
        assert (root / "latest" / "manifest.json").is_file()
        card = (root / "README.md").read_text()
        (version,) = {line.split("/")[1] for line in card.splitlines() if "path: versions/" in line}
        assert (root / "versions" / version / "manifest.json").is_file()
    writer.join()
    assert writer.exitcode == 0
    assert len(seen) >= 2


def _convert_many(folder: Path, number: int) -> None:
    for seed in range(1, number + 1):
        asd.convert(**settings(folder, shard_rows=30, seed=seed))


def _name(root: Path, name: str, version: str, answers: Path) -> None:
    try:
        Store(root).name_version(name, version)
        answer = "given"
    except UsageError as exc:
        answer = str(exc)
    (answers / str(os.getpid())).write_text(answer)


def test_two_that_give_the_same_name(tmp_path: Path) -> None:
    write_source(tmp_path, rows=60)
    root, answers = tmp_path / "data", tmp_path / "answers"
    answers.mkdir()
    versions = [asd.convert(**settings(tmp_path, seed=seed)).version for seed in (0, 1)]
    processes = [_context.Process(target=_name, args=(root, "paper", version, answers)) for version in versions * 3]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    given = Store(root).refs()["paper"]["version"]
    texts = [path.read_text() for path in answers.iterdir()]
    assert texts.count("given") == 3  # the first, and those that want the same
    assert sum(f"the name 'paper' already points to version {given}; choose another" in text for text in texts) == 3


def test_a_name_that_is_taken_is_refused_before_any_work(tmp_path: Path) -> None:
    write_source(tmp_path, rows=60)
    asd.convert(**settings(tmp_path, name="paper"))
    with pytest.raises(UsageError, match="the name 'paper' already points to version"):
        asd.convert(**settings(tmp_path, name="paper", seed=1))
    with pytest.raises(UsageError, match="'v9' cannot name a version"):
        asd.convert(**settings(tmp_path, name="v9", seed=1))
    assert sorted(Store(tmp_path / "data").refs()) == ["paper", "v1"]
    assert_only_this_remains(tmp_path / "data")
