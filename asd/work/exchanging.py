"""Deals mined wrong answers anew among the rows that show them, once the plan is drawn (see `asd.makers.exchange`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asd.makers.answer_spelling import spelt_alike
from asd.makers.distractors import DistractorIndex
from asd.makers.exchange import ExposedAnswers, ShownRow, exchange
from asd.makers.mining_rows import MAX_ROWS
from asd.makers.normalise import answer_form
from asd.makers.wording import collapse
from asd.plan.codes import MULTIPLE_CHOICE, YES_NO
from asd.plan.results import Assignment
from asd.schemas.styles import Maker
from asd.styles.multiple_choice import NUM_WRONG
from asd.work.draft_files import draft_file, read_accepted
from asd.work.ingested import Ingested, NativeShard
from asd.work.samples import batches_of

BLOCK_ROWS = 1 << 16
"""Rows that exchange with each other at most, about: bounds the texts that are held at once."""
_SHOWN = pa.schema(
    [
        ("row", pa.int64()),
        ("style", pa.uint8()),
        ("is_yes", pa.bool_()),
        ("key", pa.uint64()),
        ("source_id", pa.string()),
        ("question", pa.string()),
        ("gold", pa.string()),
        ("accepted", pa.list_(pa.string())),
    ]
)
_TEXTS = ["source_id", "question", "gold", "accepted"]


@dataclass(frozen=True)
class ExchangedAnswers:
    """Wrong answers by sample, ascending."""

    rows: npt.NDArray[np.int64]
    wrong: pa.ListArray
    """Texts as they are shown."""

    def between(self, first: int, last: int) -> dict[int, list[str]]:
        """Of the samples from `first` to before `last`, by their number from `first` on."""
        low, high = np.searchsorted(self.rows, [first, last])
        return dict(zip((self.rows[low:high] - first).tolist(), self.wrong[low:high].to_pylist(), strict=True))


NOTHING_EXCHANGED = ExchangedAnswers(np.zeros(0, np.int64), pa.nulls(0, pa.list_(pa.string())))


def exchange_answers(
    ingested: Ingested,
    assignment: Assignment,
    rounds: int,
    folders: tuple[Path, Path],
    index: DistractorIndex,
    seed: int,
    *,
    are_captions: bool = False,
) -> ExchangedAnswers:
    """folders: of the first pass and of the drafts; rounds: of drafting; are_captions: whether a row's accepted answers
    are so many answers of their own, and not spellings of one."""
    shown = sum(assignment.by_style.get(style, 0) for style in (MULTIPLE_CHOICE, YES_NO))
    blocks: list[list[pa.RecordBatch]] = [[] for _ in range(-(-shown // BLOCK_ROWS))]
    for shard in ingested.shards:
        for batch in _shown_rows(ingested, shard, assignment, rounds, folders, index):
            block = (batch["key"].to_numpy() >> np.uint64(32)) * np.uint64(len(blocks)) >> np.uint64(32)
            for number in np.unique(block).tolist():
                blocks[number].append(batch.filter(pa.array(block == number)))
    exposed = None
    if ingested.num_samples <= MAX_ROWS:
        exposed = ExposedAnswers(_native_answers(ingested, assignment, folders[0], index), index.buckets, seed)
    wrong_by_row: dict[int, tuple[str, ...]] = {}
    while blocks:
        table = pa.Table.from_batches(blocks.pop(), _SHOWN).sort_by([("key", "ascending"), ("source_id", "ascending")])
        wrong_by_row |= _exchange_block(table, index, exposed, seed, are_captions=are_captions)
    rows = np.sort(np.fromiter(wrong_by_row, np.int64, len(wrong_by_row)))
    wrong = [[collapse(answer) for answer in wrong_by_row[row]] for row in rows.tolist()]
    return ExchangedAnswers(rows, pa.array(wrong, pa.list_(pa.string())))


def _native_answers(
    ingested: Ingested, assignment: Assignment, ingest_dir: Path, index: DistractorIndex
) -> Counter[str]:
    """Rows that state an answer natively, by compact answer. For tasks of which the index holds every row."""
    native = index.rows_by_answer()
    for shard in ingested.shards:
        rows, _, _ = assignment.between(shard.first, shard.first + shard.rows)
        for _, batch, local in batches_of(ingest_dir / shard.file, rows - shard.first):
            native.subtract(
                answer_form(gold).compact for gold in batch["gold"].take(pa.array(local)).to_pylist() if gold
            )
    return native


def _shown_rows(
    ingested: Ingested,
    shard: NativeShard,
    assignment: Assignment,
    rounds: int,
    folders: tuple[Path, Path],
    index: DistractorIndex,
) -> Iterator[pa.RecordBatch]:
    """Rows of a shard that show mined wrong answers, or might have: of yes/no those answered Yes, too."""
    ingest_dir, drafts_dir = folders
    rows, styles, deals = assignment.between(shard.first, shard.first + shard.rows)
    is_shown = (styles == MULTIPLE_CHOICE) | (styles == YES_NO)
    rows, styles, is_yes = (
        rows[is_shown] - shard.first,
        styles[is_shown],
        (styles == YES_NO)[is_shown] & (deals[is_shown] == 1),
    )
    if not len(rows):
        return
    files = [draft_file(drafts_dir, number, shard) for number in range(rounds)]
    is_mined = pc.equal(read_accepted(files, rows.tolist(), styles.tolist(), shard.rows)["maker"], Maker.MINED.value)
    mined = np.flatnonzero(is_mined.to_numpy())
    rows, styles, is_yes = rows[mined], styles[mined], is_yes[mined]
    keys = ingested.keys[shard.first : shard.first + shard.rows]
    for places, batch, local in batches_of(ingest_dir / shard.file, rows):
        texts = batch.select(_TEXTS).take(pa.array(local))
        asked = zip(texts["question"].to_pylist(), texts["gold"].to_pylist(), strict=True)
        minable = np.array([index.is_minable(question, gold) for question, gold in asked], np.bool_)
        chosen = rows[places[minable]]
        kinds = styles[places[minable]], is_yes[places[minable]]
        columns: list[Any] = [chosen + shard.first, *kinds, keys[chosen]]
        kept = texts.filter(pa.array(minable))
        yield pa.record_batch([*map(pa.array, columns), *(kept[name] for name in _TEXTS)], schema=_SHOWN)


def _exchange_block(
    table: pa.Table, index: DistractorIndex, exposed: ExposedAnswers | None, seed: int, *, are_captions: bool
) -> dict[int, tuple[str, ...]]:
    """Sample -> wrong answers, as far as any are better than those of its draft. table: in the order of the keys."""
    is_choice = pc.equal(table["style"], MULTIPLE_CHOICE)
    choices, verdicts = table.filter(is_choice), table.filter(pc.invert(is_choice))
    shown = _rows_of(choices, index)
    donors = _spare_captions(table, index) if are_captions else _rows_of(verdicts, index)
    taken = exchange(shown, NUM_WRONG, index.levels, seed, donors, are_spare=are_captions)
    wrong = _answers(choices, [*shown, *donors], taken, NUM_WRONG, exposed)
    refused = verdicts.filter(pc.invert(verdicts["is_yes"]))
    shown = _rows_of(refused, index)
    return wrong | _answers(refused, shown, exchange(shown, 1, index.levels, seed), 1, exposed)


def _rows_of(table: pa.Table, index: DistractorIndex) -> list[ShownRow]:
    columns = (table[name].to_pylist() for name in ("key", *_TEXTS))
    return [
        ShownRow(key, source_id, question, gold, (*accepted, *index.overlapping(gold)))
        for key, source_id, question, gold, accepted in zip(*columns, strict=True)
    ]


def _spare_captions(table: pa.Table, index: DistractorIndex) -> list[ShownRow]:
    """The captions of each row but its gold one: no row of the version states them."""
    return [
        row._replace(gold=caption)
        for row, captions in zip(_rows_of(table, index), table["accepted"].to_pylist(), strict=True)
        for caption in dict.fromkeys(captions)
        if caption != row.gold
    ]


def _answers(
    table: pa.Table,
    giving: Sequence[ShownRow],
    taken: Sequence[tuple[int, ...] | None],
    count: int,
    exposed: ExposedAnswers | None,
) -> dict[int, tuple[str, ...]]:
    """Sample -> wrong answers. giving: the rows of the table, then donors; taken: see `exchange`."""
    answers = [None if numbers is None else tuple(giving[number].gold for number in numbers) for numbers in taken]
    if exposed is not None:
        for exchanged in filter(None, answers):
            exposed.note(exchanged)
        answers = [
            exposed.take(row, count) if exchanged is None else exchanged
            for row, exchanged in zip(giving, answers, strict=False)
        ]
    return {row: wrong for row, wrong in zip(table["row"].to_pylist(), answers, strict=True) if wrong is not None}


def with_exchanged(drafts: pa.Table, rows: Sequence[int], exchanged: dict[int, list[str]]) -> pa.Table:
    """Drafts with other wrong answers. drafts: rows of DRAFT_SCHEMA, parallel to `rows`."""
    if not exchanged:
        return drafts
    options, wrong = drafts["options"].to_pylist(), drafts["wrong"].to_pylist()
    styles, golds = drafts["outcome"].to_pylist(), drafts["gold"].to_pylist()
    for place, row in enumerate(rows):
        if (answers := exchanged.get(row)) is None:
            continue
        answers = spelt_alike(golds[place], answers)
        if styles[place] == MULTIPLE_CHOICE:
            options[place] = [golds[place], *answers]
        else:
            wrong[place] = answers[0]
    for name, values in (("options", options), ("wrong", wrong)):
        position = drafts.schema.get_field_index(name)
        item = drafts.schema.field(position)
        drafts = drafts.set_column(position, item, pa.chunked_array([pa.array(values, item.type)]))
    return drafts
