"""One pool of requests as the driver sees it: a worker on some node, and the next one if that dies."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import time
from collections.abc import Callable
from typing import Any

from asd.engines.base import WorkerLostError
from asd.engines.ray.cluster import describe_failure
from asd.engines.ray.model_worker import ModelSite, ModelWorker, Report
from asd.errors import AsdError
from asd.work.draft_files import DraftOrder, Outcomes
from asd.work.rewriting import StageProgress

_LOOK_S = 0.5
_ROOM_S = 30.0
"""A worker that has no room on the cluster for so long is worth a word."""


class PoolLostError(Exception):
    """The worker died; the order is to be given out again."""


class ModelPool:
    """`site_for`: what a worker is told, given what those before it have used."""

    def __init__(
        self,
        number: int,
        site_for: Callable[[list[Report]], ModelSite],
        options: dict[str, Any],
        progress: StageProgress,
        say: Callable[[int, str, str], None],
    ) -> None:
        """options: of the actor; say: takes the pool's number, its host and a text."""
        self.number, self._options = number, options
        self._site_for, self._progress, self._say = site_for, progress, say
        self._past: list[Report] = []
        self._begin_worker()
        self.deaths = 0
        """In a row, without an order done."""

    def _begin_worker(self) -> None:
        self._actor: Any = None
        self._host = ""
        self._starting: asyncio.Task[None] | None = None
        self._latest = Report()
        self._given = self._done = 0
        self._looked = time.monotonic()

    @property
    def reports(self) -> list[Report]:
        """Of all its workers, one each."""
        return [*self._past, self._latest]

    @property
    def rows_in_hand(self) -> int:
        return self._given - max(self._done, self._latest.rows)

    async def start(self) -> None:
        """Returns once the model answers there. Raises: RewriterError; PoolLostError."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(_mark_seen)  # nobody may be waiting for it any more
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        import ray

        self._actor = actor = ray.remote(ModelWorker).options(**self._options).remote(self._site_for(self._past))
        where = asyncio.create_task(_reply(actor.where))
        where.add_done_callback(_mark_seen)
        if not (await asyncio.wait({where}, timeout=_ROOM_S))[0]:
            self._say(self.number, "", "waiting for room on the Ray cluster")
        with self._loss_as_error(actor):
            self._host, _ = await where
            failure = await _reply(actor.begin)
        if failure is not None:
            raise failure

    async def draft(self, order: DraftOrder) -> Outcomes:
        """Raises: the error of the order, as it would be here; PoolLostError."""
        actor, rows = self._actor, len(order)
        self._given += rows
        with self._loss_as_error(actor):
            result = pickle.loads(await _reply(actor.draft, pickle.dumps(order)))
        if isinstance(result, AsdError):
            raise result
        self._done += rows
        self.deaths = 0
        outcomes: Outcomes = result
        return outcomes

    async def look(self, *, now: bool = False) -> None:
        """Take in what the worker has done; now and then, unless `now`. Raises: PoolLostError.

        A worker that has no room yet is not waited for.
        """
        if not self._host or (not now and time.monotonic() - self._looked < _LOOK_S):
            return
        self._looked = time.monotonic()
        actor = self._actor
        with self._loss_as_error(actor):
            report = await _reply(actor.report)
        if actor is self._actor:
            self._take(report)

    async def end(self, reason: AsdError | None, patience_s: float) -> None:
        """The worker closes its model, for so long at most; reason: as `ModelWorker.end`."""
        import ray

        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._actor is None:
            return
        if self._host:
            with contextlib.suppress(TimeoutError, ray.exceptions.RayError):
                self._take(await asyncio.wait_for(_reply(self._actor.end, reason), patience_s))
        with contextlib.suppress(ray.exceptions.RayError):
            ray.kill(self._actor)
        self._actor = None

    def _take(self, report: Report) -> None:
        self._progress.advance(report.rows - self._latest.rows)
        self._latest = report
        for text in report.said:
            self._say(self.number, self._host, text)

    @contextlib.contextmanager
    def _loss_as_error(self, actor: Any) -> Any:
        import ray

        try:
            yield
        except ray.exceptions.RayActorError as exc:
            self._lose(actor)
            raise PoolLostError(describe_failure(exc)) from exc
        except ray.exceptions.RayError as exc:
            raise WorkerLostError(
                f"the Ray cluster broke down ({describe_failure(exc)}). Finished blocks are kept: run the same command "
                "again to go on."
            ) from exc

    def _lose(self, actor: Any) -> None:
        """Once for each worker; rows of orders that it has not finished are done again."""
        import ray

        if actor is not self._actor:
            return
        with contextlib.suppress(ray.exceptions.RayError):
            ray.kill(actor)  # one that is only out of reach would go on asking
        self._progress.advance(self._done - self._latest.rows)
        self._past.append(self._latest)
        self.deaths += 1
        self._begin_worker()


def _mark_seen(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


async def _reply(method: Any, *arguments: Any) -> Any:
    return await method.remote(*arguments)
