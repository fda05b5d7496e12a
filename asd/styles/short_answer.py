"""A word or a phrase. There is nothing in it that a language model could write."""

from __future__ import annotations

from asd.makers.checks import gold_recoverable, unsure_phrases
from asd.makers.dealt import deal_nothing
from asd.makers.short_answer import draft_short_answer
from asd.schemas.styles import AnswerStyle
from asd.styles.style import Style, Target

STYLE = Style(
    name=AnswerStyle.SHORT_ANSWER,
    title="short answer",
    colour="#cc6677",
    recovery="phrase",
    scoring_rule="exact_match",
    target=Target(draft=draft_short_answer, checks=(gold_recoverable,), may_fail=unsure_phrases, deal=deal_nothing),
)
