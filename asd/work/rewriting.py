"""The drafting stage with a language model: many rows at once, a bounded number of them in flight.

It answers the planner's questions as the worker pool does without a model, and leaves the same draft files, each as
soon as its last row is done. The model is reached only if there is a row to ask about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from asd.rewrite.completions import ReplyStore
from asd.rewrite.open_model import open_model
from asd.rewrite.request import Complete
from asd.rewrite.rewriter import Rewriter
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.stats import RunStats
from asd.shards.files import open_arrow
from asd.templating import TemplateSet
from asd.work.draft_files import DraftOrder, Made, Outcomes, read_outcomes, write_drafts
from asd.work.rewriting_record import RecordingComplete
from asd.work.rewriting_round import Round
from asd.work.rewriting_rows import Ask, RowDrafter
from asd.work.samples import read_samples
from asd.work.worker import Worker

_READ_UNITS = 1024
"""Units whose samples are read from disk at once."""


class StageProgress(Protocol):
    def advance(self, rows: int) -> None: ...
    def say(self, text: str) -> None: ...


class Accounts(Protocol):
    """Takes the counts of a run; see `Ledger`."""

    def save(self, stats: RunStats, extra: dict[str, int], *, now: bool = False) -> None: ...


@dataclass(frozen=True)
class Asking:
    """An open model, or what stands for it, with its counts."""

    drafter: RowDrafter
    stats: RunStats | None = None
    failed_checks: Mapping[str, int] = field(default_factory=dict)
    """Of replies, by the check's name; grows."""


@asynccontextmanager
async def asking_the_model(
    worker: Worker, settings: RewriterSettings, say: Callable[[str], None], cache: ReplyStore | None = None
) -> AsyncIterator[Asking]:
    """The model is reached here, and left with the block. cache: instead of the file of the settings."""
    async with open_model(settings, say, cache) as complete:
        recording = RecordingComplete(complete, settings)
        rewriter = build_rewriter(worker, settings, recording, takes_images=complete.images)
        yield Asking(RowDrafter(worker, rewriter, settings), complete.stats, rewriter.failed_checks)


class RewritingStage:
    """A `ModelStage` in this process. Open for a whole conversion, in one task: `async with RewritingStage(...)`."""

    def __init__(
        self,
        worker: Worker,
        settings: RewriterSettings,
        ledger: Accounts,
        progress: StageProgress,
        *,
        asking: Callable[[], AbstractAsyncContextManager[Asking]] | None = None,
    ) -> None:
        """asking: what drafts the rows, instead of the model of the settings."""
        self._settings, self._ledger, self._progress = settings, ledger, progress
        self._open_asking = asking or (lambda: asking_the_model(worker, settings, progress.say))
        self._setup = worker.setup
        self._stack = AsyncExitStack()
        self._asking: Asking | None = None
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
        if self._asking is None:
            self._asking = await self._stack.enter_async_context(self._open_asking())
        return self._asking.drafter

    def _draft_file(self, order: DraftOrder) -> Path:
        return order.path(self._setup.drafts_dir)

    def units(self, order: DraftOrder) -> Iterator[tuple[list[int], list[Ask]]]:
        """Places among the order's requests, and what is asked there; one image's questions of one style together."""
        ingest_dir, requests = self._setup.ingest_dir, order.requests()
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
        write_drafts(self._draft_file(order), order, made, durable=self._setup.durable_drafts)

    @property
    def patience_s(self) -> float:
        """How long requests in flight are waited for when the run has to stop, since their replies are paid for."""
        return self._settings.timeout_s

    def _save(self, *, now: bool = False) -> None:
        if self._asking is not None and self._asking.stats is not None:
            self._ledger.save(self._asking.stats, dict(self._asking.failed_checks), now=now)


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
