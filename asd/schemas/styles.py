"""The names of the answer styles, and which of them samples are converted to. All else of a style is in `asd.styles`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from asd.errors import UnknownNameError


class AnswerStyle(StrEnum):
    """The five styles that SEFE diversifies into, boxes, and one that is only ever native."""

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
    AnswerStyle.BOUNDING_BOX,
)
"""Styles a sample can be converted to, in the fixed order used wherever a tie must be broken."""


ON_REQUEST_STYLES = frozenset({AnswerStyle.BOUNDING_BOX})
"""Targets that a conversion takes only if they are named: SEFE's five are all others."""

WRITTEN_STYLES: tuple[AnswerStyle, ...] = (
    AnswerStyle.YES_NO,
    AnswerStyle.MULTIPLE_CHOICE,
    AnswerStyle.BRIEF_EXPLANATION,
    AnswerStyle.DETAILED_EXPLANATION,
)
"""Target styles that a language model may write: there is nothing to write in a short answer or a box."""


class Maker(StrEnum):
    """Who made a sample's style, in falling order of trust."""

    NATIVE = "native"
    FIELD = "field"
    MINED = "mined"
    RULE = "rule"
    REWRITER = "rewriter"
    SELF = "self"
    """The model that is to be tuned, in words of its own. Tasks do not list it: it writes where they list `rewriter`."""


MODEL_MAKERS = frozenset({Maker.REWRITER, Maker.SELF})
"""A language model wrote it."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SPELLINGS = (("Yes", "No"), ("yes", "no"), ("YES", "NO"), ("Y", "N"), ("y", "n"))
"""Ways to spell yes and no."""
CHINESE_VERDICTS = ("是", "否")
"""Yes and no below questions in Chinese."""


def parse_style(name: str) -> AnswerStyle:
    """Raises: UnknownNameError with near matches."""
    try:
        return AnswerStyle(name)
    except ValueError:
        raise UnknownNameError("answer style", name, [s.value for s in AnswerStyle]) from None


class IncompleteStyleError(TypeError):
    """A style lacks something that every style must have. It is raised when the package is imported."""


T = TypeVar("T")


def require_all(
    what: str, by_style: Mapping[AnswerStyle, T], styles: tuple[AnswerStyle, ...] = tuple(AnswerStyle)
) -> Mapping[AnswerStyle, T]:
    """`by_style`, once it has an entry for each style. what: what an entry is, and where it is written.

    Raises: IncompleteStyleError that names the styles without one.
    """
    missing = [style.value for style in styles if style not in by_style]
    if missing:
        raise IncompleteStyleError(f"style {', '.join(missing)}: no {what}")
    return by_style
