"""Any style -> multiple choice: the sample's own options, Yes and No, other boxes, what the question itself
offers ("a cat or a dog?"), or three mined wrong answers.

The gold answer stands first in the draft; letters are dealt when it is rendered, so that they balance
exactly.
"""

from __future__ import annotations

from asd.makers.checks import (
    gold_recoverable,
    no_option_conflict,
    options_distinct,
    options_hold_gold_once,
    unsure_choices,
)
from asd.makers.keyed import Prepared
from asd.makers.maker_context import MakerContext
from asd.makers.option_references import refers_to_options
from asd.makers.option_text import asks_for_more, is_unanswerable, option_key, verdict_asked_for, verdict_of
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
from asd.schemas.reply_models import ThreeDistractors
from asd.schemas.styles import CHINESE_VERDICTS, LETTERS, SPELLINGS, AnswerStyle, Maker
from asd.styles.dealt import deal_letters, first_and_last_letter
from asd.styles.may_take import has_own_wrong_answers
from asd.styles.style import Style, Target, Writing

NUM_WRONG = 3
_STYLE = AnswerStyle.MULTIPLE_CHOICE


def draft_multiple_choice(sample: Sample, ctx: MakerContext) -> Prepared:
    gold = collapse(sample.gold)
    if sample.options:
        return _from_options(sample, gold)
    verdict = verdict_asked_for(sample.question, gold)
    if verdict is not None:
        if asks_for_more(sample.question, ctx.spec.family):
            return Decline("no_verdict_question", collapse(sample.question))
        other = _opposite(gold)
        if other is None:
            return Decline("odd_spelling", gold)
        if any(verdict_of(answer) not in (None, verdict) for answer in sample.accepted):
            return Decline("disputed_answer", "annotators gave both yes and no")
        return Draft(_STYLE, Maker.FIELD, gold, options=[gold, other])
    if is_unanswerable(gold):
        return Decline("unanswerable", gold)
    if ctx.spec.family == "grounding":
        return _from_boxes(sample, gold, ctx)
    wrong = stated_wrong(sample, gold)
    if isinstance(wrong, Decline):
        return wrong
    if wrong:
        return Draft(_STYLE, stating_maker(_STYLE, ctx), gold, options=[gold, *wrong])
    return mine_wrong(sample, gold, NUM_WRONG, _STYLE, ctx)


def _opposite(gold: str) -> str | None:
    """The other one of yes and no, written as this one is; None where that is odd ("nO")."""
    word = gold.rstrip(".!")
    pair = next((pair for pair in (*SPELLINGS, CHINESE_VERDICTS) if word in pair), None)
    return None if pair is None else pair[word == pair[0]] + gold[len(word) :]


def _from_options(sample: Sample, gold: str) -> Draft | Decline:
    if has_image_options(sample.options):
        return Decline("image_options")
    wrong = own_wrong_options(sample, gold)
    if isinstance(wrong, Decline):
        return wrong
    if not wrong:
        return Decline("no_wrong_option")
    if len(sample.options) > len(LETTERS):
        return Decline("too_many_options", str(len(sample.options)))
    if any(refers_to_options(text) for text in (gold, *wrong)):
        return _in_source_order(sample, gold, wrong)
    return Draft(_STYLE, Maker.FIELD, gold, options=[gold, *wrong])


def _in_source_order(sample: Sample, gold: str, wrong: list[str]) -> Draft | Decline:
    """Options that name others by place keep their place; dropping one would shift what they refer to."""
    options = [collapse(option) for option in sample.options]
    if len(options) != len(wrong) + 1:
        return Decline("ambiguous_options", "options refer to each other and one of them had to be dropped")
    keys = [option_key(option) for option in options]
    index = keys.index(option_key(gold))
    return Draft(_STYLE, Maker.FIELD, options[index], options=options, fixed_order=True, gold_index=index)


def _from_boxes(sample: Sample, gold: str, ctx: MakerContext) -> Draft | Decline:
    drawn = draw_wrong_boxes(sample, NUM_WRONG, _STYLE, ctx)
    if isinstance(drawn, Decline):
        return drawn
    boxes, maker = drawn
    return Draft(_STYLE, maker, gold, options=[gold, *boxes])


STYLE = Style(
    name=AnswerStyle.MULTIPLE_CHOICE,
    title="multiple choice",
    colour="#117733",
    recovery="letter",
    scoring_rule="letter",
    target=Target(
        draft=draft_multiple_choice,
        checks=(gold_recoverable, options_hold_gold_once, options_distinct, no_option_conflict),
        may_fail=unsure_choices,
        deal=deal_letters,
        tried_deals=first_and_last_letter,
        may_take=has_own_wrong_answers,
        compares_accepted=True,
    ),
    written=Writing(
        reply=ThreeDistractors,
        max_reply_tokens=224,
        usual_reply_tokens=40,
        num_distractors=NUM_WRONG,
        prompt_uses=("count",),
    ),
)
