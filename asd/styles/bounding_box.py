"""The corners of a box."""

from __future__ import annotations

from asd.schemas.styles import AnswerStyle
from asd.styles.style import Style

STYLE = Style(name=AnswerStyle.BOUNDING_BOX, title="bounding box", colour="#aa4499", recovery="box", scoring_rule="iou")
