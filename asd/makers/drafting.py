"""The entry to all makers: one sample and one target style in, a conversion's content or a reason out.
Pure."""

from __future__ import annotations

from collections.abc import Callable

from asd.makers.explanation import draft_brief_explanation, draft_detailed_explanation
from asd.makers.maker_context import MakerContext
from asd.makers.multiple_choice import draft_multiple_choice
from asd.makers.short_answer import draft_short_answer
from asd.makers.wording import contains_words
from asd.makers.yes_no import draft_yes_no
from asd.records import Decline, Draft, Sample
from asd.schemas.styles import AnswerStyle

__all__ = ["MakerContext", "draft"]

_MAKERS: dict[AnswerStyle, Callable[[Sample, MakerContext], Draft | Decline]] = {
    AnswerStyle.YES_NO: draft_yes_no,
    AnswerStyle.MULTIPLE_CHOICE: draft_multiple_choice,
    AnswerStyle.SHORT_ANSWER: draft_short_answer,
    AnswerStyle.BRIEF_EXPLANATION: draft_brief_explanation,
    AnswerStyle.DETAILED_EXPLANATION: draft_detailed_explanation,
}


def draft(sample: Sample, style: AnswerStyle, ctx: MakerContext) -> Draft | Decline:
    """What rules can make of `sample` in `style`; depends on the sample, the task and the seed alone.

    A draft that is returned passes every check of its style, whatever letters and polarity it is dealt.
    """
    makers = ctx.spec.styles.get(style)
    if makers is None:
        return Decline("style_not_offered", style.value)
    if sample.passthrough is not None:
        return Decline("passthrough")
    if not sample.gold or sample.gold.isspace() or not (sample.question or ctx.spec.family == "caption"):
        return Decline("no_answer")
    made = _MAKERS[style](sample, ctx)
    if isinstance(made, Decline):
        return made
    if made.maker not in makers:
        return Decline("maker_not_listed", made.maker.value)
    if made.text and not contains_words(made.text, made.gold.rstrip(".")):
        return Decline("gold_lost", made.gold)
    return made
