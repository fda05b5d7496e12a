"""Judges which styles a sample may take, from its columns alone, a batch at a time.

An optimistic first look: it must never say no where a maker would accept; where it says yes a maker may still decline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asd.plan.codes import FIXED_NO, FIXED_YES, FREE, STYLE_BITS
from asd.schemas.styles import WRITTEN_STYLES, AnswerStyle, Maker
from asd.schemas.task import TaskSpec

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings

Bits = npt.NDArray[np.uint8]


def written_styles(spec: TaskSpec, rewriter: RewriterSettings | None) -> frozenset[AnswerStyle]:
    """Target styles that the rewriter may write for this task."""
    if rewriter is None:
        return frozenset()
    wanted = WRITTEN_STYLES if rewriter.styles is None else set(rewriter.styles).intersection(WRITTEN_STYLES)
    return frozenset(style for style, makers in spec.styles.items() if Maker.REWRITER in makers and style in wanted)


def makeable_styles(
    spec: TaskSpec, wanted: Iterable[AnswerStyle] | None, rewriter: RewriterSettings | None = None
) -> list[AnswerStyle]:
    """Target styles that rules, fields, mining or the rewriter can make for this task."""
    allowed = set(spec.styles if wanted is None else wanted)
    written = written_styles(spec, rewriter)
    return [
        style
        for style in STYLE_BITS
        if style in allowed and (style in written or set(spec.styles.get(style, ())) - {Maker.REWRITER})
    ]


def capable_bits(
    batch: pa.RecordBatch,
    spec: TaskSpec,
    styles: Sequence[AnswerStyle],
    rewriter: RewriterSettings | None,
    polarity: Bits,
) -> Bits:
    """Bit s set where style s may be possible; shape (rows,), uint8. polarity: the rows' `polarity_bits`."""
    written = written_styles(spec, rewriter)
    bits = np.zeros(batch.num_rows, np.uint8)
    usable = _bool(pc.is_null(batch["passthrough"])) & (_lengths(batch["gold"], pc.utf8_length) > 0)
    has_options = _lengths(batch["options"]) >= 2
    is_yes_no = polarity != FREE
    for style in styles:
        makers = set(spec.styles[style])
        if style in written:
            possible = np.ones(len(bits), bool)
        elif style in (AnswerStyle.YES_NO, AnswerStyle.MULTIPLE_CHOICE) and makers <= {
            Maker.FIELD,
            Maker.REWRITER,
        }:
            possible = is_yes_no | has_options | (_lengths(batch["other_boxes"]) > 0)
        elif style == AnswerStyle.DETAILED_EXPLANATION:
            possible = (_lengths(batch["solution"], pc.utf8_length) > 0) | (_lengths(batch["rationales"]) >= 2)
        else:
            possible = np.ones(len(bits), bool)
        bits |= (usable & possible).astype(np.uint8) << np.uint8(STYLE_BITS[style])
    return bits


def polarity_bits(batch: pa.RecordBatch) -> Bits:
    """FIXED_YES / FIXED_NO where the gold answer is yes / no, else FREE; shape (rows,), uint8.

    By the answer, never by the wording: "Is it on the left or on the right?" begins like a yes/no question.
    """
    gold = pc.utf8_lower(batch["gold"])
    polarity = np.full(batch.num_rows, FREE, np.uint8)
    polarity[_bool(pc.equal(gold, "yes"))] = FIXED_YES
    polarity[_bool(pc.equal(gold, "no"))] = FIXED_NO
    return polarity


def _bool(column: pa.Array) -> npt.NDArray[np.bool_]:
    values: npt.NDArray[np.bool_] = column.to_numpy(zero_copy_only=False)
    return values.astype(bool)


def _lengths(column: pa.Array, measure: object = pc.list_value_length) -> npt.NDArray[np.int64]:
    lengths = measure(column)  # type: ignore[operator]
    values: npt.NDArray[np.int64] = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
    return values
