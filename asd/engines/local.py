"""Where work items run: in this process, and beside it in worker processes that live no longer than it does.

Results come back in the order of the items. With n workers there are n - 1 processes, since this one works too: it
takes items from the end while the others get them from the front, a few at a time. Worker processes do not see Ctrl-C
(this process does, and ends them), and they end by themselves when this process is killed: each holds the reading end
of a pipe, the lifeline, whose writing end only this process has.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import thread_time
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from asd.engines.base import INLINE_SAMPLES, ModelStage, WorkerLostError, WorkPool
from asd.plain_files import Stamp
from asd.sources.in_order import map_in_order, usable_threads
from asd.work.draft_files import DraftOrder, Outcomes
from asd.work.finished_shards import ShardResult, WrittenShard, settle
from asd.work.ingested import NativeShard
from asd.work.measuring import Measured, Measuring, read_here
from asd.work.own_process import is_own, usable_cores
from asd.work.worker import (
    ShardOrder,
    Worker,
    WorkerSetup,
    draft_in_worker,
    draft_part_in_worker,
    start_worker,
    write_in_worker,
)

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings
    from asd.sources.open import Source
    from asd.work.rewriting import Accounts, Asking, StageProgress

    AsksModel = Callable[[Worker, RewriterSettings], AbstractAsyncContextManager[Asking]]

_WAITING = 2
"""Finished shards that wait for the disk at once, while others are written."""
_AT_ONCE = 2
"""Items of each process, the one it does included, so that it need not wait for this process to hand it another."""
_ENOUGH = 4
"""Draft files a process, from which on they are dealt out whole."""
_PART_ROWS = 2048
"""Rows that are dealt out at once, else."""
_WORTH_PROCESSES_S = 2.0
"""Processor time of drafting that is left. A process costs about 0.7 s of it, before it does anything."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class LocalEngine:
    """An `Engine` of this machine's cores."""

    def __init__(self, workers: int | None = None, asking: AsksModel | None = None) -> None:
        """workers: None for one process, or as many as there are cores where that pays. asking: what drafts rows in place
        of the model of the settings."""
        self._workers, self._asking = workers, asking

    def connected(self, say: Callable[[str], None]) -> AbstractContextManager[None]:
        return nullcontext()

    def require_seen(self, staging: Path, others: Iterable[Path]) -> None:
        return None

    def takes(self, place: int) -> bool:
        return True

    def read(
        self, source: Source, measure: Measuring, stamps: Mapping[Path, Stamp], say: Callable[[str], None]
    ) -> Measured:
        return read_here(source, measure)

    def pool(self, setup: WorkerSetup, shards: Sequence[NativeShard], wanted: int) -> WorkPool:
        if self._workers is not None:
            return Pool(setup, self._workers, self._asking)
        if wanted >= INLINE_SAMPLES:
            return Pool(setup, usable_cores(), self._asking)
        return Pool(setup, 1, self._asking, most=usable_cores() if is_own() else 1)


class Pool:
    """This machine's cores. Use as a context manager, so that no process outlives an error."""

    def __init__(
        self, setup: WorkerSetup, workers: int, asking: AsksModel | None = None, *, most: int | None = None
    ) -> None:
        """workers: processes, this one included. most: as many as that once drafting turns out to take long."""
        self._setup, self._workers, self._asking = setup, workers, asking
        self._most = workers if most is None else most
        self._inline: Worker | None = None
        self._processes: ProcessPoolExecutor | None = None
        self._lifeline: Connection | None = None

    def __enter__(self) -> Pool:
        """Worker processes import what they need while this one does something else; they look at no file yet."""
        for _ in range(self._workers - 1):  # each starts one
            self._hand_out(_wake_up, None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._processes is None or self._lifeline is None:
            return
        self._lifeline.close()  # nobody waits for work that nobody will use, nor for interpreters that tidy up
        self._processes.shutdown(wait=True, cancel_futures=True)

    def draft(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        if self._most == 1:
            return (self.worker().draft_rows(order) for order in orders)
        are_few = len(orders) < _ENOUGH * self._workers and any(len(order) > _PART_ROWS for order in orders)
        if self._workers == 1 or are_few:
            return self._draft_in_parts(orders)
        return self._map(draft_in_worker, self.worker().draft_rows, orders)

    def _draft_in_parts(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        """Where there are too few orders to keep all processes busy to the end. The draft files are the same."""
        worker = self.worker()
        parts = {order.shard: order.parts(_PART_ROWS) for order in orders if not worker.has_drafts(order)}
        made = self._made_of([*chain.from_iterable(parts.values())])
        for order in orders:
            if order.shard in parts:
                yield worker.save_drafts(order, list(islice(made, len(parts[order.shard]))))
            else:
                yield worker.draft_rows(order)

    def _made_of(self, parts: Sequence[DraftOrder]) -> Iterator[pa.RecordBatch]:
        """One at a time, until what is left is worth more processes. Processor time, so that a busy machine starts no more
        of them; the first part tells nothing, since tables are loaded and wordings compiled meanwhile."""
        worker = self.worker()
        for place, part in enumerate(parts):
            if self._workers > 1:
                yield from self._map(draft_part_in_worker, worker.draft_part, parts[place:])
                return
            start = thread_time()
            made = worker.draft_part(part)
            if place and (thread_time() - start) * (len(parts) - place - 1) > _WORTH_PROCESSES_S:
                self._workers = self._most
            yield made

    def stage(self, settings: RewriterSettings, ledger: Accounts, progress: StageProgress) -> ModelStage:
        from asd.work.rewriting import RewritingStage

        asking = None if self._asking is None else partial(self._asking, self.worker(), settings)
        return RewritingStage(self.worker(), settings, ledger, progress, asking=asking)

    def write(self, orders: Sequence[ShardOrder]) -> Iterator[ShardResult]:
        if self._workers > 1:
            return self._write_beside(orders)
        if not orders:
            return iter(())
        # Native rows cost Arrow's kernels, hashing and the disk, all outside of the interpreter lock.
        if 4 * sum(len(order.rows) for order in orders) <= sum(order.shard.rows for order in orders):
            return map_in_order(self.worker().assemble, orders, min(usable_threads(), 2))
        return map_in_order(settle, map(self.worker().write, orders), _WAITING)

    def _write_beside(self, orders: Sequence[ShardOrder]) -> Iterator[ShardResult]:
        """What this process writes gets its name at once and not in its turn, so that a run that is killed keeps it."""
        with ThreadPoolExecutor(_WAITING) as disk:

            def here(order: ShardOrder) -> Future[ShardResult]:
                return disk.submit(settle, self.worker().write(order))

            made: Iterator[WrittenShard | Future[ShardResult]] = self._map(write_in_worker, here, orders)
            yield from map_in_order(_settled, made, _WAITING)

    def worker(self) -> Worker:
        """The worker of this process."""
        if self._inline is None:
            self._inline = Worker(self._setup)
        return self._inline

    def _map(
        self, elsewhere: Callable[[Item], Result], here: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        try:
            all_but_mine = len(items) - len(items) // self._workers
            at_once = min(_AT_ONCE * (self._workers - 1), all_but_mine)
            yield from _with_a_hand(items, partial(self._hand_out, elsewhere), here, at_once)
        except BrokenProcessPool as exc:
            raise WorkerLostError(
                "a worker process died (killed, or out of memory). Finished parts are kept: run the same command "
                "again to go on, with fewer --workers if memory was short. A Python script that converts with "
                'several workers must do so below `if __name__ == "__main__":`.'
            ) from exc

    def _hand_out(self, work: Callable[[Item], Result], item: Item) -> Future[Result]:
        with _interrupts_held_back():  # processes are started as items are handed out
            return self._executor().submit(work, item)

    def _executor(self) -> ProcessPoolExecutor:
        if self._processes is None:
            context = get_context("spawn")
            reader, self._lifeline = context.Pipe(duplex=False)
            self._processes = ProcessPoolExecutor(
                self._workers - 1, mp_context=context, initializer=_begin, initargs=(self._setup, reader)
            )
        return self._processes


def _with_a_hand(
    items: Sequence[Item], hand_out: Callable[[Item], Future[Result]], here: Callable[[Item], Result], at_once: int
) -> Iterator[Result]:
    """The results in order; while the first result is not there, this process does the last item that nobody has.

    at_once: items that are handed out and not done. What this process does was never handed out: where an item was taken
    back (`Future.cancel`), an executor of Python 3.11 whose process dies ends in a traceback, or never.
    """
    left, theirs, mine = deque(range(len(items))), deque[Future[Result]](), deque[Result]()
    while left or theirs:
        while left and sum(not result.done() for result in theirs) < at_once:
            theirs.append(hand_out(items[left.popleft()]))
        if left and not theirs[0].done():
            mine.appendleft(here(items[left.pop()]))
        else:
            yield theirs.popleft().result()
    yield from mine


def _settled(shard: WrittenShard | Future[ShardResult]) -> ShardResult:
    return settle(shard) if isinstance(shard, WrittenShard) else shard.result()


def _wake_up(_: None) -> None:
    """Nothing: a process that has come so far has imported all it needs."""


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
