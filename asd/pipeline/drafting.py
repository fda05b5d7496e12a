"""Asking the makers about many rows of a shard: each row's styles in turn, until one of them accepts it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asd.makers.drafting import Drafter
from asd.pipeline.drafts import CHAINS, Made
from asd.pipeline.plan import NOBODY, STYLE_BITS
from asd.pipeline.samples import batches_of, samples_of
from asd.records import Draft, Sample
from asd.schemas.styles import TARGET_STYLES, AnswerStyle

_ALL = (1 << len(TARGET_STYLES)) - 1
_EXPLAINED = 1 << STYLE_BITS[AnswerStyle.BRIEF_EXPLANATION] | 1 << STYLE_BITS[AnswerStyle.DETAILED_EXPLANATION]
_TRIED = [[tuple(style for style in chain if able >> style & 1) for able in range(_ALL + 1)] for chain in CHAINS]
"""By first style and mask: the styles that are tried, in their order."""
_NAMES = [style.value for style in TARGET_STYLES]
Bits = npt.NDArray[np.uint8]


class ShardDrafter:
    """Drafts of a shard's rows, by the makers of one task."""

    def __init__(self, drafter: Drafter, family: str) -> None:
        self._drafter, self._family = drafter, family

    def draft(self, path: Path, requests: Sequence[tuple[int, int, bool]], masks: Sequence[int]) -> list[Made]:
        """One for each request. path: of the native shard; masks: the styles that may be tried, as bits."""
        made: list[Made | None] = [None] * len(requests)
        for places, batch in batches_of(path, [row for row, _, _ in requests]):
            asked = places.tolist()
            tried = [_TRIED[requests[place][1]][masks[place]] for place in asked]
            for place, one in zip(asked, self._draft_batch(batch, tried), strict=True):
                made[place] = one
        return [one for one in made if one is not None]

    def _draft_batch(self, batch: pa.RecordBatch, tried: Sequence[Sequence[int]]) -> list[Made]:
        plain = plain_styles(batch, self._family)
        columns = [batch[name].to_pylist() for name in ("source_id", "question", "gold", "accepted", "answer_type")]
        made: list[Made | None] = [
            self._try_plain(styles, bits, source_id, question, gold, tuple(accepted), hint)
            for styles, bits, source_id, question, gold, accepted, hint in zip(
                tried, plain.tolist(), *columns, strict=True
            )
        ]
        waiting = [place for place, one in enumerate(made) if one is None]
        if waiting:
            for place, sample in zip(waiting, samples_of(batch.take(pa.array(waiting))), strict=True):
                made[place] = self._try(sample, tried[place])
        return [one for one in made if one is not None]

    def _try_plain(
        self, styles: Sequence[int], plain: int, source_id: str, question: str, gold: str, accepted: tuple[str, ...],
        hint: str | None,
    ) -> Made | None:  # fmt: skip
        """The first accepting style; None where a style must see the whole sample. plain: see `plain_styles`."""
        reasons: list[str] = []
        for number in styles:
            if not plain >> number & 1:
                return None
            made = self._drafter.draft_plain(number, source_id, question, gold, accepted, hint)
            if isinstance(made, Draft):
                return Made(number, made, reasons)
            reasons.append(f"{_NAMES[number]}: {made.reason}")
        return Made(NOBODY, None, reasons)

    def _try(self, sample: Sample, styles: Sequence[int]) -> Made:
        """The first accepting style."""
        reasons: list[str] = []
        for number in styles:
            made = self._drafter.draft(sample, number)
            if isinstance(made, Draft):
                return Made(number, made, reasons)
            reasons.append(f"{_NAMES[number]}: {made.reason}")
        return Made(NOBODY, None, reasons)


def plain_styles(batch: pa.RecordBatch, family: str) -> Bits:
    """`is_plain` for each row and style, as bits, shape (rows,)."""
    if family == "grounding":
        return np.zeros(batch.num_rows, np.uint8)
    bare = _are_empty(batch["options"]) & _are_empty(batch["other_boxes"]) & _are_null(batch["passthrough"])
    silent = _are_empty(batch["rationales"]) & _are_blank(batch["full_answer"]) & _are_blank(batch["solution"])
    return np.where(bare, np.where(silent, _ALL, _ALL & ~_EXPLAINED), 0).astype(np.uint8)


def _are_empty(lists: pa.ListArray) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.equal(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return found


def _are_null(column: pa.Array) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.is_null(column).to_numpy(zero_copy_only=False)
    return found


def _are_blank(texts: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Null or without a character."""
    found: npt.NDArray[np.bool_] = pc.fill_null(pc.equal(texts, ""), True).to_numpy(zero_copy_only=False)
    return found
