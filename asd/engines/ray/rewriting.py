"""The drafting stage with a language model on a Ray cluster: pools of requests on its nodes, blocks handed to them.

Actors and not tasks: a pool lives through all rounds with its model loaded and its requests in flight, gets its
next block before the last is through, and hands back counts meanwhile. What comes of a row depends on the sample, the
settings, the templates and the replies alone, so it does not matter which pool asks about it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from asd.engines.base import WorkerLostError
from asd.engines.ray.cluster import on_this_node, require_memory
from asd.engines.ray.model_pool import ModelPool, PoolLostError
from asd.engines.ray.model_worker import ModelSite, Report
from asd.engines.ray.placement import place_rewriters
from asd.engines.ray.replies import ReplyKeeper
from asd.engines.ray.tasks import MAX_TRIES
from asd.errors import AsdError, BudgetError, RewriterError
from asd.fingerprint import rewriter_fingerprint
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.stats import RunStats
from asd.work.draft_files import DraftOrder, Outcomes, read_outcomes
from asd.work.rewriting import Accounts, StageProgress, units_at_once
from asd.work.rewriting_record import share_of
from asd.work.worker import WorkerSetup

_POLL_S = 0.5
_END_S, _BREAK_S = 60.0, 2.0
"""For workers to close their models: at the end, and when the user has no time."""


class RayStage:
    """A `ModelStage`. memory: bytes that a rewriter needs; wishes: number of rewriters and GPUs of each, None for what fits."""

    def __init__(
        self,
        setup: WorkerSetup,
        memory: int,
        settings: RewriterSettings,
        wishes: tuple[int | None, float | None],
        ledger: Accounts,
        progress: StageProgress,
    ) -> None:
        self._setup, self._memory, self._settings, self._wishes = setup, memory, settings, wishes
        self._ledger, self._progress = ledger, progress
        self._keeper: Any = None
        self._pools: list[ModelPool] = []
        self._said: set[str] = set()

    async def __aenter__(self) -> RayStage:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if not self._pools:
            return
        reason = error if isinstance(error, AsdError) else None
        patience = self._settings.timeout_s + _END_S if isinstance(error, RewriterError) else _END_S
        if error is not None and reason is None:
            patience = _BREAK_S
        await asyncio.gather(*(pool.end(reason, patience) for pool in self._pools))
        self._account(now=True)
        await self._end_keeper()

    async def draft(self, orders: Sequence[DraftOrder]) -> list[Outcomes]:
        """Raises: RewriterError as on one machine; WorkerLostError. What was finished is kept."""
        drafts_dir = self._setup.drafts_dir
        missing = [order for order in orders if not order.path(drafts_dir).is_file()]
        asked = {id(order) for order in missing}
        for order in orders:
            if id(order) not in asked:
                self._progress.advance(len(order))
        made: dict[int, Outcomes] = {}
        if missing:
            made = await self._round(missing)
        return [
            made[id(order)] if id(order) in made else read_outcomes(order.path(drafts_dir), order) for order in orders
        ]

    async def _round(self, orders: Sequence[DraftOrder]) -> dict[int, Outcomes]:
        """Outcomes by the order's `id`."""
        queue = _OrderQueue(self._opened(), orders, units_at_once(self._settings), self._account)
        try:
            return await queue.run()
        except BudgetError as exc:
            if len(self._pools) == 1:
                raise
            raise BudgetError(f"{exc}. The limits are shared out among {len(self._pools)} pools of requests") from exc

    def _opened(self) -> list[ModelPool]:
        """Raises: ClusterError where the cluster has no room for them, busy or not."""
        if not self._pools:
            placement = place_rewriters(*self._wishes, self._settings)
            require_memory(self._memory)
            self._keeper = self._begin_keeper()
            self._progress.say(
                f"asking the model from {placement.count} workers with {placement.needs} each, up to "
                f"{self._settings.max_in_flight} requests at once from each"
            )
            for turn in range(placement.count):
                site_for = partial(self._site, turn, placement.count)
                options = {"memory": self._memory, **placement.options(turn)}
                self._pools.append(ModelPool(turn + 1, site_for, options, self._progress, self._tell))
        return self._pools

    def _begin_keeper(self) -> Any:
        import ray

        keeper = ray.remote(ReplyKeeper).options(num_cpus=0, max_restarts=-1, max_task_retries=-1, **on_this_node())
        return keeper.remote(self._settings.cache_path().resolve())

    def _site(self, turn: int, count: int, past: Sequence[Report]) -> ModelSite:
        settings = self._settings
        return ModelSite(
            self._setup,
            worker_settings(settings, turn, count, [report.stats for report in past]),
            (settings.model_name, settings.model_revision),
            rewriter_fingerprint(),
            self._keeper,
        )

    def _tell(self, number: int, host: str, text: str) -> None:
        """Once, however many pools have the same to say."""
        if text not in self._said:
            self._said.add(text)
            self._progress.say(f"rewriter {number}{f' on {host}' if host else ''}: {text}")

    def _account(self, *, now: bool = False) -> None:
        stats = RunStats(price_in=self._settings.price_in, price_out=self._settings.price_out)
        rejected: Counter[str] = Counter()
        for pool in self._pools:
            for report in pool.reports:
                stats.add(report.stats)
                rejected.update(report.rejected)
        self._ledger.save(stats, dict(rejected), now=now)

    async def _end_keeper(self) -> None:
        import ray

        with contextlib.suppress(TimeoutError, ray.exceptions.RayError):
            await asyncio.wait_for(_closed(self._keeper), _END_S)
        with contextlib.suppress(ray.exceptions.RayError):
            ray.kill(self._keeper)


async def _closed(keeper: Any) -> None:
    await keeper.close.remote()


class _OrderQueue:
    """One round's orders, each pool given as many as keep its requests going."""

    def __init__(self, pools: Sequence[ModelPool], orders: Sequence[DraftOrder], enough: int, account: Any) -> None:
        """enough: rows in hand, from which on a pool gets no further order."""
        self._pools, self._enough, self._account = pools, enough, account
        self._todo = deque(orders)
        self._left = len(orders)
        self._made: dict[int, Outcomes] = {}
        self._lost: Counter[int] = Counter()
        self._finished = asyncio.Event()

    async def run(self) -> dict[int, Outcomes]:
        feeders = {asyncio.create_task(self._feed(pool)) for pool in self._pools}
        finished = asyncio.create_task(self._finished.wait())
        waiting: set[asyncio.Task[Any]] = {*feeders, finished}
        try:
            while not self._finished.is_set():  # a pool that is still starting is not waited for
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            await _cancel({*feeders, finished})
        for pool in self._pools:
            with contextlib.suppress(PoolLostError):
                await pool.look(now=True)
        return self._made

    async def _feed(self, pool: ModelPool) -> None:
        running: set[asyncio.Task[None]] = set()
        try:
            while True:  # to the end of the round: what another pool has lost may come back
                if self._todo and await self._started(pool) and self._give(pool, running):
                    await asyncio.sleep(0)  # the others' turn
                elif running:
                    done, running = await asyncio.wait(running, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                    with contextlib.suppress(PoolLostError):  # its orders hear of it
                        await pool.look()
                    self._account()
                else:
                    await asyncio.sleep(_POLL_S)
        finally:
            await _cancel(running)

    async def _started(self, pool: ModelPool) -> bool:
        """Raises: WorkerLostError for a pool whose workers die one after the other."""
        try:
            await pool.start()
        except PoolLostError as exc:
            if pool.deaths >= MAX_TRIES:
                raise WorkerLostError(
                    f"the workers that were to ask the model died {pool.deaths} times, one after the other ({exc}). "
                    "Finished blocks and all replies are kept: run the same command again to go on."
                ) from exc
            return False
        return True

    def _give(self, pool: ModelPool, running: set[asyncio.Task[None]]) -> bool:
        """One order, where there is one and the pool has room for it."""
        has_room = not running or pool.rows_in_hand < self._enough
        if has_room and self._todo:
            running.add(asyncio.create_task(self._do(pool, self._todo.popleft())))
            return True
        return False

    async def _do(self, pool: ModelPool, order: DraftOrder) -> None:
        try:
            self._made[id(order)] = await pool.draft(order)
        except PoolLostError as exc:
            self._lost[id(order)] += 1
            if self._lost[id(order)] >= MAX_TRIES:
                raise WorkerLostError(
                    f"the worker that was to make drafts {order.round} of {order.shard.file} died {MAX_TRIES} times "
                    "(killed, or out of memory). Finished blocks and all replies are kept: run the same command again "
                    "to go on, on nodes with more memory if that was short."
                ) from exc
            self._todo.appendleft(order)
            return
        self._left -= 1
        if not self._left:
            self._finished.set()


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def worker_settings(
    settings: RewriterSettings, turn: int, count: int, used: Sequence[dict[str, Any]]
) -> RewriterSettings:
    """What one of `count` workers is told: its share of the limits, less what those in its place before it have used.

    Paths of the driver's machine are made absolute or left out; the model keeps the name that it has there.
    """
    spent = RunStats(price_in=settings.price_in, price_out=settings.price_out)
    for stats in used:
        spent.add(stats)
    changes: dict[str, Any] = {"cache": None}
    if settings.max_failures is not None:
        changes["max_failures"] = share_of(settings.max_failures, turn, count)
    if settings.max_tokens_total is not None:
        share = share_of(settings.max_tokens_total, turn, count)
        changes["max_tokens_total"] = max(share - spent.prompt_tokens - spent.completion_tokens, 0)
    if settings.max_cost is not None:
        changes["max_cost"] = max(settings.max_cost / count - (spent.cost or 0.0), 0.0)
    if settings.api_key_file is not None:
        changes["api_key_file"] = Path(settings.api_key_file).resolve()
    if settings.kind in ("openai", "cache"):
        changes |= {"model": settings.model_name, "revision": settings.model_revision}
    elif Path(settings.model).exists():
        changes["model"] = str(Path(settings.model).resolve())
    return settings.model_copy(update=changes)
