"""Source files of every format, damaged: each is read or refused in one message, and as many rows whatever the batches.

    python -m tests.fuzz.files --inputs 5000 [--seed 0] [--only TRIAL]

For every file: nothing but an `AsdError` is raised; what is read counts the same in batches of 3 and of 4096, each record
is a row or a reject; one in eight is converted, and rows = samples + rejects there. Not part of CI.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import asd
from asd.sources.open import open_source
from asd.tasks.registry import load_task
from tests.asd.robustness.hostile_rows import task_file
from tests.fuzz.damage import damaged
from tests.fuzz.frame import INPUTS, main, require

ODD_TEXTS = (
    "",
    " ",
    "\x00",
    "é\u202e",
    "<image>",
    "yes",
    "A",
    "[0.1,0.2,0.3,0.4]",
    "1e999",
    "-0",
    "x" * 300,
    "\x1b[2J",
    "NaN",
)


def rows_of(draw: random.Random) -> list[dict[str, Any]]:
    def text(plain: str) -> str:
        return draw.choice(ODD_TEXTS) if draw.random() < 0.1 else plain

    return [
        {"id": text(f"r{number}"), "question": text(f"What is in box {number}?"),
         "answer": text(draw.choice(("cup", "dog", "two"))), "image": text(f"{number}.png"),
         "split": draw.choice(("train", "train", "val"))}
        for number in range(draw.randrange(1, 40))
    ]  # fmt: skip


def talks_of(draw: random.Random) -> list[dict[str, Any]]:
    return [
        {"id": row["id"], "image": row["image"],
         "conversations": [{"from": "human", "value": f"<image>\n{row['question']}"}, {"from": "gpt", "value": row["answer"]}]}
        for row in rows_of(draw)
    ]  # fmt: skip


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_array(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows, indent=len(rows) % 3 or None).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue())


def as_arrow(rows: list[dict[str, Any]]) -> bytes:
    table, sink = pa.Table.from_pylist(rows), pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def as_stream(rows: list[dict[str, Any]]) -> bytes:
    table, sink = pa.Table.from_pylist(rows), pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4" if len(rows) % 2 else None)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def as_gzip(rows: list[dict[str, Any]]) -> bytes:
    return gzip.compress(as_lines(rows), mtime=0)


def as_zstandard(rows: list[dict[str, Any]]) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(as_lines(rows))
    return bytes(sink.getvalue())


FORMATS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "rows.jsonl": as_lines, "rows.json": as_array, "rows.csv": as_csv, "rows.parquet": as_parquet, "rows.arrow": as_arrow,
    "stream.arrow": as_stream, "rows.jsonl.gz": as_gzip, "rows.jsonl.zst": as_zstandard,
}  # fmt: skip


def trial(draw: random.Random, folder: Path) -> Counter[str]:
    name = draw.choice(list(FORMATS))
    rows = talks_of(draw) if draw.random() < 0.4 and name != "rows.csv" else rows_of(draw)
    path = folder / name
    path.write_bytes(damaged(FORMATS[name](rows), draw))
    spec = load_task(task_file(folder))
    told = [_count(open_source(spec, path), batch_rows) for batch_rows in (3, 4096)]
    require(told[0] == told[1], f"in batches of 3 there are {told[0]} rows and rejects, of 4096 {told[1]}")
    samples, rejects = told[0]
    if samples and draw.random() < 0.125:
        done = asd.convert(
            task=folder / "T.yaml", source=path, out=folder / "out", workers=1, max_reject_rate=1, ratio=0.5
        )
        counts = done.manifest.counts
        require((counts.samples, sum(counts.rejects.values())) == told[0], f"{counts} of {told[0]}")
        require(not asd.verify(folder / "out").problems, "a version that is not sound")
    return Counter({INPUTS: 1, f"read: {name}": 1, "rows": samples, "rejects": rejects})


def _count(source: Any, batch_rows: int) -> tuple[int, int]:
    rows = rejects = 0
    for batch in source.batches(batch_rows):
        rows += batch.table.num_rows
        rejects += len(batch.rejects)
    return rows, rejects


if __name__ == "__main__":
    sys.exit(main(trial, str(__doc__)))
