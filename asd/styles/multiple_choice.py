"""The letter of one of several options."""

from __future__ import annotations

from asd.makers.checks import (
    gold_recoverable,
    no_option_conflict,
    options_distinct,
    options_hold_gold_once,
    unsure_choices,
)
from asd.makers.dealt import deal_letters, first_and_last_letter
from asd.makers.multiple_choice import NUM_WRONG, draft_multiple_choice
from asd.schemas.reply_models import ThreeDistractors
from asd.schemas.styles import AnswerStyle
from asd.styles.may_take import has_own_wrong_answers
from asd.styles.style import Style, Target, Writing

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
