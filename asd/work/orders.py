"""Work orders, made of the plan as they are handed out: all of them at once would take more memory than the plan."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt

from asd.plan.results import Assignment, Questions
from asd.work.draft_files import DraftOrder
from asd.work.exchanging import ExchangedAnswers
from asd.work.ingested import Ingested, NativeShard
from asd.work.worker import ShardOrder

Order = TypeVar("Order")


class Orders(Sequence[Order], Generic[Order]):
    """One order for each of some native shards; made anew each time it is looked at."""

    def __init__(self, shards: Sequence[NativeShard], make: Callable[[NativeShard], Order]) -> None:
        self.shards, self._make = shards, make

    def __len__(self) -> int:
        return len(self.shards)

    def __iter__(self) -> Iterator[Order]:
        return map(self._make, self.shards)

    @overload
    def __getitem__(self, place: int) -> Order: ...
    @overload
    def __getitem__(self, place: slice) -> Orders[Order]: ...
    def __getitem__(self, place: int | slice) -> Order | Orders[Order]:
        if isinstance(place, slice):
            return Orders(self.shards[place], self._make)
        return self._make(self.shards[place])

    def where(self, is_wanted: Callable[[NativeShard], bool]) -> Orders[Order]:
        return Orders(list(filter(is_wanted, self.shards)), self._make)


def draft_orders(questions: Questions, shards: Sequence[NativeShard], round_number: int) -> Orders[DraftOrder]:
    """An order for every shard with a sample that is asked about. Look at them before their answers are there."""

    def make(shard: NativeShard) -> DraftOrder:
        first, end = shard.first, shard.first + shard.rows
        chain = np.stack(questions.chain_between(first, end), axis=1, dtype=np.int64) - [first, 0]
        single = questions.single_between(first, end) - [first, 0]
        return DraftOrder(shard, round_number, chain.astype(np.int32), single.astype(np.int32))

    asked = [shard for shard in shards if questions.are_any_between(shard.first, shard.first + shard.rows)]
    return Orders(asked, make)


def shard_orders(
    assignment: Assignment,
    ingested: Ingested,
    rounds: int,
    exchanged: ExchangedAnswers,
    verdicts: tuple[str, str],
    *,
    records: bool,
) -> Orders[ShardOrder]:
    """An order for every shard. verdicts: how yes and no are spelt; records: with a rewriter, whose asking is
    recorded."""
    renamed_rows = sorted(ingested.renamed)

    def make(shard: NativeShard) -> ShardOrder:
        end = shard.first + shard.rows
        rows, styles, deals = assignment.between(shard.first, end)
        low, high = np.searchsorted(renamed_rows, [shard.first, end])
        return ShardOrder(
            shard=shard,
            rows=_packed("i", (rows - shard.first).astype(np.int32)),
            styles=_packed("B", styles),
            deals=_packed("B", deals),
            renamed={row: ingested.renamed[row] for row in renamed_rows[low:high]},
            rounds=rounds,
            file=shard_file(shard),
            exchanged=exchanged.between(shard.first, end),
            verdicts=verdicts,
            processed=assignment.used_between(shard.first, end).tobytes() if records else b"",
        )

    return Orders(ingested.shards, make)


def shard_file(shard: NativeShard) -> str:
    """The path of the finished shard below the version's folder."""
    return f"data/{shard.split}-{shard.number:05d}.arrow"


def _packed(code: str, values: npt.NDArray[Any]) -> array[int]:
    """A sequence of integers that takes as many bytes as their type says, here and on the way to a worker."""
    return array(code, values.tobytes())
