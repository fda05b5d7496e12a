"""Hugging Face `datasets` with this package's makers: the index of answers, then `map` over batches in two processes."""

from __future__ import annotations

from pathlib import Path

import datasets
from peers.same_makers import SCHEMA, convert_columns, write_index
from peers.task import threshold

BATCH = 1000


def start() -> None:
    datasets.disable_progress_bars()


def work(source: Path, out: Path, ratio: float) -> None:
    rows = datasets.load_dataset(
        "json", data_files=str(source / "rows.jsonl"), split="train", cache_dir=str(out / "cache")
    )
    write_index(source / "rows.jsonl", out / "index")
    rows.map(
        convert_columns,
        batched=True,
        batch_size=BATCH,
        num_proc=2,
        fn_kwargs={"below": threshold(ratio), "index": str(out / "index")},
        remove_columns=rows.column_names,
        features=datasets.Features.from_arrow_schema(SCHEMA),
        cache_file_name=str(out / "rows.arrow"),
    )


def stop() -> None:
    """Nothing runs on."""
