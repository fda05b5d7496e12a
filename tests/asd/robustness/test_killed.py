"""A conversion that is killed outright, at any moment, harms nothing and is taken up where it stopped."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asd.shards.store import Store
from tests.asd.robustness.conversions import (
    SHARDS,
    Run,
    assert_only_this_remains,
    assert_still_latest,
    contents,
    finish,
    identities,
    settings,
    write_source,
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source, a first version in `data`, and the same next version, never interrupted, in `whole`."""
    folder = tmp_path_factory.mktemp("killed")
    write_source(folder)
    finish(settings(folder, ratio=0.1), folder)
    finish(settings(folder, out=folder / "whole"), folder)
    return folder


@pytest.fixture
def folder(begun: Path, tmp_path: Path) -> Path:
    shutil.copy(begun / "source.jsonl", tmp_path)
    shutil.copytree(begun / "data", tmp_path / "data", symlinks=True)
    return tmp_path


def assert_equal_to_uninterrupted(folder: Path, begun: Path) -> None:
    version = Store(begun / "whole").latest()
    assert version is not None
    assert_still_latest(folder / "data", version)
    assert contents(folder / "data" / "versions" / version) == contents(begun / "whole" / "versions" / version)
    assert sorted(Store(folder / "data").refs()) == ["v1", "v2"]
    assert_only_this_remains(folder / "data")


@pytest.mark.parametrize(("workers", "kills"), [(1, 8), (2, 3)])
def test_killed_again_and_again_at_random_moments(folder: Path, begun: Path, workers: int, kills: int) -> None:
    draw = random.Random(workers)
    root = folder / "data"
    first, second = Store(root).latest(), Store(begun / "whole").latest()
    assert first and second
    finished: dict[str, tuple[int, int]] = {}
    for _ in range(kills):
        run = Run(settings(folder, workers=workers), folder)
        time.sleep(draw.uniform(0.02, 1.2 if workers == 1 else 2.5))
        run.kill()
        if Store(root).latest() == second:  # it was quicker; what is left is to find that it has been done
            break
        assert_still_latest(root, first)
        now = identities(root / ".staging" / second)
        assert finished.items() <= now.items(), "a finished shard was written again"
        finished = now
    finish(settings(folder, workers=workers), folder)
    assert_equal_to_uninterrupted(folder, begun)


def stages(root: Path, first: str, second: str) -> Iterator[tuple[str, Callable[[], bool]]]:
    """What can be seen from outside of how far a conversion is, in order."""
    staging, shards = root / ".staging" / second, root / ".staging" / second / "out" / "data"
    yield "began", staging.exists
    yield "reading", lambda: any(staging.glob("ingest/native-*"))
    yield "read", (staging / "ingest" / "done.json").exists
    yield "indexed", (staging / "mining-index").exists
    yield "drafting", lambda: any(staging.glob("drafts/0000-*"))
    yield "drafted the first round", lambda: len(list(staging.glob("drafts/0000-*.arrow"))) == SHARDS
    yield "writing the first shard", lambda: any(shards.glob(".*.tmp"))
    yield "one shard", lambda: len(list(shards.glob("train-*"))) >= 1
    yield "three shards", lambda: len(list(shards.glob("train-*"))) >= 3
    yield "all shards", lambda: len(list(shards.glob("train-*"))) == SHARDS
    yield "manifest", (staging / "out" / "manifest.json").exists
    yield "renamed", (root / "versions" / second).exists
    yield "ref", (root / "refs" / "v2.json").exists
    yield "card", lambda: second in (root / "README.md").read_text()
    yield "latest", lambda: Store(root).latest() == second
    yield "removing what was staged", lambda: Store(root).latest() == second and not staging.exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_after_every_stage(folder: Path, begun: Path, workers: int) -> None:
    """One conversion, killed once at each stage: every run gets a step further than the one before it."""
    root = folder / "data"
    first, second = Store(root).latest(), Store(begun / "whole").latest()
    assert first and second
    kept: dict[str, tuple[int, int]] = {}
    reached = []
    for name, is_reached in stages(root, first, second):
        if workers == 2 and name not in ("one shard", "three shards"):
            continue  # the others are the main process's own
        if not Run(settings(folder, workers=workers), folder).kill_when(is_reached):
            continue
        reached.append(name)
        latest = Store(root).latest()
        assert latest in ((first,) if name not in ("card", "latest", "removing what was staged") else (first, second))
        assert_still_latest(root, latest)
        if (root / ".staging" / second / "out").exists():
            now = identities(root / ".staging" / second)
            assert kept.items() <= now.items(), f"after {name!r}: a finished shard was written again"
            kept = now
    assert len(reached) >= (9 if workers == 1 else 2), reached
    finish(settings(folder, workers=workers), folder)
    written = {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (root / "latest" / "data").iterdir()
    }
    assert kept.items() <= written.items()
    assert_equal_to_uninterrupted(folder, begun)


def test_temporary_files_of_a_killed_commit_are_removed_by_the_next(folder: Path) -> None:
    root = folder / "data"
    (root / "refs" / ".v2.json.123.tmp").write_text("{")
    (root / ".README.md.123.tmp").write_text("half a ca")
    (root / ".latest.123.tmp").symlink_to("versions/nothing")
    (root / ".staging" / "trash-123-0123456789ab").mkdir()
    finish(settings(folder, ratio=0.1), folder)
    assert_only_this_remains(root)
    assert not any(path.is_symlink() for path in root.iterdir() if path.name != "latest")


def children_of(process: int) -> list[int]:
    """Worker processes: the children that run the spawn entry point."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            command = (stat.parent / "cmdline").read_bytes()
        except (OSError, ProcessLookupError):
            continue
        if parent == process and b"spawn_main" in command:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for the workers in /proc")
class TestWorkers:
    def start(self, folder: Path) -> tuple[Run, list[int]]:
        """A run whose processes are all held still, its workers in the middle of their work."""
        run = Run(settings(folder, workers=3), folder)  # two beside itself
        end = time.monotonic() + 30
        while len(workers := children_of(run.process.pid or 0)) < 2 or not any(
            folder.glob("data/.staging/*/drafts/0*")
        ):
            assert time.monotonic() < end and run.process.is_alive()
            time.sleep(0.002)
        os.killpg(run.process.pid or 0, signal.SIGSTOP)
        assert len(list(folder.glob("data/.staging/*/out/data/train-*"))) < SHARDS
        return run, workers

    def test_a_killed_worker_is_one_message_and_the_next_run_goes_on(self, folder: Path, begun: Path) -> None:
        run, workers = self.start(folder)
        os.kill(workers[0], signal.SIGKILL)
        os.killpg(run.process.pid or 0, signal.SIGCONT)
        code, message = run.wait()
        assert code == 1
        assert message.startswith(
            "WorkerLostError: a worker process died (killed, or out of memory). Finished parts are kept"
        )
        finish(settings(folder), folder)
        assert_equal_to_uninterrupted(folder, begun)

    def test_what_the_main_process_finished_ahead_of_its_turn_is_kept(self, folder: Path, begun: Path) -> None:
        """It takes shards from the end; their turn is when all before them are there, which is held up here."""
        staging = folder / "data" / ".staging" / str(Store(begun / "whole").latest())
        shards, last = staging / "out" / "data", f"train-{SHARDS - 1:05d}.arrow"
        run = Run(settings(folder, workers=2), folder)
        wait_until(lambda: bool(unnamed_by_others(shards, run)), run)
        os.kill(unnamed_by_others(shards, run)[0], signal.SIGSTOP)
        wait_until((shards / last).exists, run)
        run.kill()
        kept = identities(staging)
        assert last in kept
        finish(settings(folder, workers=2), folder)
        written = {
            path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (folder / "data/latest/data").iterdir()
        }
        assert kept.items() <= written.items()
        assert_equal_to_uninterrupted(folder, begun)

    def test_workers_do_not_outlive_a_main_process_that_is_killed_alone(self, folder: Path) -> None:
        run, workers = self.start(folder)
        run.process.kill()
        run.process.join()
        os.killpg(run.process.pid or 0, signal.SIGCONT)
        end = time.monotonic() + 10
        while any(Path(f"/proc/{worker}").exists() and not is_zombie(worker) for worker in workers):
            assert time.monotonic() < end, "a worker is still there"
            time.sleep(0.01)


def unnamed_by_others(shards: Path, run: Run) -> list[int]:
    """The workers that have written a shard, or are at it, which has not got its name yet."""
    processes = [int(path.name.split(".")[-2]) for path in shards.glob(".train-*.tmp")]
    return [process for process in processes if process != run.process.pid]


def wait_until(is_so: Callable[[], bool], run: Run) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end and run.process.is_alive()
        time.sleep(0.0005)


def is_zombie(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_after_a_restart_of_the_machine_only_flushed_files_are_trusted(folder: Path, begun: Path) -> None:
    """Then files that were never flushed may be empty, whatever their names promise."""
    root = folder / "data"
    second = Store(begun / "whole").latest()
    staging = root / ".staging" / str(second)
    shards = staging / "out" / "data"
    assert Run(settings(folder), folder).kill_when(lambda: len(list(shards.glob("train-*"))) >= 2)
    kept = identities(staging)
    (staging / "boot-id").write_text("another start of the machine")
    for path in (*staging.glob("ingest/*"), *staging.glob("drafts/*.arrow"), staging / "mining-index"):
        if path.name != "done.json":
            path.write_bytes(b"")
    finish(settings(folder), folder)
    written = {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (root / "latest" / "data").iterdir()
    }
    assert kept.items() <= written.items()
    assert_equal_to_uninterrupted(folder, begun)


def test_staged_versions_of_another_source_are_told_and_cleaned(folder: Path, begun: Path) -> None:
    """The source changed between the kill and the next run: that is another version, and the first one's parts stay."""
    from tests.asd.cli_runner import run_asd

    root = folder / "data"
    given: dict[str, Any] = settings(folder)
    assert Run(given, folder).kill_when(lambda: any(root.glob(".staging/*/out/data/train-*")))
    write_source(folder, seed=7)
    finish(given, folder)
    (left,) = Store(root).unfinished()
    assert left.version == Store(begun / "whole").latest()
    assert not left.in_use
    listed = run_asd("versions", root)
    assert f"unfinished {left.version}" in listed.out and "the same conversion goes on from it" in listed.out
    told = run_asd("convert", "--task", "vqav2", "--source", folder / "source.jsonl", "--out", root, "--ratio", "0.2")
    assert "holds 1 unfinished versions of stopped runs" in told.err
    cleaned = run_asd("versions", root, "--clean")
    assert f"deleted unfinished {left.version}" in cleaned.out
    assert Store(root).unfinished() == []
    assert_only_this_remains(root)
    write_source(folder)
    finish(given, folder)
    assert contents(root / "versions" / left.version) == contents(begun / "whole" / "versions" / left.version)
