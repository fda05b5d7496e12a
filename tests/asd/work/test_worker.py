"""Assembling: converted rows among native ones, and the collector that is left as it was found."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from asd.columns import NATIVE_SCHEMA
from asd.tasks.registry import load_task
from asd.work.collector import collector_paused
from asd.work.native_rows import ConvertedRows, shard_rows


def native_batch(count: int) -> pa.RecordBatch:
    empty = {"": "", "list": []}
    rows = []
    for number in range(count):
        row = {field.name: None if field.nullable else empty["list" if pa.types.is_list(field.type) else ""]
               for field in NATIVE_SCHEMA}  # fmt: skip
        row |= {"source_id": f"s{number}", "split": "train", "images": [f"{number}.jpg"], "turn": 0}
        row |= {"source_row": number, "question": f"Q{number}?", "gold": f"a{number}"}
        rows.append(row | {"accepted": [f"a{number}"], "response": f"a{number}"})
    return pa.RecordBatch.from_pylist(rows, schema=NATIVE_SCHEMA)


def test_converted_rows_stand_where_their_samples_stood() -> None:
    batch, spec = native_batch(5), load_task("vqav2")
    keys = np.arange(5, dtype=np.uint64)
    texts = pa.array(["prompt of 1", "prompt of 4"])
    answers = pa.array(["yes", "B"])
    lists = pa.array([["x", "y"], []], pa.list_(pa.string()))
    changed = ConvertedRows(
        np.array([1, 4]),
        {"prompt": texts, "response": answers, "style": answers, "template": texts, "checks": lists},
    )
    plain = shard_rows(batch, keys, batch["source_id"], spec, ["Say it."], 0).to_pylist()
    mixed = shard_rows(batch, keys, batch["source_id"], spec, ["Say it."], 0, changed).to_pylist()
    for number in (0, 2, 3):
        assert mixed[number] == plain[number]
    for number, place in ((1, 0), (4, 1)):
        prompt, response = texts[place].as_py(), answers[place].as_py()
        assert mixed[number] == plain[number] | {
            "prompt": prompt, "response": response, "style": response, "template": prompt,
            "checks": lists[place].as_py(),
            "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}],
        }  # fmt: skip


@pytest.mark.parametrize("was_enabled", [True, False])
def test_the_collector_is_left_as_it_was_found(was_enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if was_enabled else gc.disable)()
        with pytest.raises(RuntimeError, match="stop"), collector_paused():
            assert not gc.isenabled()
            raise RuntimeError("stop")
        assert gc.isenabled() == was_enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_what_stays_of_a_pause_counts_as_old() -> None:
    was_enabled = gc.isenabled()
    gc.enable()
    try:
        with collector_paused():
            kept = [[number] for number in range(2000)]
        assert any(one is kept for one in gc.get_objects(generation=2))
        gc.freeze()
        with collector_paused():
            pass
        assert gc.get_freeze_count() > len(kept)  # what somebody else froze stays so
    finally:
        gc.unfreeze()
        (gc.enable if was_enabled else gc.disable)()


def test_a_worker_process_imports_neither_the_rewriter_nor_the_readers_of_sources() -> None:
    needless = ("asd.rewrite", "asd.conversion.config", "asd.sources.open", "pyarrow.parquet", "asd.cli")
    code = f"import sys, asd.engines.local; print([name for name in sys.modules if name.startswith({needless})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_worker_process_takes_its_task_without_building_the_model_of_tasks(tmp_path: Path) -> None:
    (tmp_path / "spec").write_bytes(pickle.dumps(load_task("vqav2")))
    code = (
        "import pickle, sys, asd.engines.local\nfrom asd.schemas.task import TaskSpec\n"
        "spec = pickle.load(open(sys.argv[1], 'rb'))\nprint(spec.name, TaskSpec.__pydantic_complete__)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "spec"], capture_output=True, text=True, check=True)
    assert done.stdout == "vqav2 False\n"
