"""Ray Data: eight files, `map_batches` on Arrow batches, Parquet. Starting Ray counts as start, not as work."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import ray
from peers.task import convert_columns, threshold


def convert_table(batch: pa.Table, below: int) -> pa.Table:
    return pa.table(convert_columns({name: batch[name].to_pylist() for name in batch.column_names}, below))


def start() -> None:
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False


def work(source: Path, out: Path, ratio: float) -> None:
    rows = ray.data.read_json(str(source / "parts"))
    rows = rows.map_batches(
        convert_table, batch_format="pyarrow", batch_size=None, fn_kwargs={"below": threshold(ratio)}
    )
    rows.write_parquet(str(out / "rows"))


def stop() -> None:
    ray.shutdown()
