"""datatrove with this package's makers: the index of answers, then `datatrove_pipeline` with another step."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import ParquetWriter
from peers.drivers.datatrove_pipeline import Convert, as_document, as_row
from peers.same_makers import SCHEMA, convert, write_index
from peers.task import threshold


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    write_index(source / "rows.jsonl", out / "index")
    writer = ParquetWriter(
        str(out / "rows"),
        adapter=as_row,
        batch_size=10_000,
        schema=SCHEMA,
        use_content_defined_chunking=False,
        write_page_index=False,
    )
    step = Convert(threshold(ratio), partial(convert, index=str(out / "index")))
    LocalPipelineExecutor(
        pipeline=[JsonlReader(str(source / "parts"), adapter=as_document, add_file_path=False), step, writer],
        tasks=2,
        workers=2,
        logging_dir=str(out / "logs"),
    ).run()


def stop() -> None:
    """Nothing runs on."""
