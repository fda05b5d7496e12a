"""One round of the drafting stage with a model: what is asked at once, and what a failure does to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Protocol

from asd.errors import RewriterError
from asd.work.draft_files import DraftOrder, Made
from asd.work.rewriting_rows import Ask, RowDrafter


class Units(Protocol):
    """The part of a stage that a round needs; see `asd.work.rewriting.RewritingStage`."""

    @property
    def patience_s(self) -> float: ...
    def units(self, order: DraftOrder) -> Iterator[tuple[list[int], list[Ask]]]: ...
    def finish_unit(self, rows: int) -> None: ...
    def finish_order(self, order: DraftOrder, made: list[Made]) -> None: ...


class _OrderResults:
    """Results of one order as they come in; written when the last is there."""

    def __init__(self, order: DraftOrder) -> None:
        self.order = order
        self.made: list[Made | None] = [None] * len(order.requests())
        self.left = len(self.made)


class Round:
    """One set of orders: units are started as others end, and after a failure none are."""

    def __init__(self, stage: Units, drafter: RowDrafter, max_units: int) -> None:
        self._stage, self._drafter = stage, drafter
        self._gate = asyncio.Semaphore(max_units)
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None

    async def run(self, orders: Sequence[DraftOrder]) -> None:
        try:
            for order in orders:
                results = _OrderResults(order)
                for places, asks in self._stage.units(order):
                    await self._gate.acquire()
                    if self._failure is not None:
                        break
                    self._start(results, places, asks)
                if self._failure is not None:
                    break
            await self._wait_for_the_rest()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    def _start(self, results: _OrderResults, places: list[int], asks: list[Ask]) -> None:
        task = asyncio.create_task(self._work(results, places, asks))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, results: _OrderResults, places: list[int], asks: list[Ask]) -> None:
        try:
            made = await self._drafter.draft_unit(asks)
            for place, row_made in zip(places, made, strict=True):
                results.made[place] = row_made
            results.left -= len(places)
            if results.left == 0:
                self._stage.finish_order(results.order, [row_made for row_made in results.made if row_made is not None])
            self._stage.finish_unit(len(places))
        except Exception as exc:
            self._failure = self._failure or exc
        finally:
            self._gate.release()

    async def _wait_for_the_rest(self) -> None:
        """Wait for all of it; after a failure of the model's side as long as a reply may take; after others not at all."""
        while self._tasks and self._failure is None:
            await asyncio.wait(set(self._tasks), return_when=asyncio.FIRST_COMPLETED)
        if self._tasks and isinstance(self._failure, RewriterError):
            await asyncio.wait(set(self._tasks), timeout=self._stage.patience_s)
