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

from asd.makers.option_text import CHINESE_QUESTION
from asd.makers.unfit_questions import OPENS_AS_VERDICT
from asd.plan.codes import FIXED_NO, FIXED_YES, FREE, STYLE_BITS, Mask, Masks
from asd.schemas.styles import CHINESE_VERDICTS, ON_REQUEST_STYLES, AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.styles.may_take import texts_of
from asd.styles.table import target_of

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings

Bits = npt.NDArray[np.uint8]


def written_styles(spec: TaskSpec, rewriter: RewriterSettings | None) -> frozenset[AnswerStyle]:
    """Target styles that the rewriter may write for this task."""
    if rewriter is None:
        return frozenset()
    wanted = rewriter.wanted_styles
    return frozenset(style for style, makers in spec.styles.items() if Maker.REWRITER in makers and style in wanted)


def makeable_styles(
    spec: TaskSpec, wanted: Iterable[AnswerStyle] | None, rewriter: RewriterSettings | None = None
) -> list[AnswerStyle]:
    """Target styles that rules, fields, mining or the rewriter can make for this task. wanted: None for all but those that
    have to be named."""
    allowed = set(spec.styles) - ON_REQUEST_STYLES if wanted is None else set(wanted)
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
) -> Masks:
    """Bit s set where style s may be possible; shape (rows,). polarity: the rows' `polarity_bits`."""
    written = written_styles(spec, rewriter)
    bits = np.zeros(batch.num_rows, Mask)
    usable = _bool(pc.is_null(batch["passthrough"])) & texts_of(batch, "gold")
    is_yes_no = polarity != FREE
    for style in styles:
        may_take, possible = target_of(style).may_take, usable
        if may_take is not None and style not in written:
            possible = usable & may_take(batch, frozenset(spec.styles[style]), is_yes_no)
        bits |= possible.astype(Mask) << Mask(STYLE_BITS[style])
    return bits


def polarity_bits(batch: pa.RecordBatch) -> Bits:
    """FIXED_YES / FIXED_NO where the gold answer is yes / no, else FREE; shape (rows,), uint8.

    By the answer, not by the wording but for "y" and "yes!": "Is it on the left or on the right?" begins like a yes/no question.
    """
    gold = pc.utf8_lower(batch["gold"])
    polarity = np.full(batch.num_rows, FREE, np.uint8)
    polarity[_bool(pc.equal(gold, "yes"))] = FIXED_YES
    polarity[_bool(pc.equal(gold, "no"))] = FIXED_NO
    bare = pc.utf8_trim(gold, " .!")
    is_lone = (polarity == FREE) & _bool(pc.is_in(bare, pa.array(["yes", "no", "y", "n"])))
    if is_lone.any():  # as `verdict_asked_for` reads them
        is_lone &= _bool(pc.match_substring_regex(batch["question"], OPENS_AS_VERDICT))
        says_yes = _bool(pc.starts_with(bare, "y"))
        polarity[is_lone] = np.where(says_yes[is_lone], FIXED_YES, FIXED_NO)
    is_chinese = _bool(pc.is_in(gold, pa.array(CHINESE_VERDICTS)))
    if is_chinese.any():
        is_chinese &= _bool(pc.match_substring_regex(batch["question"], CHINESE_QUESTION.pattern))
        is_yes = _bool(pc.equal(gold, CHINESE_VERDICTS[0]))
        polarity[is_chinese] = np.where(is_yes[is_chinese], FIXED_YES, FIXED_NO)
    return polarity


def _bool(column: pa.Array) -> npt.NDArray[np.bool_]:
    values: npt.NDArray[np.bool_] = column.to_numpy(zero_copy_only=False)
    return values.astype(bool)
