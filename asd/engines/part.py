"""An engine for one part of several that see the same folders: it does its share, and waits for what the others make.

A part takes each native shard whose place modulo the number of parts is its index. The plan is global, exact, and a
function of all outcomes, so every part that finds all draft files of a round draws it for itself and needs to be told
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from asd.engines.base import Engine, ModelStage, WorkPool
from asd.engines.shared_staging import Part, SharedStaging
from asd.engines.waiting import wait_for_files
from asd.plain_files import Stamp
from asd.work.draft_files import DraftOrder, Outcomes, read_outcomes
from asd.work.finished_shards import ShardResult
from asd.work.ingested import NativeShard
from asd.work.measuring import Measured, Measuring
from asd.work.worker import ShardOrder, Worker, WorkerSetup

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings
    from asd.sources.open import Source
    from asd.work.rewriting import Accounts, StageProgress


@dataclass
class PartReport:
    """A report on how far a part has come."""

    part: Part
    path: Path
    """The dataset directory."""
    version: str
    blocks: int = 0
    """Native shards of the whole source."""
    drafts: int = 0
    """Draft files of this part's share, in the rounds that it knows of."""
    drafts_done: int = 0
    shards: int | None = None
    """Of its share; None before the plan is known."""
    shards_done: int = 0
    waiting_for: tuple[int, ...] = ()
    """Parts whose drafts are missing, at least one of which is not at work."""
    is_committed: bool = False
    """The version was there already."""

    @property
    def is_done(self) -> bool:
        return self.is_committed or self.shards == self.shards_done


class PartEngine:
    """An `Engine` that hands this part's share to another engine."""

    def __init__(
        self, inner: Engine, shared: SharedStaging, report: PartReport, wait_s: float, say: Callable[[str], None]
    ) -> None:
        """wait_s: how long to wait for parts that are not at work. report: is kept up to date."""
        self._inner, self._shared, self.report = inner, shared, report
        self._part, self._wait_s, self._say = report.part, wait_s, say

    def connected(self, say: Callable[[str], None]) -> AbstractContextManager[None]:
        return self._inner.connected(say)

    def require_seen(self, staging: Path, others: Iterable[Path]) -> None:
        self._inner.require_seen(staging, others)

    def takes(self, place: int) -> bool:
        return place % self._part.count == self._part.index

    def read(
        self, source: Source, measure: Measuring, stamps: Mapping[Path, Stamp], say: Callable[[str], None]
    ) -> Measured:
        return self._inner.read(source, measure, stamps, say)

    def pool(self, setup: WorkerSetup, shards: Sequence[NativeShard], wanted: int) -> WorkPool:
        owners = {shard.file: place % self._part.count for place, shard in enumerate(shards)}
        return _PartPool(_ShareOfRounds(self, owners, setup.drafts_dir), self._inner.pool(setup, shards, wanted))

    def note(self, state: str) -> None:
        """Write down for the others how far this part is."""
        self._shared.note(self._part, state)

    def wait(self, owners: Mapping[Path, int]) -> None:
        """owners: draft file -> the part that makes it. Raises: UnfinishedError."""
        self.note("waiting for the others' drafts")
        wait_for_files(owners, self._shared, self._wait_s, lambda text: self._say(f"{self._part}: {text}"))


class _ShareOfRounds:
    """Picks this part's orders out of a round's, and reads the outcomes of all of them."""

    def __init__(self, engine: PartEngine, owners: Mapping[str, int], drafts_dir: Path) -> None:
        """owners: file of a native shard -> the part that works on it."""
        self._engine, self._owners, self._drafts_dir = engine, owners, drafts_dir

    def begin_round(self, orders: Sequence[DraftOrder]) -> list[DraftOrder]:
        report = self._engine.report
        mine = [order for order in orders if self._owners[order.shard.file] == report.part.index]
        report.drafts += len(mine)
        self._engine.note("drafting")
        return mine

    def count_done(self, orders: int) -> None:
        self._engine.report.drafts_done += orders

    def wait_for_others(self, orders: Sequence[DraftOrder]) -> None:
        """Raises: UnfinishedError."""
        self._engine.wait({order.path(self._drafts_dir): self._owners[order.shard.file] for order in orders})

    def outcomes(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        """Read the outcomes of all parts from their files."""
        return (read_outcomes(order.path(self._drafts_dir), order) for order in orders)


class _PartPool:
    """Drafts this part's share; the outcomes of the others are read from their files."""

    def __init__(self, share: _ShareOfRounds, inner: WorkPool) -> None:
        self._share, self._inner = share, inner

    def __enter__(self) -> _PartPool:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    def draft(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        for _ in self._inner.draft(self._share.begin_round(orders)):
            self._share.count_done(1)
        self._share.wait_for_others(orders)
        return self._share.outcomes(orders)

    def stage(self, settings: RewriterSettings, ledger: Accounts, progress: StageProgress) -> ModelStage:
        return _PartStage(self._share, self._inner.stage(settings, ledger, progress))

    def write(self, orders: Sequence[ShardOrder]) -> Iterator[ShardResult]:
        return self._inner.write(orders)

    def worker(self) -> Worker:
        return self._inner.worker()


class _PartStage:
    """Asks a model about this part's share; it stays open while the part waits for the others' drafts of a round."""

    def __init__(self, share: _ShareOfRounds, inner: ModelStage) -> None:
        self._share, self._inner = share, inner

    async def __aenter__(self) -> _PartStage:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, trace)

    async def draft(self, orders: Sequence[DraftOrder]) -> list[Outcomes]:
        mine = self._share.begin_round(orders)
        await self._inner.draft(mine)
        self._share.count_done(len(mine))
        await asyncio.to_thread(self._share.wait_for_others, orders)
        return list(self._share.outcomes(orders))
