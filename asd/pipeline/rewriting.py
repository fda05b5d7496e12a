"""The drafting stage with a language model: many rows at once, a bounded number of them in flight.

It answers the planner's questions as the worker pool does without a model, and leaves the same draft files, each as
soon as its last row is done. The model is reached only if there is a row to ask about.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

from asd.pipeline.drafts import DraftOrder, Made, Outcomes, read_outcomes, write_drafts
from asd.pipeline.rewriting_record import RecordingComplete
from asd.pipeline.rewriting_round import Round
from asd.pipeline.rewriting_rows import Ask, RowDrafter
from asd.pipeline.samples import read_samples
from asd.pipeline.work import Worker, WorkerSetup
from asd.rewrite.completions import Completions, ReplyStore, open_completions
from asd.rewrite.request import Complete
from asd.rewrite.rewriter import Rewriter
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.stats import RunStats
from asd.shards.files import open_arrow
from asd.templating import TemplateSet

Result = TypeVar("Result")
_READ_UNITS = 1024
"""Units whose samples are read from disk at once."""


class StageProgress(Protocol):
    def advance(self, rows: int) -> None: ...
    def say(self, text: str) -> None: ...


class Accounts(Protocol):
    """Where the counts of a run go; see `Ledger`."""

    def save(self, stats: RunStats, extra: dict[str, int], *, now: bool = False) -> None: ...


class ModelStage(Protocol):
    """Drafts with a model, wherever that is asked. Used as an asynchronous context manager."""

    async def __aenter__(self) -> ModelStage: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...

    async def draft(self, orders: Sequence[DraftOrder]) -> list[Outcomes]:
        """One for each order, in their order; the draft files are there then."""


@asynccontextmanager
async def open_model(
    settings: RewriterSettings, say: Callable[[str], None], cache: ReplyStore | None = None
) -> AsyncIterator[Completions]:
    """The model that `settings` name, started if need be and stopped with the block. Raises: RewriterError.

    cache: instead of the file of the settings.
    """
    if settings.kind == "vllm-offline":
        from asd.rewrite.vllm_offline import open_offline

        async with open_offline(settings, say, cache) as complete:
            yield complete
    elif settings.kind == "vllm":
        from asd.rewrite.vllm_server import vllm_server

        async with (
            vllm_server(settings, say=say) as url,
            open_completions(settings, say, base_urls=[url], cache=cache) as complete,
        ):
            yield complete
    else:
        async with open_completions(settings, say, cache=cache) as complete:
            yield complete


def look_at_model(settings: RewriterSettings) -> None:
    """Whether a server, or the cache, can do the work; a vLLM of one's own tells that when it starts.

    Silent: what there is to say of it is said when the work begins.
    Raises: KeyRefusedError, PreflightError, ServerError, CacheError.
    """

    async def look() -> None:
        async with open_completions(settings, is_long=False):
            pass

    if settings.kind in ("openai", "cache"):
        run_to_end(look)


class RewritingStage:
    """Open for a whole conversion, in one task: `async with RewritingStage(...) as stage`."""

    def __init__(
        self,
        worker: Worker,
        settings: RewriterSettings,
        ledger: Accounts,
        progress: StageProgress,
        cache: ReplyStore | None = None,
    ) -> None:
        """cache: instead of the file of the settings."""
        self._worker, self._settings, self._ledger, self._progress = worker, settings, ledger, progress
        self._cache = cache
        self._stack = AsyncExitStack()
        self._drafter: RowDrafter | None = None
        self._rewriter: Rewriter | None = None
        self._stats: RunStats | None = None
        self._max_units = units_at_once(settings)

    async def __aenter__(self) -> RewritingStage:
        return self

    async def __aexit__(self, *error: Any) -> bool | None:
        self._save(now=True)
        return await self._stack.__aexit__(*error)

    async def draft(self, orders: Sequence[DraftOrder]) -> list[Outcomes]:
        """Raises: RewriterError where the model's side has to stop; what was finished is kept."""
        missing = [order for order in orders if not self._draft_file(order).is_file()]
        for order in orders:
            if order not in missing:
                self._progress.advance(len(order.requests()))
        if missing:
            drafter = await self.open()
            await Round(self, drafter, self._max_units).run(missing)
        return [read_outcomes(self._draft_file(order), order) for order in orders]

    async def open(self) -> RowDrafter:
        """The model is reached and asked from here on, in this task. Raises: RewriterError."""
        if self._drafter is None:
            complete = await self._stack.enter_async_context(
                open_model(self._settings, self._progress.say, self._cache)
            )
            self._stats = complete.stats
            recording = RecordingComplete(complete, self._settings)
            self._rewriter = build_rewriter(self._worker, self._settings, recording, takes_images=complete.images)
            self._drafter = RowDrafter(self._worker, self._rewriter, self._settings)
        return self._drafter

    def setup_of(self, order: DraftOrder) -> WorkerSetup:
        """Where the order's files are."""
        return self._worker.setup

    def _draft_file(self, order: DraftOrder) -> Path:
        return order.path(self.setup_of(order).drafts_dir)

    def units(self, order: DraftOrder) -> Iterator[tuple[list[int], list[Ask]]]:
        """Places among the order's requests, and what is asked there; one image's questions of one style together."""
        ingest_dir, requests = self.setup_of(order).ingest_dir, order.requests()
        masks = order.masks(ingest_dir)
        path = ingest_dir / order.shard.file
        units = _units(path, requests, self._settings.group_by_image)
        for start in range(0, len(units), _READ_UNITS):
            chunk = units[start : start + _READ_UNITS]
            samples = iter(read_samples(path, [requests[place][0] for unit in chunk for place in unit]))
            for unit in chunk:
                yield unit, [Ask(next(samples), requests[place][1], masks[place]) for place in unit]

    def finish_unit(self, rows: int) -> None:
        self._progress.advance(rows)
        self._save()

    def finish_order(self, order: DraftOrder, made: list[Made]) -> None:
        write_drafts(self._draft_file(order), order, made, durable=self.setup_of(order).durable_drafts)

    @property
    def patience_s(self) -> float:
        """For what is in flight when the run has to stop: its replies are paid for."""
        return self._settings.timeout_s

    def _save(self, *, now: bool = False) -> None:
        if self._stats is not None and self._rewriter is not None:
            self._ledger.save(self._stats, dict(self._rewriter.failed_checks), now=now)


def units_at_once(settings: RewriterSettings) -> int:
    """Of prompts that are asked or prepared: some more than requests in flight, so that one is ready for each place."""
    return settings.max_in_flight + settings.max_in_flight // 4 + 8


def build_rewriter(worker: Worker, settings: RewriterSettings, complete: Complete, *, takes_images: bool) -> Rewriter:
    setup = worker.setup
    return Rewriter(
        worker.spec,
        setup.seed,
        settings,
        TemplateSet(setup.template_dir),
        complete,
        setup.image_root,
        takes_images=takes_images,
    )


def _units(path: Path, requests: list[tuple[int, int, bool]], most: int) -> list[list[int]]:
    """Places of requests that may share a prompt, by image and style asked; in the order of their first rows."""
    order = sorted(range(len(requests)), key=lambda place: requests[place][0])
    if most == 1:
        return [[place] for place in order]
    images = _images_of(path, [row for row, _, _ in requests])
    units: list[list[int]] = []
    latest: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place in order:
        key = (images[place], *requests[place][1:])
        unit = latest[key]
        if not images[place] or not unit or len(unit) == most:
            unit = latest[key] = []
            units.append(unit)
        unit.append(place)
    return units


def _images_of(path: Path, rows: list[int]) -> list[tuple[str, ...]]:
    column = open_arrow(path).read_all()["images"].take(rows)
    return [tuple(names) for names in column.to_pylist()]


def run_to_end(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine from ordinary code, also where an event loop runs already (in a notebook): there in a thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    outcome: list[Result | BaseException] = []

    def target() -> None:
        try:
            outcome.append(asyncio.run(work()))
        except BaseException as exc:
            outcome.append(exc)

    thread = threading.Thread(target=target, name="rewriting")
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
