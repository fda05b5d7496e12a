"""Asking the makers about many rows of a shard: each row's styles in turn, until one of them accepts it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asd.makers.drafting import Drafter
from asd.plan.codes import NOBODY, STYLE_BITS, Mask, Masks
from asd.records import Draft, Sample
from asd.schemas.styles import TARGET_STYLES
from asd.styles.table import target_of
from asd.work.draft_files import CHAINS, DraftOrder, Made
from asd.work.samples import batches_of, samples_of
from asd.work.shared_drafts import SharedDrafts, Styles, reason_of

_ALL = (1 << len(TARGET_STYLES)) - 1
_READS = {STYLE_BITS[style]: target_of(style).reads for style in TARGET_STYLES}
_TRIED = [[tuple(style for style in order if able >> style & 1) for able in range(_ALL + 1)] for order in CHAINS]
"""By first style and mask: the styles that are tried, in their order."""
_PLAIN = ["source_id", "question", "gold", "accepted", "answer_type"]
"""All that the makers read of a plain row."""
_NEEDED = [*_PLAIN, "options", "other_boxes", "passthrough", *dict.fromkeys(chain.from_iterable(_READS.values()))]
"""And what decides whether a row is plain."""
Places = npt.NDArray[np.int64]


class ShardDrafter:
    """Drafts of a shard's rows, by the makers of one task."""

    def __init__(self, drafter: Drafter, family: str) -> None:
        self._drafter, self._family = drafter, family
        self._shared = SharedDrafts(drafter)

    def draft(self, path: Path, order: DraftOrder, masks: Sequence[int]) -> list[Made]:
        """One for each request. path: of the native shard; masks: the styles that may be tried, as bits."""
        firsts = order.asked().tolist()
        made: list[Any] = [None] * len(firsts)
        for places, batch, rows in batches_of(path, order.rows()):
            asked = places.tolist()
            tried = [_TRIED[firsts[place]][masks[place]] for place in asked]
            for place, row_made in zip(asked, self._draft_batch(batch, rows, tried), strict=True):
                made[place] = row_made
        return made

    def _draft_batch(self, batch: pa.RecordBatch, rows: Places, tried: Sequence[Styles]) -> list[Made]:
        """rows: of the batch, in the order of `tried`."""
        needed = batch.select(_NEEDED).take(pa.array(rows))
        bits = plain_styles(needed, self._family).tolist()
        plain = [
            styles if able == _ALL else _plain_start(styles, able) for styles, able in zip(tried, bits, strict=True)
        ]
        columns = [needed[name].to_pylist() for name in _PLAIN]
        first_accepted = self._shared.first_accepted
        made = [
            first_accepted((question, gold, tuple(accepted), hint), styles, source_id)
            for styles, source_id, question, gold, accepted, hint in zip(plain, *columns, strict=True)
        ]
        if plain != tried:
            self._ask_for_whole(batch, rows, tried, plain, made)
        return made

    def _ask_for_whole(
        self, batch: pa.RecordBatch, rows: Places, tried: Sequence[Styles], plain: Sequence[Styles], made: list[Made]
    ) -> None:
        """Go on with the rows whose next style must see the whole sample, and put what comes of them into `made`."""
        waiting = [
            place
            for place, row_made in enumerate(made)
            if row_made.draft is None and len(plain[place]) < len(tried[place])
        ]
        samples = samples_of(batch.take(pa.array(rows[waiting])))
        for place, sample in zip(waiting, samples, strict=True):
            made[place] = self._try(sample, tried[place][len(plain[place]) :], made[place].reasons)

    def _try(self, sample: Sample, styles: Styles, declined: Sequence[str]) -> Made:
        """The first accepting style. declined: why those before did."""
        reasons = [*declined]
        for number in styles:
            made = self._drafter.draft(sample, number)
            if isinstance(made, Draft):
                return Made(number, made, reasons)
            reasons.append(reason_of(number, made))
        return Made(NOBODY, None, reasons)


def _plain_start(styles: Styles, able: int) -> Styles:
    """The styles before the first one that must see the whole sample. able: the row's bits of `plain_styles`."""
    return tuple(takewhile(lambda number: able >> number & 1, styles))


def plain_styles(batch: pa.RecordBatch, family: str) -> Masks:
    """`is_plain` for each row and style, as bits, shape (rows,)."""
    if family == "grounding":
        return np.zeros(batch.num_rows, Mask)
    bare = _are_empty(batch["options"]) & _are_empty(batch["other_boxes"]) & _are_null(batch["passthrough"])
    bits = np.zeros(batch.num_rows, Mask)
    for number, columns in _READS.items():
        own = bare.copy()
        for column in columns:
            own &= _are_empty(batch[column]) if pa.types.is_list(batch[column].type) else _are_blank(batch[column])
        bits |= own.astype(Mask) << Mask(number)
    return bits


def _are_empty(lists: pa.ListArray) -> npt.NDArray[np.bool_]:
    are_empty: npt.NDArray[np.bool_] = pc.equal(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return are_empty


def _are_null(column: pa.Array) -> npt.NDArray[np.bool_]:
    are_null: npt.NDArray[np.bool_] = pc.is_null(column).to_numpy(zero_copy_only=False)
    return are_null


def _are_blank(texts: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Null or without a character."""
    are_blank: npt.NDArray[np.bool_] = pc.fill_null(pc.equal(texts, ""), True).to_numpy(zero_copy_only=False)
    return are_blank
