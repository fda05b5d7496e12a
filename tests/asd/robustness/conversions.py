"""Conversions in processes of their own, that a test can really kill, and what must hold of their files afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import asd
from asd.conversion.config import ConvertConfig
from asd.conversion.parts import run_part
from asd.engines.shared_staging import Part
from asd.errors import AsdError
from asd.shards.store import Store
from tests.asd.sources_made import vqa_records, write_lines

ROWS, SHARD_ROWS = 900, 150
SHARDS = ROWS // SHARD_ROWS
LONGEST_S = 60.0

_context = get_context("forkserver")  # a fresh process each time, without the price of the imports each time
_context.set_forkserver_preload(
    ["asd.conversion.convert", "asd.makers.distractors", "tests.asd.robustness.conversions"]
)


def settings(folder: Path, **other: Any) -> dict[str, Any]:
    """A conversion of several shards, with every maker at work."""
    return {
        "task": "vqav2", "source": folder / "source.jsonl", "out": folder / "data", "ratio": 0.5,
        "shard_rows": SHARD_ROWS, "workers": 1, **other,
    }  # fmt: skip


def write_source(folder: Path, rows: int = ROWS, seed: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return write_lines(folder / "source.jsonl", vqa_records(rows, seed))


def _convert(given: dict[str, Any]) -> str:
    done = asd.convert(**given)
    return f"did_work={done.did_work} {done.version}"


def part_elsewhere(given: dict[str, Any]) -> str:
    """One part; `given["part"]`: index, number of parts, seconds to wait."""
    index, count, wait_s = given.pop("part")
    report = run_part(ConvertConfig(**{**given, "source": str(given["source"])}), Part(index, count), wait_s=wait_s)
    return f"done={report.is_done}"


def _in_own_group(work: Callable[[dict[str, Any]], str], given: dict[str, Any], message: Path) -> None:
    os.setsid()
    try:
        told = work(given)
    except AsdError as exc:
        message.write_text(f"{type(exc).__name__}: {exc}")
        os._exit(exc.exit_code)
    message.write_text(told)


class Run:
    """One conversion under way in a process group of its own."""

    def __init__(self, given: dict[str, Any], folder: Path, work: Callable[[dict[str, Any]], str] = _convert) -> None:
        self._message = folder / f"message-{time.monotonic_ns()}"
        self.process: ForkServerProcess = _context.Process(target=_in_own_group, args=(work, given, self._message))
        self.process.start()

    def kill(self) -> None:
        """SIGKILL to the process and its workers."""
        try:
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        except ProcessLookupError:  # over already, or not yet in its own group
            self.process.kill()
        self.process.join()

    def wait(self) -> tuple[int | None, str]:
        """Exit code, and the message of the error or of the success."""
        self.process.join(LONGEST_S)
        assert not self.process.is_alive(), "the conversion hangs"
        return self.process.exitcode, self._message.read_text() if self._message.exists() else ""

    def kill_when(self, is_time: Callable[[], bool]) -> bool:
        """Kill at the moment that `is_time` becomes true; False if the conversion ended before."""
        end = time.monotonic() + LONGEST_S
        while not is_time():
            if self.process.exitcode is not None:
                return False
            assert time.monotonic() < end, "the moment never came"
            time.sleep(0.0005)
        self.kill()
        return True


def finish(given: dict[str, Any], folder: Path) -> str:
    code, message = Run(given, folder).wait()
    assert code == 0, message
    return message


def contents(version: Path) -> dict[str, bytes]:
    """Every file of a version."""
    return {path.relative_to(version).as_posix(): path.read_bytes() for path in version.rglob("*") if path.is_file()}


def identities(staging: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of the finished shards of a staged version."""
    found = {}
    for path in (staging / "out" / "data").glob("[!.]*.arrow"):
        stat = path.stat()
        found[path.name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def assert_only_this_remains(root: Path) -> None:
    """No staged version, no temporary file: lock files are all that stays behind a conversion."""
    rest = [path for path in root.rglob("*") if path.name.endswith(".tmp") or path.name.startswith("trash-")]
    assert rest == []
    assert [path.name for path in (root / ".staging").iterdir() if path.suffix != ".lock"] == []


def assert_still_latest(root: Path, version: str) -> None:
    store = Store(root)
    assert store.latest() == version
    assert asd.verify(root).problems == []
    assert asd.load(root).num_rows == store.manifest(version).counts.samples
