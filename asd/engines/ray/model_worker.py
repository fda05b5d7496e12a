"""What asks the model on a node of a Ray cluster: an actor with a pool of requests of its own, and its own vLLM.

It drafts the orders that it is given, several side by side, into the staging folder. What it was told stands in the
driver's request cache.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import socket
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa

from asd.engines.base import WorkerLostError
from asd.engines.ray.replies import RemoteReplies
from asd.errors import AsdError, KeyRefusedError, PreflightError, ServerError
from asd.fingerprint import rewriter_fingerprint
from asd.rewrite.api_key import read_api_key
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.stats import RunStats
from asd.work.draft_files import DraftOrder, Outcomes
from asd.work.rewriting import RewritingStage, asking_the_model
from asd.work.worker import Worker, WorkerSetup


@dataclass(frozen=True)
class ModelSite:
    """Everything that a worker needs to ask the model."""

    setup: WorkerSetup
    settings: RewriterSettings
    model: tuple[str, str]
    """Name and revision, as the driver knows them: they are part of each request's key."""
    code: str
    """`rewriter_fingerprint` of the driver's package."""
    keeper: Any
    """Handle of the `ReplyKeeper` actor."""


@dataclass
class Report:
    """What a worker has done so far."""

    rows: int = 0
    stats: dict[str, Any] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    """Failed checks of replies, by name."""
    said: list[str] = field(default_factory=list)
    """Since the last report."""


class _ProgressNotes:
    """Progress and accounts of a stage, kept until the driver asks."""

    def __init__(self) -> None:
        self._rows, self._said = 0, list[str]()
        self._stats: RunStats | None = None
        self._rejected: dict[str, int] = {}

    def advance(self, rows: int) -> None:
        self._rows += rows

    def say(self, text: str) -> None:
        self._said.append(text)

    def save(self, stats: RunStats, extra: dict[str, int], *, now: bool = False) -> None:
        self._stats, self._rejected = stats, extra

    def report(self) -> Report:
        said, self._said = self._said, []
        return Report(self._rows, self._stats.as_dict() if self._stats is not None else {}, self._rejected, said)


class ModelWorker:
    """An actor. What it returns of orders is pickled here, so that an error of ours arrives as it is."""

    def __init__(self, site: ModelSite) -> None:
        pa.set_cpu_count(1)
        self._site = site
        self._notes = _ProgressNotes()
        self._stage: RewritingStage | None = None
        self._serving: asyncio.Task[None] | None = None
        self._ready, self._end = asyncio.Event(), asyncio.Event()
        self._reason: AsdError | None = None

    async def where(self) -> tuple[str, int]:
        """Host and process. Answered as soon as there was room on the cluster."""
        return socket.gethostname(), os.getpid()

    async def begin(self) -> AsdError | None:
        """Returns once the model answers."""
        self._serving = asyncio.create_task(self._serve())
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({self._serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        return self._failure()

    async def draft(self, packed: bytes) -> bytes:
        """The pickled order in; the pickled outcomes or error out."""
        assert self._serving is not None
        work = asyncio.create_task(self._draft(pickle.loads(packed)))
        await asyncio.wait({self._serving, work}, return_when=asyncio.FIRST_COMPLETED)
        if self._serving.done() and not work.done():  # the model is gone, which says more than what the rows will say
            work.cancel()
            return pickle.dumps(self._failure() or ServerError("the rewriter is closed"))
        try:
            return pickle.dumps(work.result())
        except AsdError as exc:
            return pickle.dumps(exc)

    async def report(self) -> Report:
        return self._notes.report()

    async def end(self, reason: AsdError | None) -> Report:
        """reason: why the run has to stop; what is in flight is waited for as that error asks for."""
        self._reason = reason
        self._end.set()
        if self._serving is not None:
            if self._stage is None:
                self._serving.cancel()
            await asyncio.wait({self._serving})
        return self._notes.report()

    def _failure(self) -> AsdError | None:
        """Why the model is not asked any more. Raises: what is no error of ours."""
        assert self._serving is not None
        if not self._serving.done():
            return None
        if self._serving.cancelled():
            return ServerError("the rewriter is closed")
        try:
            self._serving.result()
        except AsdError as exc:
            return exc
        return None

    async def _serve(self) -> None:
        """The model is open from the beginning to the end, in one task. Raises: as `RewritingStage`."""
        with _lost_actors_as_errors():
            settings = self._site.settings
            _require_same_model(self._site)
            _require_key(settings)
            cache = await RemoteReplies.open(self._site.keeper, "@".join(self._site.model))
            worker, notes = Worker(self._site.setup), self._notes
            asking = partial(asking_the_model, worker, settings, notes.say, cache)
            stage = RewritingStage(worker, settings, notes, notes, asking=asking)
            async with stage:
                await stage.open()
                self._stage = stage
                self._ready.set()
                await self._end.wait()
                if self._reason is not None:
                    raise self._reason

    async def _draft(self, order: DraftOrder) -> Outcomes:
        assert self._stage is not None
        with _lost_actors_as_errors():
            [outcomes] = await self._stage.draft([order])
            return outcomes


def _require_same_model(site: ModelSite) -> None:
    """Raises: PreflightError where a request would not have the key that it has at the driver."""
    settings, host = site.settings, socket.gethostname()
    if (settings.model_name, settings.model_revision) != site.model:
        raise PreflightError(
            f"node {host} of the Ray cluster does not have the model folder {settings.model} with the files that are "
            "there on the driver's node. Copy it to the same place on all nodes, or name the model by its hub name"
        )
    if rewriter_fingerprint() != site.code:
        raise PreflightError(
            f"node {host} of the Ray cluster has another version of this package, so it would ask otherwise. Install "
            "the same version on all nodes"
        )


def _require_key(settings: RewriterSettings) -> None:
    """Raises: KeyRefusedError where the key is not on this node."""
    try:
        read_api_key(settings.api_key_env, settings.api_key_file)
    except KeyRefusedError as exc:
        raise KeyRefusedError(
            f"{exc}. So it is on node {socket.gethostname()} of the Ray cluster: keys are not sent through Ray, each node "
            "reads its own"
        ) from None


@contextlib.contextmanager
def _lost_actors_as_errors() -> Any:
    """An actor of the driver's node that is gone, as an error of ours."""
    import ray

    try:
        yield
    except ray.exceptions.RayError as exc:
        raise WorkerLostError(
            f"the driver's node is not reached any more ({type(exc).__name__}). Finished blocks are kept: run the same "
            "command again to go on."
        ) from exc
