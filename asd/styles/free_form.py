"""Open text (dialogue, instructions, tool calls), which is passed through and never converted."""

from __future__ import annotations

from asd.schemas.styles import AnswerStyle
from asd.styles.style import Style

STYLE = Style(
    name=AnswerStyle.FREE_FORM, title="free form", colour="#ddcc77", recovery="phrase", scoring_rule="exact_match"
)
