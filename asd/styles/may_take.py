"""Which rows may take a style, by their columns alone: never no where the maker accepts. See `Target.may_take`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asd.makers.english.alternatives import MAY_OFFER
from asd.schemas.styles import Maker
from asd.styles.style import Flags


def has_own_wrong_answers(batch: pa.RecordBatch, makers: frozenset[Maker], is_yes_no: Flags) -> Flags:
    """Wrong answers can be mined, or the sample brings some: options, other boxes, yes and no themselves, or what its
    question offers ("a cat or a dog?", "which side?")."""
    if not makers <= {Maker.FIELD, Maker.REWRITER}:
        return np.ones(batch.num_rows, bool)
    own = is_yes_no | lists_of(batch, "options", 2) | lists_of(batch, "other_boxes", 1)
    return own | _matches(batch["question"], MAY_OFFER)


def has_long_explanation(batch: pa.RecordBatch, makers: frozenset[Maker], is_yes_no: Flags) -> Flags:
    """There is a worked solution, or there are several rationales."""
    return texts_of(batch, "solution") | lists_of(batch, "rationales", 2)


def has_regions(batch: pa.RecordBatch, makers: frozenset[Maker], is_yes_no: Flags) -> Flags:
    """It is known what stands where in the picture."""
    return lists_of(batch, "region_names", 1)


def lists_of(batch: pa.RecordBatch, column: str, least: int) -> Flags:
    """Whether each row's list has so many items."""
    return _at_least(pc.list_value_length(batch[column]), least)


def texts_of(batch: pa.RecordBatch, column: str) -> Flags:
    """Whether each row's text is there and has a character."""
    return _at_least(pc.utf8_length(batch[column]), 1)


def _matches(texts: pa.StringArray, pattern: str) -> Flags:
    flags: Flags = pc.fill_null(pc.match_substring_regex(texts, pattern, ignore_case=True), False).to_numpy(
        zero_copy_only=False
    )
    return flags


def _at_least(lengths: pa.Array, least: int) -> Flags:
    flags: Flags = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False) >= least
    return flags
