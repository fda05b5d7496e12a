"""The numbers that stand for styles, polarities and outcomes in the plan's arrays, and how far a sample has come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from asd.schemas.styles import TARGET_STYLES, AnswerStyle, IncompleteStyleError

STYLE_BITS: dict[AnswerStyle, int] = {style: index for index, style in enumerate(TARGET_STYLES)}
NUM_STYLES = len(TARGET_STYLES)
NO_STYLE = 15
"""In place of the primary style of a sample that can take none: the largest number of STYLE_WIDTH bits."""
STYLE_WIDTH = 4
"""Bits that a style's number has in a byte beside other things."""
if NUM_STYLES > NO_STYLE:
    raise IncompleteStyleError(f"{NUM_STYLES} target styles: the plan (asd/plan/codes.py) has room for {NO_STYLE}")
YES_NO, MULTIPLE_CHOICE = STYLE_BITS[AnswerStyle.YES_NO], STYLE_BITS[AnswerStyle.MULTIPLE_CHOICE]
FREE, FIXED_YES, FIXED_NO = 0, 1, 2
UNKNOWN, NOBODY = 255, 254
"""Values of an outcome beside a style's bit: not asked yet; no style's maker accepts the sample."""
ASKED = 253
"""State of a sample whose outcome somebody is finding out. Until it is used, a sample's state is its outcome."""
GIVEN, FROM_OTHERS = 16, 32
"""Added to the style that a sample was given to: drawn from a pool or passed on, or from another style's pool."""
PASSED = FROM_OTHERS + NO_STYLE
"""State of a sample that was drawn and not given: no maker accepts it, or it waits for the style that does."""
BLOCK = 1 << 18
"""Samples that are looked at at a time, so that what is needed in between stays small."""

Rows = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Mask = np.uint16
"""The styles that a sample may take, as bits: room for NO_STYLE (15) target styles, as a style's number has among
STYLE_WIDTH bits, and one bit to spare."""
Masks = npt.NDArray[Mask]


class Column(Protocol):
    """One value per sample, read by slices: an array, or a file."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> Any: ...


def blocks(count: int, size: int) -> Iterator[slice]:
    """All of `count` samples, at most `size` at a time."""
    return (slice(first, min(first + size, count)) for first in range(0, count, size))


def given_styles(states: Bytes) -> Bytes:
    """Of samples that were given."""
    styles: Bytes = states & np.uint8(NO_STYLE)
    return styles


def is_used(states: Bytes) -> Flags:
    """Whether the makers' answer was used: the sample is given, or passed."""
    used: Flags = (states >= GIVEN) & (states <= PASSED)
    return used
