"""Worker processes beside this one: results in their order, and one message where a process dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import asd
from asd.engines import local
from asd.engines.local import Pool
from asd.tasks.registry import load_task
from asd.work.draft_files import DraftOrder
from asd.work.worker import WorkerSetup, draft_part_in_worker
from tests.asd.sources_made import vqa_records, write_lines
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


def draft_and_say(order: DraftOrder) -> pa.RecordBatch:
    Path(os.environ["DRAFTED_ELSEWHERE"]).touch()
    return draft_part_in_worker(order)


@pytest.mark.parametrize(
    ("workers", "is_own", "is_elsewhere"), [(2, False, True), (None, True, True), (None, False, False)]
)
def test_rows_of_one_shard_are_drafted_in_two_processes_to_the_same_bytes(
    workers: int | None, is_own: bool, is_elsewhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless somebody's script would be run once more for it."""
    settings: dict[str, Any] = {"source": write_lines(tmp_path / "rows.jsonl", vqa_records(300)), "ratio": 0.8}
    alone = asd.convert("vqav2", out=tmp_path / "alone", workers=1, **settings)
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("DRAFTED_ELSEWHERE", str(elsewhere))
    monkeypatch.setattr(local, "_PART_ROWS", 16)
    monkeypatch.setattr(local, "_WORTH_PROCESSES_S", -1.0)
    monkeypatch.setattr(local, "usable_cores", lambda: 2)
    monkeypatch.setattr(local, "is_own", lambda: is_own)
    monkeypatch.setattr(local, "draft_part_in_worker", draft_and_say)
    both = asd.convert("vqav2", out=tmp_path / "both", workers=workers, **settings)
    assert elsewhere.exists() == is_elsewhere
    assert [entry.sha256 for entry in both.manifest.files] == [entry.sha256 for entry in alone.manifest.files]
