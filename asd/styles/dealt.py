"""What each kind of deal makes of rows: a letter for the right option, yes or no for a proposed answer, or nothing."""

from __future__ import annotations

from collections.abc import Sequence

from asd.makers.chinese import asked_in_chinese, script_language
from asd.makers.english.verdict import natural_verdict
from asd.records import Draft
from asd.schemas.styles import LETTERS
from asd.styles.style_rows import Dealt, StyleRows


def deal_nothing(rows: StyleRows, deals: Sequence[int]) -> Dealt:
    none = [""] * len(rows.golds)
    return Dealt(rows.options, none, none, rows.golds, rows.golds)


def deal_letters(rows: StyleRows, deals: Sequence[int]) -> Dealt:
    """The right option is put in the place that is dealt, unless the options must stay in their order."""
    none = [""] * len(rows.golds)
    dealt = zip(rows.fixed_order, rows.gold_index, deals, strict=True)
    places = [own if is_fixed else deal for is_fixed, own, deal in dealt]
    options = [
        texts if is_fixed else [*texts[1 : place + 1], texts[0], *texts[place + 1 :]]
        for texts, is_fixed, place in zip(rows.options, rows.fixed_order, places, strict=True)
    ]
    return Dealt(options, none, [LETTERS[place] for place in places], rows.golds, rows.golds)


def deal_verdicts(rows: StyleRows, deals: Sequence[int]) -> Dealt:
    """Where there is a wrong candidate, it is proposed for "no" and the right one for "yes"."""
    judged = list(zip(rows.golds, rows.wrong, deals, strict=True))
    golds = [("yes" if deal else "no") if wrong else gold for gold, wrong, deal in judged]
    candidates = [(gold if deal else wrong) if wrong else "" for gold, wrong, deal in judged]
    answers = ["Yes" if gold == "yes" else "No" for gold in golds]
    return Dealt(rows.options, candidates, [""] * len(golds), golds, answers)


def no_deals(draft: Draft) -> list[int]:
    """The deals that a draft is tried with before it is given out: those between which its row may differ."""
    return [0]


def first_and_last_letter(draft: Draft) -> list[int]:
    return sorted({0, max(len(draft.options) - 1, 0)})


def both_verdicts(draft: Draft) -> list[int]:
    return [0, 1]


def with_natural_verdicts(rows: StyleRows, deals: Sequence[int], family: str) -> StyleRows:
    """The candidate is made part of the question ("Is the car red?") where rules can turn it for the right answer and for
    the wrong one alike, or the question is in Chinese; elsewhere it stays a proposed answer below the question."""
    if family in NO_SENTENCES or not any(rows.wrong):
        return rows
    asked = list(rows.asked)
    for place, (question, gold, wrong, deal) in enumerate(
        zip(rows.questions, rows.golds, rows.wrong, deals, strict=True)
    ):
        if not wrong or asked[place] or rows.options[place]:
            continue
        if script_language(question) == "zh":
            asked[place] = asked_in_chinese(question, gold if deal else wrong)
            continue
        right = natural_verdict(question, gold)
        if right is not None and (other := natural_verdict(question, wrong)) is not None:
            asked[place] = right if deal else other
    return rows._replace(asked=asked)


NO_SENTENCES = ("grounding", "caption", "statement")
"""Families without a question that a sentence can be made of."""
