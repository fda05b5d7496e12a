"""The answer in a short sentence, with a reason where the data or a model give one."""

from __future__ import annotations

from asd.makers.checks import explanation_contains_gold, unsure_sentences
from asd.makers.explanation import draft_brief_explanation
from asd.schemas.reply_models import BriefDescription, BriefText
from asd.schemas.styles import MODEL_MAKERS, AnswerStyle, Maker
from asd.styles.dealt import deal_nothing
from asd.styles.style import Band, SpecialRfp, Style, Target, Writing
from asd.styles.style_rows import StyleRows

EXPLANATION_COLUMNS = ("rationales", "full_answer", "solution")


def gives_reason(rows: StyleRows, family: str) -> list[bool]:
    """Whether an explanation says why, beyond the answer in a sentence; descriptions and verdicts on statements have
    prompts of their own."""
    is_question = family not in ("grounding", "caption", "statement")
    return [
        is_question if maker in MODEL_MAKERS else maker is Maker.FIELD and has_reasons
        for maker, has_reasons in zip(rows.makers, rows.has_reasons, strict=True)
    ]


STYLE = Style(
    name=AnswerStyle.BRIEF_EXPLANATION,
    title="brief explanation",
    colour="#88ccee",
    recovery="statement",
    scoring_rule="contains",
    target=Target(
        draft=draft_brief_explanation,
        checks=(explanation_contains_gold,),
        may_fail=unsure_sentences,
        deal=deal_nothing,
        reads=EXPLANATION_COLUMNS,
        special_rfp=SpecialRfp(key="brief_explanation_reason", applies=gives_reason),
    ),
    written=Writing(
        reply=BriefText,
        description=BriefDescription,
        max_reply_tokens=160,
        usual_reply_tokens=40,
        band=Band(20, 8, 40),
        max_gold_words=20,
        prompt_uses=("words",),
    ),
)
