"""A real Ray cluster of two nodes on this machine, and what a conversion on it tells."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from asd.conversion.progress import SilentProgress
from asd.shards.store import Store
from tests.asd.robustness.conversions import assert_only_this_remains, assert_still_latest, contents
from tests.conftest import REPO

HAS_RAY = importlib.util.find_spec("ray") is not None


class Told(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.rows: Counter[str] = Counter()
        """Rows by the stage that told of them."""
        self._stage = ""

    def stage(self, name: str, total: int | None) -> None:
        self._stage = name

    def advance(self, rows: int) -> None:
        self.rows[self._stage] += rows

    def say(self, text: str) -> None:
        self.lines.append(text)


def environment(folder: Path) -> Mapping[str, str]:
    """Of the nodes: this very code, and a server that answers in vLLM's place."""
    vllm = folder / "vllm-python"
    vllm.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.servers.in_place_of_vllm "$@"\n')
    vllm.chmod(0o755)
    return {"PYTHONPATH": str(REPO), "ASD_VLLM_PYTHON": str(vllm), "XDG_CACHE_HOME": str(folder / "cache")}


def two_nodes() -> Any:
    """With a core each, and a GPU that is only said to be there.

    Ray gives a node's processes half a minute to start, which is short on a busy machine: so three times.
    """
    from ray.cluster_utils import Cluster

    node = {
        "num_cpus": 1, "num_gpus": 1, "object_store_memory": 100_000_000, "memory": 1_000_000_000,
        "include_dashboard": False, "include_log_monitor": False, "no_monitor": True,
    }  # fmt: skip
    for attempt in range(3):
        running = Cluster()
        try:
            running.add_node(**node)
            running.add_node(**node)
        except Exception as exc:
            running.shutdown()
            if attempt == 2 or "timed out during startup" not in str(exc):
                raise
        else:
            break
    return running


def assert_same(root: Path, whole: Path) -> None:
    """The latest versions of two dataset directories are one, and nothing else is left in the first."""
    version = str(Store(whole).latest())
    assert_still_latest(root, version)
    assert contents(root / "versions" / version) == contents(whole / "versions" / version)
    assert_only_this_remains(root)


def processes(*titles: str, with_word: str = "") -> list[int]:
    """Running ones whose command begins so, and holds a word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if command.startswith(titles) and with_word in command:
            found.append(int(path.parent.name))
    return found


class Killer(threading.Thread):
    """Kills so many workers, each while it has work in hand."""

    def __init__(self, at_work: Callable[[], list[int]], most: int) -> None:
        """at_work: the processes that have."""
        super().__init__(daemon=True)
        self.at_work, self.most = at_work, most
        self.killed: list[int] = []
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.is_set() and len(self.killed) < self.most:
            for process in self.at_work():
                if process not in self.killed and len(self.killed) < self.most:
                    os.kill(process, signal.SIGKILL)
                    self.killed.append(process)
            time.sleep(0.001)

    def __enter__(self) -> Killer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.join()
