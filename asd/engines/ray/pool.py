"""Drafting and writing on a Ray cluster whose nodes see the staging folder: the same `Worker` does the same items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from asd.engines.base import ModelStage
from asd.engines.ray.tasks import run_in_order
from asd.work.draft_files import DraftOrder, Outcomes, read_outcomes
from asd.work.finished_shards import ShardResult
from asd.work.worker import ShardOrder, Worker, WorkerSetup

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings
    from asd.work.rewriting import Accounts, StageProgress

_WORKER_BYTES, _PER_BLOCK, _PER_INDEX = 300_000_000, 5, 6
"""Memory of a worker: a bare one, and per byte of a native shard and of the mining index."""


@dataclass(frozen=True)
class ItemWork:
    """Drafts and finished shards, made in the staging folder."""

    setup: WorkerSetup
    name: str = "asd_item"

    def load(self) -> Callable[[DraftOrder | ShardOrder], Iterator[Outcomes | ShardResult]]:
        worker = Worker(self.setup)

        def do(order: DraftOrder | ShardOrder) -> Iterator[Outcomes | ShardResult]:
            yield worker.draft_rows(order) if isinstance(order, DraftOrder) else worker.assemble(order)

        return do


class RayPool:
    """A `WorkPool` on the cluster that this process is connected to."""

    def __init__(self, setup: WorkerSetup, wishes: tuple[int | None, float | None]) -> None:
        """wishes: number of rewriters and GPUs of each, None for what fits the cluster."""
        self.setup = _absolute(setup)
        self._wishes = wishes
        self._inline: Worker | None = None

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None

    def draft(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        drafts_dir = self.setup.drafts_dir
        is_there = [order.path(drafts_dir).is_file() for order in orders]
        missing = [order for order, there in zip(orders, is_there, strict=True) if not there]
        made = self._done((f"make drafts {order.round} of {order.shard.file}", order) for order in missing)
        for order, there in zip(orders, is_there, strict=True):
            yield read_outcomes(order.path(drafts_dir), order) if there else next(made)

    def write(self, orders: Sequence[ShardOrder]) -> Iterator[ShardResult]:
        return self._done((f"write {order.file}", order) for order in orders)

    def stage(self, settings: RewriterSettings, ledger: Accounts, progress: StageProgress) -> ModelStage:
        from asd.engines.ray.rewriting import RayStage

        return RayStage(self.setup, self.memory(), settings, self._wishes, ledger, progress)

    def worker(self) -> Worker:
        """The worker of this process."""
        if self._inline is None:
            self._inline = Worker(self.setup)
        return self._inline

    def memory(self) -> int:
        """Bytes that a worker needs for the largest of the blocks."""
        largest = max(path.stat().st_size for path in self.setup.ingest_dir.glob("native-*.arrow"))
        index = self.setup.mining_index
        index_bytes = index.stat().st_size if index is not None else 0
        return int(_WORKER_BYTES + _PER_BLOCK * largest + _PER_INDEX * index_bytes)

    def _done(self, items: Iterable[tuple[str, Any]]) -> Iterator[Any]:
        return run_in_order(ItemWork(self.setup), items, self.memory())


def _absolute(setup: WorkerSetup) -> WorkerSetup:
    """The same files, named as a process with another working directory needs."""
    names = ("template_dir", "ingest_dir", "drafts_dir", "shards_dir", "marks_dir", "mining_index", "image_root")
    paths: dict[str, Any] = {name: getattr(setup, name) for name in names}
    return replace(setup, **{name: path.resolve() for name, path in paths.items() if path is not None})
