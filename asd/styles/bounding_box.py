"""The corners of a box: where something is in the picture. Nothing in it is written by a language model."""

from __future__ import annotations

from asd.makers.bounding_box import draft_bounding_box
from asd.makers.checks import gold_recoverable, unsure_boxes
from asd.makers.dealt import deal_nothing
from asd.schemas.styles import AnswerStyle
from asd.styles.may_take import has_regions
from asd.styles.style import Style, Target

STYLE = Style(
    name=AnswerStyle.BOUNDING_BOX,
    title="bounding box",
    colour="#aa4499",
    recovery="box",
    scoring_rule="iou",
    target=Target(
        draft=draft_bounding_box,
        checks=(gold_recoverable,),
        may_fail=unsure_boxes,
        deal=deal_nothing,
        reads=("region_names", "region_boxes"),
        may_take=has_regions,
        answers_own_question=True,
    ),
)
