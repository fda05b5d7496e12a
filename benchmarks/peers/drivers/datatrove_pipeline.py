"""datatrove: a reader, one step of our own and a Parquet writer; two tasks side by side, half of the files each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from datatrove.data import Document, DocumentsPipeline
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import ParquetWriter
from peers.task import convert, threshold


class Convert(PipelineStep):
    name = "Convert"

    def __init__(self, below: int, convert: Callable[..., dict[str, Any]] = convert) -> None:
        super().__init__()
        self.below, self.convert = below, convert

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        for document in data:
            document.metadata = self.convert(document.metadata, self.below)
            yield document


def as_document(reader: JsonlReader, record: dict[str, Any], path: str, line: int) -> dict[str, Any]:
    return {"text": record["conversations"][0]["value"], "id": record["id"], "metadata": record}


def as_row(writer: ParquetWriter, document: Document) -> dict[str, Any]:
    return document.metadata


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    writer = ParquetWriter(
        str(out / "rows"), adapter=as_row, batch_size=10_000, use_content_defined_chunking=False, write_page_index=False
    )
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(source / "parts"), adapter=as_document, add_file_path=False),
            Convert(threshold(ratio)),
            writer,
        ],
        tasks=2,
        workers=2,
        logging_dir=str(out / "logs"),
    ).run()


def stop() -> None:
    """Nothing runs on."""
