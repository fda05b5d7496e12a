"""Hugging Face `datasets`: JSON to Arrow, then `map` over batches in two processes; the result is map's Arrow files."""

from __future__ import annotations

from pathlib import Path

import datasets
from peers.task import convert_columns, threshold

BATCH = 1000


def start() -> None:
    datasets.disable_progress_bars()


def work(source: Path, out: Path, ratio: float) -> None:
    rows = datasets.load_dataset(
        "json", data_files=str(source / "rows.jsonl"), split="train", cache_dir=str(out / "cache")
    )
    rows.map(
        convert_columns,
        batched=True,
        batch_size=BATCH,
        num_proc=2,
        fn_kwargs={"below": threshold(ratio)},
        remove_columns=["conversations"],
        cache_file_name=str(out / "rows.arrow"),
    )


def stop() -> None:
    """Nothing runs on."""
