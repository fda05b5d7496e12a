"""Several sentences that lead to the answer and state it."""

from __future__ import annotations

from asd.makers.checks import explanation_contains_gold, unsure_sentences
from asd.makers.explanation import draft_detailed_explanation
from asd.schemas.reply_models import DetailedDescription, DetailedText
from asd.schemas.styles import AnswerStyle
from asd.styles.brief_explanation import EXPLANATION_COLUMNS
from asd.styles.dealt import deal_nothing
from asd.styles.may_take import has_long_explanation
from asd.styles.style import Band, Style, Target, Writing

STYLE = Style(
    name=AnswerStyle.DETAILED_EXPLANATION,
    title="detailed explanation",
    colour="#999933",
    recovery="statement",
    scoring_rule="contains",
    target=Target(
        draft=draft_detailed_explanation,
        checks=(explanation_contains_gold,),
        may_fail=unsure_sentences,
        deal=deal_nothing,
        reads=EXPLANATION_COLUMNS,
        may_take=has_long_explanation,
    ),
    written=Writing(
        reply=DetailedText,
        description=DetailedDescription,
        max_reply_tokens=320,
        usual_reply_tokens=85,
        band=Band(50, 28, 100),
        max_gold_words=40,
        prompt_uses=("words",),
    ),
)
