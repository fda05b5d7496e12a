"""What runs on the nodes of a Ray cluster: a worker that fetches a block, does its work item, and sends the result back.

A node that sees the staging folder reads and writes there. Any other node gets what it needs through Ray's object
store: the native shard and its keys in, the draft file or the finished shard out, written by an actor on the driver's
node. Both run the same `Worker` on files, so the bytes are those of the local engine.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from asd.engines.base import WorkerLostError
from asd.errors import AsdError, StorageError
from asd.shards.files import storage_errors, write_bytes
from asd.work.done_mark import mark_beside
from asd.work.draft_files import DraftOrder, Outcomes, draft_file
from asd.work.finished_shards import ShardResult, mark_of
from asd.work.ingested import NativeShard, StoredColumn
from asd.work.worker import ShardOrder, Worker, WorkerSetup

Loaded = TypeVar("Loaded")
MAX_TRIES = 4
"""Of one work item, when the process or node that does it dies; Ray Data by itself would try for ever."""
_SCRATCH = "asd-ray-"
_MARK = "ray-mark"
_GLOBAL_ROWS = ("keys", "capable")
"""Arrays over all rows; a worker gets the stretch of its shard."""


@dataclass(frozen=True)
class Site:
    """Where the files of a conversion are, for workers anywhere."""

    setup: WorkerSetup
    staging: Path
    mark: str
    """Content of a file in the staging folder: whoever reads it there sees the same folder."""
    templates: dict[str, bytes]
    """The user's own templates, by relative path."""
    files: Any
    """Handle of the `StagingFiles` actor."""
    ship: bool
    """Never look for the folder."""
    max_tries: int
    """Of one work item."""

    def write_mark(self) -> None:
        write_bytes(self.staging / _MARK, self.mark.encode())

    @property
    def is_seen_here(self) -> bool:
        try:
            return not self.ship and (self.staging / _MARK).read_text("utf-8") == self.mark
        except OSError:
            return False


class StagingFiles:
    """An actor on the driver's node: reads and writes files of the staging folder for nodes that do not see it."""

    def __init__(self, staging: str, setup: WorkerSetup) -> None:
        self._tries: Counter[str] = Counter()
        self._staging = Path(staging)
        self._places = {"shards": setup.shards_dir, "marks": setup.marks_dir, "drafts": setup.drafts_dir}

    def begin(self, item: str) -> int:
        """How many times the item has been begun, this one included: those before it ended with their process."""
        self._tries[item] += 1
        return self._tries[item]

    def read(self, name: str) -> Any:
        """The file as uint8 (bytes,), or None."""
        path = self._staging / name
        return np.fromfile(path, np.uint8) if path.is_file() else None

    def stretch(self, name: str, first: int, rows: int) -> Any:
        """A part of a column, or in words why it cannot be read."""
        try:
            return StoredColumn(self._staging / "ingest" / f"{name}.npy")[first : first + rows]
        except AsdError as exc:
            return str(exc)

    def write(self, place: str, name: str, content: Any, durable: bool) -> str:
        """The refusal of the disk in words, or ""."""
        try:
            write_bytes(self._places[place] / name, memoryview(content), durable=durable)
        except AsdError as exc:
            return str(exc)
        return ""


def do_item(row: dict[str, Any], site: Site) -> dict[str, Any]:
    """One work item: a row with `number` and the pickled `order` in, `number` and the pickled result out."""
    order = pickle.loads(row["order"])
    try:
        _count_try(order, site)
        result: Any = _item_worker(site).do(order)
    except AsdError as exc:  # as a value: a failure of the data is no reason to try again
        result = exc
    return {"number": row["number"], "result": pickle.dumps(result)}


def _count_try(order: DraftOrder | ShardOrder, site: Site) -> None:
    """Raises: WorkerLostError for an item that has cost enough processes."""
    import ray

    item = f"drafts {order.round} of {order.shard.file}" if isinstance(order, DraftOrder) else order.file
    if ray.get(site.files.begin.remote(item)) > site.max_tries:
        raise WorkerLostError(
            f"the worker that was to make {item} died {site.max_tries} times (killed, or out of memory). Finished blocks "
            "are kept: run the same command again to go on, on nodes with more memory if that was short."
        )


_loaded: dict[str, Any] = {}


def load_once(mark: str, load: Callable[[], Loaded]) -> Loaded:
    """What this process needs for many work items; what it loaded for other work is let go of."""
    if mark not in _loaded:
        pa.set_cpu_count(1)  # the processes are the parallelism
        _loaded.clear()
        _loaded[mark] = load()
    loaded: Loaded = _loaded[mark]
    return loaded


def _item_worker(site: Site) -> _ItemWorker:
    return load_once(site.mark, lambda: _ItemWorker(site) if site.is_seen_here else _RemoteItemWorker(site))


class _ItemWorker:
    """Works in the staging folder itself."""

    def __init__(self, site: Site) -> None:
        self._worker = Worker(site.setup)

    def do(self, order: DraftOrder | ShardOrder) -> Outcomes | ShardResult:
        return self._worker.draft_rows(order) if isinstance(order, DraftOrder) else self._worker.assemble(order)


class _RemoteItemWorker(_ItemWorker):
    """Works in a folder of its own, which holds the files of one work item at a time."""

    def __init__(self, site: Site) -> None:
        self._files, self._durable = site.files, site.setup.durable_drafts
        self._setup = setup = remote_setup(site, scratch_folder())
        self._folders = (setup.ingest_dir, setup.drafts_dir, setup.shards_dir, setup.marks_dir)
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
        if self._setup.mining_index is not None:
            self._fetch(self._setup.mining_index.name, self._setup.mining_index)
        self._worker = Worker(self._setup)

    def do(self, order: DraftOrder | ShardOrder) -> Outcomes | ShardResult:
        with self._block(order.shard) as shard:
            return self._draft(order, shard) if isinstance(order, DraftOrder) else self._assemble(order, shard)

    def _draft(self, order: DraftOrder, shard: NativeShard) -> Outcomes:
        outcomes = self._worker.draft_rows(replace(order, shard=shard))
        path = order.path(self._setup.drafts_dir)
        self._send("drafts", mark_beside(path), self._durable)
        self._send("drafts", path, self._durable)
        return outcomes

    def _assemble(self, order: ShardOrder, shard: NativeShard) -> ShardResult:
        for number in range(order.rounds):
            path = draft_file(self._setup.drafts_dir, number, shard)
            self._fetch(f"drafts/{path.name}", path)
        renamed = {row - order.shard.first: name for row, name in order.renamed.items()}
        result = self._worker.assemble(replace(order, shard=shard, renamed=renamed))
        self._send("marks", mark_of(self._setup.marks_dir, order.file), True)
        self._send("shards", self._setup.shards_dir / order.file, True)
        return result

    @contextlib.contextmanager
    def _block(self, shard: NativeShard) -> Iterator[NativeShard]:
        """The native shard and its rows' keys as local files, with rows counted from 0; all gone afterwards."""
        ingest_dir = self._setup.ingest_dir
        try:
            self._fetch(f"ingest/{shard.file}", ingest_dir / shard.file)
            for name in _GLOBAL_ROWS:
                column = self._ask("stretch", name, shard.first, shard.rows)
                if isinstance(column, str):
                    raise StorageError(column)
                np.save(ingest_dir / f"{name}.npy", column)
            yield replace(shard, first=0)
        finally:
            for folder in self._folders:
                for path in [path for path in folder.rglob("*") if path.is_file()]:
                    path.unlink()

    def _fetch(self, name: str, to: Path) -> None:
        content = self._ask("read", name)
        if content is not None:
            with storage_errors(to), to.open("wb") as file:
                file.write(memoryview(content))

    def _send(self, place: str, path: Path, durable: bool) -> None:
        setup = self._setup
        root = {"drafts": setup.drafts_dir, "shards": setup.shards_dir, "marks": setup.marks_dir}[place]
        name = path.relative_to(root).as_posix()
        if refusal := self._ask("write", place, name, np.fromfile(path, np.uint8), durable):
            raise StorageError(refusal)

    def _ask(self, method: str, *arguments: Any) -> Any:
        import ray

        return ray.get(getattr(self._files, method).remote(*arguments))


def remote_setup(site: Site, folder: Path) -> WorkerSetup:
    """The conversion's setup with its files in `folder`; the user's own templates are there, nothing else."""
    templates = folder / "templates" if site.templates else None
    for name, content in site.templates.items():
        write_bytes(folder / "templates" / name, content, durable=False)
    index = site.setup.mining_index
    return replace(
        site.setup,
        template_dir=templates,
        ingest_dir=folder / "ingest",
        drafts_dir=folder / "drafts",
        shards_dir=folder / "out",
        marks_dir=folder / "assembled",
        mining_index=None if index is None else folder / index.name,
        durable_drafts=False,
    )


def scratch_folder() -> Path:
    """A folder of this process; those of processes that were killed are removed."""
    base = Path(tempfile.gettempdir())
    for path in base.glob(f"{_SCRATCH}*"):
        owner = path.name.removeprefix(_SCRATCH).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(path, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-"))
