"""Any style -> yes/no: the question itself where its answer is yes or no, else "is this proposed answer
right?".

A wrong candidate is needed even where the right one will be shown, so that both polarities come from the
same samples.
"""

from __future__ import annotations

from asd.lazy_regex import regex
from asd.makers.checks import gold_recoverable, no_option_conflict, unsure_yes_no
from asd.makers.chinese import script_language
from asd.makers.keyed import PickedWrong, Prepared
from asd.makers.maker_context import MakerContext
from asd.makers.option_references import includes, refers_to_options
from asd.makers.option_text import (
    asks_for_more,
    is_unanswerable,
    needs_options,
    verdict_asked_for,
)
from asd.makers.unfit_questions import orders_text
from asd.makers.wording import collapse
from asd.makers.wrong_answers import (
    draw_wrong_boxes,
    has_image_options,
    mine_wrong,
    own_wrong_options,
    stated_wrong,
    stating_maker,
)
from asd.records import Decline, Draft, Sample
from asd.schemas.reply_models import OneDistractor
from asd.schemas.styles import AnswerStyle, Maker
from asd.styles.dealt import NO_SENTENCES, both_verdicts, deal_verdicts, with_natural_verdicts
from asd.styles.may_take import has_own_wrong_answers
from asd.styles.style import SpecialRfp, Style, Target, Writing
from asd.styles.style_rows import StyleRows
from asd.tasks.registry import has_own_rfps

_STYLE = AnswerStyle.YES_NO


def draft_yes_no(sample: Sample, ctx: MakerContext) -> Prepared:
    gold = collapse(sample.gold)
    verdict = verdict_asked_for(sample.question, gold)
    if _has_no_chinese_wording(sample, ctx):
        return Decline("other_language", collapse(sample.question))
    if verdict is not None:
        if asks_for_more(sample.question, ctx.spec.family):
            return Decline("no_verdict_question", collapse(sample.question))
        return Draft(_STYLE, Maker.FIELD, verdict)
    if ctx.spec.family == "statement":
        return Decline("no_verdict", gold)
    if is_unanswerable(gold):
        return Decline("unanswerable", gold)
    if orders_text(sample.question):
        return Decline("instruction_in_question", collapse(sample.question))
    if ctx.spec.family == "grounding":
        return _from_boxes(sample, gold, ctx)
    if sample.options:
        return _from_options(sample, gold, ctx)
    wrong = stated_wrong(sample, gold)
    if isinstance(wrong, Decline):
        return wrong
    if wrong:
        return PickedWrong(stating_maker(_STYLE, ctx), gold, wrong, ctx.seed)
    return mine_wrong(sample, gold, 1, _STYLE, ctx)


def _has_no_chinese_wording(sample: Sample, ctx: MakerContext) -> bool:
    """Whether a question is in Chinese and the row would hold English words: a family's template has some, or the options
    that the question speaks of have to be shown."""
    if script_language(sample.question) != "zh" or has_own_rfps(ctx.spec, _STYLE.value):
        return False
    return ctx.spec.family in NO_SENTENCES or bool(sample.options and _NEEDS_OPTIONS.search(sample.question))


_NEEDS_OPTIONS = regex("下列|以下|下面|选项|哪一?项")


def _from_boxes(sample: Sample, gold: str, ctx: MakerContext) -> Draft | Decline:
    drawn = draw_wrong_boxes(sample, 1, _STYLE, ctx)
    if isinstance(drawn, Decline):
        return drawn
    return Draft(_STYLE, drawn[1], gold, wrong=drawn[0][0])


def _from_options(sample: Sample, gold: str, ctx: MakerContext) -> Prepared:
    if has_image_options(sample.options):
        return Decline("image_options")
    if refers_to_options(gold):
        return Decline("refers_to_options", gold)
    wrong = own_wrong_options(sample, gold)
    if isinstance(wrong, Decline):
        return wrong
    plain = [text for text in wrong if not refers_to_options(text) and not includes(gold, text)]
    if not plain:
        return Decline("no_wrong_option")
    shown = (
        [collapse(option) for option in sample.options] if needs_options(sample.question, sample.context, gold) else []
    )
    return PickedWrong(Maker.FIELD, gold, plain, ctx.seed, shown)


def proposes_answer(rows: StyleRows, family: str) -> list[bool]:
    """Whether a proposed answer stands below the question."""
    return [bool(wrong) and not asked for wrong, asked in zip(rows.wrong, rows.asked, strict=True)]


STYLE = Style(
    name=AnswerStyle.YES_NO,
    title="yes/no",
    colour="#332288",
    recovery="verdict",
    scoring_rule="yes_no",
    target=Target(
        draft=draft_yes_no,
        checks=(gold_recoverable, no_option_conflict),
        may_fail=unsure_yes_no,
        deal=deal_verdicts,
        tried_deals=both_verdicts,
        may_take=has_own_wrong_answers,
        reword=with_natural_verdicts,
        special_rfp=SpecialRfp(key="yes_no_candidate", applies=proposes_answer),
        compares_accepted=True,
    ),
    written=Writing(reply=OneDistractor, max_reply_tokens=96, usual_reply_tokens=15, num_distractors=1),
)
