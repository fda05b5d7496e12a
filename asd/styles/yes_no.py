"""Yes or no, to the question itself or to a proposed answer."""

from __future__ import annotations

from asd.makers.checks import gold_recoverable, no_option_conflict, unsure_yes_no
from asd.makers.dealt import both_verdicts, deal_verdicts, with_natural_verdicts
from asd.makers.style_rows import StyleRows
from asd.makers.yes_no import draft_yes_no
from asd.schemas.reply_models import OneDistractor
from asd.schemas.styles import AnswerStyle
from asd.styles.may_take import has_own_wrong_answers
from asd.styles.style import SpecialRfp, Style, Target, Writing


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
