"""Worker processes beside this one: results in their order, and one message where a process dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from asd.engines.local import Pool
from asd.tasks.registry import load_task
from asd.work.worker import WorkerSetup
from tests.conftest import REPO

_KILLED = """
import time
from tests.asd.engines.test_local import dies, make_pool
try:
    with make_pool() as pool:
        print(list(pool._map(dies, lambda item: time.sleep(0.1), [bytes(1 << 20)] * 30)))
except Exception as exc:
    print(f"{type(exc).__name__}: {exc}")
"""


def make_pool() -> Pool:
    """Of this process and another one, for work that needs none of the files."""
    folder = Path("nowhere")
    return Pool(
        WorkerSetup(
            spec=load_task("vqav2"), seed=0, styles=(), template_dir=None, ingest_dir=folder, drafts_dir=folder,
            shards_dir=folder, marks_dir=folder, mining_index=None, image_root=None, embed_images=False,
        ),
        workers=2,
    )  # fmt: skip


def where_and_what(item: int) -> tuple[int, int]:
    time.sleep(0.05)
    return os.getpid(), item


def dies(item: bytes) -> int:
    os._exit(9)


def test_results_come_in_order_from_both_ends() -> None:
    with make_pool() as pool:
        (alone,) = pool._map(where_and_what, where_and_what, [7])  # and so the process is there
        made = list(pool._map(where_and_what, where_and_what, range(20)))
    assert [item for _, item in made] == list(range(20))
    assert alone == (made[0][0], 7)
    assert made[0][0] != made[-1][0] == os.getpid()


def test_a_process_that_dies_while_this_one_works_is_one_message() -> None:
    """More waits for the process than a pipe holds, and this one does its own share meanwhile."""
    done = subprocess.run(
        [sys.executable, "-c", _KILLED], cwd=REPO, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == ""
    assert done.stdout.startswith("WorkerLostError: a worker process died")
    assert len(done.stdout.splitlines()) == 1
