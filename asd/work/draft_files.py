"""Draft files: what the makers made of the rows of one native shard in one round. Written whole, read by both steps.

A file is written once all its rows are done, so a conversion that was killed asks for the others alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asd.columns import REWRITE
from asd.plan.codes import MULTIPLE_CHOICE, NOBODY, UNKNOWN
from asd.records import Draft
from asd.schemas.styles import TARGET_STYLES
from asd.shards.files import lost_file, open_staged, write_hidden
from asd.work.done_mark import give_marked_name
from asd.work.ingested import NativeShard, StoredColumn

DRAFT_SCHEMA = pa.schema(
    [
        ("row", pa.int32()),
        ("single", pa.bool_()),
        ("asked", pa.uint8()),
        ("outcome", pa.uint8()),
        ("num_options", pa.uint8()),
        ("maker", pa.string()),
        ("gold", pa.string()),
        ("options", pa.list_(pa.string())),
        ("fixed_order", pa.bool_()),
        ("gold_index", pa.int32()),
        ("wrong", pa.string()),
        ("text", pa.string()),
        ("question", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("rewrite", REWRITE),
        ("made_checks", pa.list_(pa.string())),
    ]
)
DRAFT_FIELDS = ("maker", "gold", "options", "fixed_order", "gold_index", "wrong", "text", "question")
"""Fields of a Draft that are columns as they are, in the order of the class."""
_NO_DRAFT: Any = SimpleNamespace(**dict.fromkeys(DRAFT_FIELDS))
_NUMBERS = list(range(len(TARGET_STYLES)))
CHAINS = [_NUMBERS[first:] + _NUMBERS[:first] for first in _NUMBERS]
"""For each primary style, all styles in the order in which they are tried."""


@dataclass(frozen=True)
class DraftOrder:
    """Rows of one native shard whose makers are to be asked. Row numbers are within the shard."""

    shard: NativeShard
    round: int
    chain: npt.NDArray[np.int32]
    """(row, primary style), shape (n, 2)"""
    single: npt.NDArray[np.int32]
    """(row, style), shape (n, 2)"""

    def path(self, drafts_dir: Path) -> Path:
        return draft_file(drafts_dir, self.round, self.shard)

    def __len__(self) -> int:
        """Requests."""
        return len(self.chain) + len(self.single)

    def parts(self, most: int) -> list[DraftOrder]:
        """Orders of at most so many requests; together they are the requests of this one, in its order."""
        cut, starts = len(self.chain), range(0, max(len(self), 1), most)
        chains = [self.chain[first : first + most] for first in starts]
        singles = [self.single[max(first - cut, 0) : max(first + most - cut, 0)] for first in starts]
        return [replace(self, chain=chain, single=single) for chain, single in zip(chains, singles, strict=True)]

    def requests(self) -> list[tuple[int, int, bool]]:
        """(row, first style, whether that is the only one), chains first."""
        return [(row, style, False) for row, style in self.chain.tolist()] + [
            (row, style, True) for row, style in self.single.tolist()
        ]

    def rows(self) -> npt.NDArray[np.int32]:
        """The requests' rows."""
        return np.concatenate([self.chain[:, 0], self.single[:, 0]])

    def asked(self) -> npt.NDArray[np.uint8]:
        """First styles of the requests."""
        return np.concatenate([self.chain[:, 1], self.single[:, 1]]).astype(np.uint8)

    def masks(self, ingest_dir: Path) -> list[int]:
        """For each request, the styles that may be tried, as bits."""
        first = self.shard.first
        able = StoredColumn(ingest_dir / "capable.npy")[first : first + self.shard.rows][self.rows()]
        able[len(self.chain) :] &= np.uint8(1) << self.single[:, 1].astype(np.uint8)
        masks: list[int] = able.tolist()
        return masks


@dataclass(frozen=True)
class Outcomes:
    """One entry a row of the order."""

    chain: npt.NDArray[np.uint8]
    chain_options: npt.NDArray[np.uint8]
    single: npt.NDArray[np.uint8]
    single_options: npt.NDArray[np.uint8]


class Made(NamedTuple):
    """The result of one request."""

    outcome: int
    """The style that accepted, or NOBODY."""
    draft: Draft | None
    reasons: list[str]
    """Why the styles before it, or its better makers, declined."""
    rewrite: dict[str, Any] | None = None
    """As `asd.columns.REWRITE`."""
    checks: tuple[str, ...] = ()
    """Checks that the rewriter's text passed."""


def draft_file(drafts_dir: Path, round_number: int, shard: NativeShard) -> Path:
    return drafts_dir / f"{round_number:04d}-{shard.file}"


def write_drafts(path: Path, order: DraftOrder, made: Sequence[Made], *, durable: bool = False) -> None:
    """made: one for each of `order.requests()`; durable: flushed to disk before the file gets its name."""
    write_draft_rows(path, [draft_rows(order, made)], durable=durable)


def write_draft_rows(path: Path, parts: Sequence[pa.RecordBatch], *, durable: bool) -> None:
    """parts: of one order, in its order, with the same columns."""
    hidden, _ = write_hidden(path, parts[0].schema, parts)
    give_marked_name(hidden, path, durable=durable)


def draft_rows(order: DraftOrder, made: Sequence[Made]) -> pa.RecordBatch:
    """Rows of DRAFT_SCHEMA, without the columns of a rewriter where there was none. made: one for each request."""
    made_drafts, reasons, rewrites, checks = [*zip(*made, strict=True)][1:] if made else ([], [], [], [])
    outcomes = np.array([row_made.outcome for row_made in made], np.uint8)
    drafts = [draft or _NO_DRAFT for draft in made_drafts]
    columns: dict[str, Any] = {
        "row": order.rows(),
        "single": np.arange(len(made)) >= len(order.chain),
        "asked": order.asked(),
        "outcome": outcomes,
        "num_options": _num_options(outcomes, drafts),
        "reasons": reasons,
        **{name: list(map(attrgetter(name), drafts)) for name in DRAFT_FIELDS},
    }
    if any(rewrites) or any(checks):
        columns |= {"rewrite": rewrites, "made_checks": checks}
    schema = pa.schema([item for item in DRAFT_SCHEMA if item.name in columns])
    return pa.record_batch([pa.array(columns[item.name], item.type) for item in schema], schema=schema)


def _num_options(outcomes: npt.NDArray[np.uint8], drafts: Sequence[Draft]) -> npt.NDArray[np.uint8]:
    """Among how many letters the gold answer is dealt one; 0 where none is dealt."""
    counts = np.zeros(len(drafts), np.uint8)
    places = np.flatnonzero(outcomes == MULTIPLE_CHOICE)
    options = [0 if drafts[place].fixed_order else len(drafts[place].options) for place in places.tolist()]
    counts[places] = options
    return counts


def _read_drafts(path: Path) -> pa.Table:
    """Rows of DRAFT_SCHEMA; the columns that only a rewriter fills are null where there was none."""
    table = open_staged(path).read_all()
    for place, item in enumerate(DRAFT_SCHEMA):
        if item.name not in table.schema.names:
            table = table.add_column(place, item, pa.nulls(table.num_rows, item.type))
    return table


def read_outcomes(path: Path, order: DraftOrder) -> Outcomes:
    """Raises: StorageError if it is no answer to the order, whatever befell it."""
    table = open_staged(path).read_all()
    outcome, options = table["outcome"].to_numpy(), table["num_options"].to_numpy()
    is_answer = np.array_equal(table["row"].to_numpy(), order.rows()) and np.isin(outcome, [*_NUMBERS, NOBODY]).all()
    if not is_answer or not np.array_equal(table["asked"].to_numpy(), order.asked()):
        raise lost_file(path, "it is no answer to what the plan asks")
    cut = len(order.chain)
    return Outcomes(outcome[:cut], options[:cut], outcome[cut:], options[cut:])


def read_accepted(paths: Iterable[Path], rows: Sequence[int], styles: Sequence[int], num_rows: int) -> pa.Table:
    """The drafts of `rows` in the `styles` they got, in that order; rows of DRAFT_SCHEMA. num_rows: of the shard.

    Where a row was drafted in that style more than once, the last one counts.
    """
    wanted = np.full(num_rows, UNKNOWN, np.uint8)
    wanted[np.asarray(rows, np.int64)] = styles
    tables = [DRAFT_SCHEMA.empty_table()]
    for path in paths:
        if path.is_file():
            table = _read_drafts(path)
            asked, outcomes = table["row"].to_numpy(), table["outcome"].to_numpy()
            tables.append(table.take(pa.array(np.flatnonzero(wanted[asked] == outcomes))))
    drafts = pa.concat_tables(tables).combine_chunks()
    place = np.full(num_rows, -1, np.int64)
    place[drafts["row"].to_numpy()] = np.arange(drafts.num_rows)
    return drafts.take(pa.array(place[np.asarray(rows, np.int64)]))


def read_given_up(paths: Iterable[Path], processed: bytes) -> dict[int, dict[str, Any]]:
    """Row -> how the rewriter was asked about it, for rows of the plan that no style accepts.

    processed: 1 for each row of the shard whose makers' answer the plan used.
    """
    given_up: dict[int, dict[str, Any]] = {}
    for path in paths:
        if not path.is_file():
            continue
        table = _read_drafts(path).select(["row", "outcome", "rewrite"])
        kept = table.take(pa.array(np.flatnonzero(table["outcome"].to_numpy() == NOBODY)))
        records = zip(kept["row"].to_pylist(), kept["rewrite"].to_pylist(), strict=True)
        given_up.update({row: record for row, record in records if record is not None and processed[row]})
    return given_up
