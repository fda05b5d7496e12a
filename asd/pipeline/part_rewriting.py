"""The drafting stage with a language model, for one part of a conversion: asks about its own share alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from asd.pipeline.drafts import DraftOrder, Outcomes, read_outcomes
from asd.pipeline.rewriting import RewritingStage

if TYPE_CHECKING:
    from asd.pipeline.parts import PartRun


class PartStage(RewritingStage):
    """The model stays open while the part waits for the others' drafts of a round."""

    def __init__(self, run: PartRun, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._run = run

    async def draft(self, orders: Sequence[DraftOrder]) -> list[Outcomes]:
        run = self._run
        mine = run.begin_round(orders)
        await super().draft(mine)
        run.report.drafts_done += len(mine)
        await asyncio.to_thread(run.wait_for_others, orders)
        return [read_outcomes(order.path(run.drafts_dir), order) for order in orders]
