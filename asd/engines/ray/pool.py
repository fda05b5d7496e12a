"""Drafting and assembling on a Ray cluster: Ray Data over work items, one item a block.

A row of the Ray data set is one work item (a native shard's drafts, or its finished shard), not a sample: nothing is
shuffled, blocks are retried one by one, and the bytes are those of the local engine, since the same `Worker` does the
same items.
"""

from __future__ import annotations

import contextlib
import pickle
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from asd.engines.base import WorkerLostError
from asd.engines.ray.cluster import describe_failure, on_this_node, require_memory
from asd.engines.ray.worker import MAX_TRIES, Site, StagingFiles, do_item
from asd.errors import AsdError
from asd.work.draft_files import DraftOrder, Outcomes, read_outcomes
from asd.work.finished_shards import ShardResult
from asd.work.worker import ShardOrder, Worker, WorkerSetup

_WAVE = 512
"""Work items handed to Ray at once: their orders lie in its object store meanwhile."""
_WORKER_BYTES, _PER_BLOCK, _PER_INDEX = 300_000_000, 5, 6
"""Memory of a worker: a bare one, and per byte of a native shard and of the mining index."""


class RayPool:
    """Does what `Pool` does, on the cluster that this process is connected to."""

    def __init__(self, setup: WorkerSetup, staging: Path, *, ship: bool) -> None:
        self.setup, self._staging, self._ship = setup, staging, ship
        self._inline: Worker | None = None
        self._site: Site | None = None

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._site is not None:
            import ray

            with contextlib.suppress(ray.exceptions.RayError):
                ray.kill(self._site.files)

    def draft(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        drafts_dir = self.setup.drafts_dir
        is_there = [order.path(drafts_dir).is_file() for order in orders]
        made = self._map([order for order, there in zip(orders, is_there, strict=True) if not there])
        for order, there in zip(orders, is_there, strict=True):
            yield read_outcomes(order.path(drafts_dir), order) if there else next(made)

    def assemble(self, orders: Sequence[ShardOrder]) -> Iterator[ShardResult]:
        return self._map(orders)

    def worker(self) -> Worker:
        """The worker of this process."""
        if self._inline is None:
            self._inline = Worker(self.setup)
        return self._inline

    def _map(self, orders: Sequence[Any]) -> Iterator[Any]:
        for start in range(0, len(orders), _WAVE):
            yield from in_order(self._wave(orders[start : start + _WAVE]))

    def _wave(self, orders: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """(number, result) as they come. Raises: WorkerLostError; the first item's AsdError."""
        import ray
        import ray.data

        needed = self.memory_of(orders)
        require_memory(needed)
        rows = [{"number": number, "order": pickle.dumps(order)} for number, order in enumerate(orders)]
        try:
            items = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
                do_item, fn_kwargs={"site": self.site()}, num_cpus=1, memory=needed
            )
            for row in items.iter_rows():
                result = pickle.loads(row["result"])
                if isinstance(result, AsdError):
                    raise result
                yield int(row["number"]), result
        except ray.exceptions.RayError as exc:
            raise WorkerLostError(
                f"the Ray cluster broke down ({describe_failure(exc)}). Finished blocks are kept: run the same command "
                "again to go on."
            ) from exc

    def memory_of(self, orders: Sequence[Any]) -> int:
        """Bytes that a worker needs for the largest of the work items."""
        largest = max((self.setup.ingest_dir / order.shard.file).stat().st_size for order in orders)
        index = self.setup.mining_index
        index_bytes = index.stat().st_size if index is not None else 0
        return int(_WORKER_BYTES + _PER_BLOCK * largest + _PER_INDEX * index_bytes)

    def site(self) -> Site:
        """Where the files are, for workers; the actor is on this node."""
        if self._site is None:
            import ray

            actor = ray.remote(StagingFiles).options(num_cpus=0, max_concurrency=4, **on_this_node())
            setup = self.setup
            files = actor.remote(str(self._staging.resolve()), _absolute(setup))
            templates = _contents(setup.template_dir)
            mark = secrets.token_hex(8)
            self._site = Site(_absolute(setup), self._staging.resolve(), mark, templates, files, self._ship, MAX_TRIES)
            self._site.write_mark()
        return self._site


def in_order(numbered: Iterator[tuple[int, Any]]) -> Iterator[Any]:
    """Results by number, from 0 on, each as soon as those before it are there."""
    early: dict[int, Any] = {}
    following = 0
    for number, result in numbered:
        early[number] = result
        while following in early:
            yield early.pop(following)
            following += 1


def _contents(folder: Path | None) -> dict[str, bytes]:
    if folder is None:
        return {}
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _absolute(setup: WorkerSetup) -> WorkerSetup:
    """The same files, named as a process with another working directory needs."""
    names = ("template_dir", "ingest_dir", "drafts_dir", "shards_dir", "marks_dir", "mining_index", "image_root")
    paths: dict[str, Any] = {name: getattr(setup, name) for name in names}
    return replace(setup, **{name: path.resolve() for name, path in paths.items() if path is not None})
