"""The engine of a conversion: it is handed in, does work items, and knows nothing of plans.

Items are read, drafted (by rules, or by asking a model) and written, each from files to a file. Engines differ in where
that is done: in worker processes of this machine, in this part of several, on a Ray cluster. The bytes do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from asd.errors import DataError
from asd.plain_files import Stamp
from asd.work.draft_files import DraftOrder, Outcomes
from asd.work.finished_shards import ShardResult
from asd.work.ingested import NativeShard
from asd.work.measuring import Measured, Measuring
from asd.work.worker import ShardOrder, Worker, WorkerSetup

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings
    from asd.sources.open import Source
    from asd.work.rewriting import Accounts, StageProgress

INLINE_SAMPLES = 60_000
"""From so many samples to convert on, worker processes are started before the first one is drafted."""


class WorkerLostError(DataError):
    """A worker process is gone; what was finished is of use to the next run."""


class ModelStage(Protocol):
    """Drafts with a model, wherever that is asked. Used as an asynchronous context manager."""

    async def __aenter__(self) -> ModelStage: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...

    async def draft(self, orders: Sequence[DraftOrder]) -> list[Outcomes]:
        """One for each order, in their order; the draft files are there then."""


class WorkPool(Protocol):
    """Drafts and writes, wherever that is done. Used as a context manager."""

    def __enter__(self) -> WorkPool: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def draft(self, orders: Sequence[DraftOrder]) -> Iterator[Outcomes]:
        """One result per order, in their order; the draft files are there when it comes."""

    def stage(self, settings: RewriterSettings, ledger: Accounts, progress: StageProgress) -> ModelStage:
        """A stage that drafts with a model."""

    def write(self, orders: Sequence[ShardOrder]) -> Iterator[ShardResult]:
        """One result per order, in their order; the shard is there when it comes."""

    def worker(self) -> Worker:
        """The worker of this process."""


class Engine(Protocol):
    """Does the work items of one conversion, wherever that is."""

    def connected(self, say: Callable[[str], None]) -> AbstractContextManager[None]:
        """Reach what it needs, for the length of the block. Raises: AsdError."""

    def require_seen(self, staging: Path, others: Iterable[Path]) -> None:
        """Raises: UsageError where some worker does not see the staging folder, or one of the other paths."""

    def takes(self, place: int) -> bool:
        """Whether it does the work on the native shard at this place; else somebody else does."""

    def read(
        self, source: Source, measure: Measuring, stamps: Mapping[Path, Stamp], say: Callable[[str], None]
    ) -> Measured:
        """The batches of the source in order, each with its rows measured.

        stamps: of the source's files when the version got its id.
        """

    def pool(self, setup: WorkerSetup, shards: Sequence[NativeShard], wanted: int) -> WorkPool:
        """A pool that drafts and writes. shards: all of the conversion; wanted: samples that are to change style."""
