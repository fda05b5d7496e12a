"""How long the viewer takes on a version of a million rows: python benchmarks/view_page.py [ROWS] [FOLDER]

Makes the version from a converted one by repeating its rows under new ids (about 1 KB a row, in FOLDER, by default a
temporary one), then asks the server what the page asks, over HTTP, each kind of request for the first time.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pyarrow as pa

import asd
from asd.shards.files import sha256_of, write_arrow
from asd.shards.manifest import Counts, FileEntry
from asd.shards.reader import read_batches
from asd.shards.store import Store
from asd.view.server import ViewServer
from asd.view.viewer import Viewer

BATCH, SHARD = 10_000, 100_000


def make_version(folder: Path, num_rows: int) -> Path:
    """A dataset directory whose only version has `num_rows` rows, 40 % of them converted."""
    small = asd.convert("vqav2", out=folder / "small", ratio=0.4)
    table = pa.Table.from_batches(read_batches(small.path))
    root = folder / "large"
    store, manifest = Store(root), small.manifest
    target = store.path_of(manifest.version)
    (target / "data").mkdir(parents=True)
    entries = []
    for first in range(0, num_rows, SHARD):
        rows = min(SHARD, num_rows - first)
        path = target / "data" / f"train-{first // SHARD:05d}.arrow"
        write_arrow(path, table.schema, _batches(table, first, rows), durable=False)
        entries.append(
            FileEntry(
                path=f"data/{path.name}",
                split="train",
                rows=rows,
                size_bytes=path.stat().st_size,
                sha256=sha256_of(path),
            )
        )
    counts = Counts(samples=num_rows, by_split={"train": num_rows}, by_style=dict.fromkeys(manifest.counts.by_style, 0),
                    by_maker=dict.fromkeys(manifest.counts.by_maker, 0))  # fmt: skip
    (target / "manifest.json").write_text(manifest.model_copy(update={"files": entries, "counts": counts}).to_json())
    (root / "refs").mkdir()
    shutil.copy(small.path / "refs" / f"{small.number}.json", root / "refs" / "v1.json")
    (root / "latest").symlink_to(Path("versions") / manifest.version)
    return root


def _batches(table: pa.Table, first: int, num_rows: int) -> list[pa.RecordBatch]:
    repeated = pa.concat_tables([table] * (BATCH // len(table) + 1)).slice(0, BATCH).combine_chunks()
    batches = []
    for start in range(first, first + num_rows, BATCH):
        ids = pa.array([f"vqav2/train/{number:07d}" for number in range(start, start + BATCH)])
        batches += repeated.set_column(0, table.schema.field("id"), ids).to_batches()[:1]
    return batches


def main() -> None:
    num_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        root = make_version(Path(sys.argv[2] if len(sys.argv) > 2 else folder), num_rows)
        began = time.perf_counter()
        server = ViewServer(Viewer(root))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        measured = {"open": time.perf_counter() - began}
        for name, path, query in (
            ("page", "", {}),
            ("filters", "facets", {}),
            ("first rows", "rows", {}),
            ("first sample", "card", {"n": 0}),
            ("last sample", "card", {"n": num_rows - 1}),
            ("rows of a style", "rows", {"style": "yes_no"}),
            ("text found in many rows", "rows", {"text": "COLOUR"}),
        ):
            measured[name] = _ask(server.url, path, query)[0]
        for name, query in (
            ("text found nowhere, all rows searched", {"text": "no such words"}),
            ("most suspicious first, all rows measured", {"order": "suspicion"}),
        ):
            measured[name] = _until_complete(server.url, query)
        server.shutdown()
        server.server_close()
    for name, seconds in measured.items():
        print(f"{name:42} {seconds * 1000:10,.1f} ms")
    print(f"{num_rows:,} rows; page, filters and first rows: {sum(list(measured.values())[:4]) * 1000:,.1f} ms")


def _ask(url: str, path: str, query: dict[str, object]) -> tuple[float, bytes]:
    began = time.perf_counter()
    with urlopen(f"{url}{path}?{urlencode(query)}", timeout=120) as reply:
        content = reply.read()
    return time.perf_counter() - began, content


def _until_complete(url: str, query: dict[str, object]) -> float:
    """As the page does: each request searches for a quarter of a second."""
    total = 0.0
    while True:
        seconds, content = _ask(url, "rows", query | {"to_end": 1})
        total += seconds
        if json.loads(content)["complete"]:
            return total


if __name__ == "__main__":
    main()
