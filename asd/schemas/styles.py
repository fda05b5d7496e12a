"""The answer styles. What each one's response looks like, and the parser that reads an answer back out of it.

The parsers are the definition of "the gold answer is recoverable": a converted sample is written only if the parser
of its own style gives its gold answer back.
"""

from __future__ import annotations

from enum import StrEnum

from asd.errors import UnknownNameError


class AnswerStyle(StrEnum):
    """Five styles that SEFE diversifies into, and two that occur only as native styles."""

    YES_NO = "yes_no"
    MULTIPLE_CHOICE = "multiple_choice"
    SHORT_ANSWER = "short_answer"
    BRIEF_EXPLANATION = "brief_explanation"
    DETAILED_EXPLANATION = "detailed_explanation"
    BOUNDING_BOX = "bounding_box"
    FREE_FORM = "free_form"  # open text (dialogue, instructions, tool calls): passed through, never converted


TARGET_STYLES: tuple[AnswerStyle, ...] = (
    AnswerStyle.YES_NO,
    AnswerStyle.MULTIPLE_CHOICE,
    AnswerStyle.SHORT_ANSWER,
    AnswerStyle.BRIEF_EXPLANATION,
    AnswerStyle.DETAILED_EXPLANATION,
)
"""Styles a sample can be converted to, in the fixed order used wherever a tie must be broken."""

WRITTEN_STYLES: tuple[AnswerStyle, ...] = tuple(
    style for style in TARGET_STYLES if style is not AnswerStyle.SHORT_ANSWER
)
"""Target styles that a language model may write: there is nothing to write in a short answer."""


class Maker(StrEnum):
    """Who made a sample's style, in falling order of trust."""

    NATIVE = "native"
    FIELD = "field"
    MINED = "mined"
    RULE = "rule"
    REWRITER = "rewriter"


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def parse_style(name: str) -> AnswerStyle:
    """Raises: UnknownNameError with near matches."""
    try:
        return AnswerStyle(name)
    except ValueError:
        raise UnknownNameError("answer style", name, [s.value for s in AnswerStyle]) from None
