"""Where work items run: in this process, or in worker processes that live no longer than it does.

Results come back in the order of the items. Worker processes do not see Ctrl-C (this process does, and ends them), and
they end by themselves when this process is killed: each holds the reading end of a pipe, the lifeline, whose writing
end only this process has.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Protocol, TypeVar

from asd.errors import DataError
from asd.pipeline.drafts import DraftOrder, Outcomes
from asd.pipeline.work import (
    ShardOrder,
    ShardResult,
    Worker,
    WorkerSetup,
    assemble_in_worker,
    draft_in_worker,
    start_worker,
)
from asd.sources.in_order import map_in_order, usable_threads

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerLostError(DataError):
    """A worker process is gone; what was finished is of use to the next run."""


class WorkPool(Protocol):
    """Drafts and assembles, wherever that is done. Used as a context manager."""

    def __enter__(self) -> WorkPool: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def draft(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        """One result per order, in their order; the draft files are there when it comes."""

    def assemble(self, orders: Sequence[ShardOrder]) -> Iterator[ShardResult]:
        """One result per order, in their order; the shard is there when it comes."""

    def worker(self) -> Worker:
        """The worker of this process."""


class Pool:
    """This machine's cores. Use as a context manager, so that no process outlives an error."""

    def __init__(self, setup: WorkerSetup, workers: int) -> None:
        self._setup, self._workers = setup, workers
        self._inline: Worker | None = None
        self._processes: ProcessPoolExecutor | None = None
        self._lifeline: Connection | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._processes is None or self._lifeline is None:
            return
        if kind is not None:
            self._lifeline.close()  # nobody waits for work that nobody will use
        self._processes.shutdown(wait=True, cancel_futures=True)
        self._lifeline.close()

    def draft(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        if self._workers == 1:
            return (self.worker().draft_rows(order) for order in orders)
        return self._map(draft_in_worker, orders)

    def assemble(self, orders: Sequence[ShardOrder]) -> Iterator[ShardResult]:
        if self._workers == 1:
            # Native rows cost Arrow's kernels, hashing and the disk, all outside of the interpreter lock.
            if orders and 4 * sum(len(order.rows) for order in orders) <= sum(order.shard.rows for order in orders):
                return map_in_order(self.worker().assemble, orders, min(usable_threads(), 2))
            return (self.worker().assemble(order) for order in orders)
        return self._map(assemble_in_worker, orders)

    def worker(self) -> Worker:
        """The worker of this process."""
        if self._inline is None:
            self._inline = Worker(self._setup)
        return self._inline

    def _map(self, function: Callable[[Item], Result], orders: Sequence[Item]) -> Iterator[Result]:
        try:
            with _interrupts_held_back():  # processes are started as items are handed in
                results = self._executor().map(function, orders)
            yield from results
        except BrokenProcessPool as exc:
            raise WorkerLostError(
                "a worker process died (killed, or out of memory). Finished parts are kept: run the same command "
                "again to go on, with fewer --workers if memory was short. A Python script that converts with "
                'several workers must do so below `if __name__ == "__main__":`.'
            ) from exc

    def _executor(self) -> ProcessPoolExecutor:
        if self._processes is None:
            context = get_context("spawn")
            reader, self._lifeline = context.Pipe(duplex=False)
            self._processes = ProcessPoolExecutor(
                self._workers, mp_context=context, initializer=_begin, initargs=(self._setup, reader)
            )
        return self._processes


def _begin(setup: WorkerSetup, lifeline: Connection) -> None:
    """Initialiser of a worker process."""
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    start_worker(setup)


def _end_with_parent(lifeline: Connection) -> None:
    wait([lifeline])
    os._exit(1)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes started meanwhile never get SIGINT; for this one it is put off until the end of the block."""
    resource_tracker.ensure_running()  # starting it later would let SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
