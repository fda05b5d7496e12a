"""The checks that every converted row passes before it is written: each one a plain predicate with a stable
name."""

from __future__ import annotations

from collections.abc import Callable

from asd.makers.option_text import option_key
from asd.makers.rendering import IMAGE_TOKEN, Rendered, make_inert
from asd.makers.wording import contains_words
from asd.makers.wrong_answers import is_conflict
from asd.records import Draft, Sample
from asd.schemas.answers import parse_box, parse_letter, parse_response
from asd.schemas.styles import LETTERS, AnswerStyle

Check = Callable[[Rendered, Sample, Draft], bool]


def gold_recoverable(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """The parser of the style reads the gold answer out of the response."""
    if draft.style is AnswerStyle.MULTIPLE_CHOICE:
        letter = parse_letter(rendered.response, rendered.options)
        return letter is not None and rendered.options[LETTERS.index(letter)] == draft.gold
    parsed = parse_response(draft.style, rendered.response)
    if draft.style is AnswerStyle.YES_NO and draft.wrong:
        return parsed == ("yes" if rendered.candidate == draft.gold else "no") == rendered.gold
    if draft.style is AnswerStyle.SHORT_ANSWER:
        return parsed is not None and parsed == parse_response(draft.style, make_inert(draft.gold))
    return parsed == draft.gold == rendered.gold


def question_preserved(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """The question, its context and the candidate stand in the prompt unchanged (a literal image token made
    inert)."""
    prompt = rendered.prompt
    for text in (draft.question or sample.question, sample.context, rendered.candidate):
        if text and text not in prompt and make_inert(text).strip() not in prompt:
            return False
    return True


def options_hold_gold_once(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    return rendered.options.count(draft.gold) == 1 and len(rendered.options) >= 2


def options_distinct(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """No two options look the same to a reader, and none is empty."""
    keys = {option_key(option) for option in rendered.options}
    return len(keys) == len(rendered.options) and "" not in keys


def no_option_conflict(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """No wrong option, or wrong candidate, could be taken for an accepted answer."""
    if draft.style is AnswerStyle.YES_NO:
        wrong = [draft.wrong] if draft.wrong else []
    else:
        wrong = [option for option in rendered.options if option != draft.gold]
    if draft.gold[:1] == "[" and parse_box(draft.gold):  # boxes are drawn by overlap, so only equality is left to see
        return draft.gold not in wrong
    return not any(is_conflict(text, draft.gold, sample.accepted, draft.maker) for text in wrong)


def explanation_contains_gold(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    return contains_words(rendered.response, make_inert(draft.gold).rstrip("."))


def rfp_last(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    return rendered.prompt.endswith(rendered.rfp)


def image_count(rendered: Rendered, sample: Sample, draft: Draft) -> bool:
    """One image token per image in front of the prompt, and nowhere else."""
    expected = len(sample.images)
    return (
        rendered.prompt.count(IMAGE_TOKEN) == expected
        and rendered.prompt.startswith(f"{IMAGE_TOKEN}\n" * expected)
        and IMAGE_TOKEN not in rendered.response
    )


_ALWAYS: tuple[Check, ...] = (question_preserved, rfp_last, image_count)
_RUN: dict[AnswerStyle, tuple[Check, ...]] = {
    AnswerStyle.YES_NO: (gold_recoverable, no_option_conflict, *_ALWAYS),
    AnswerStyle.MULTIPLE_CHOICE: (
        gold_recoverable,
        options_hold_gold_once,
        options_distinct,
        no_option_conflict,
        *_ALWAYS,
    ),
    AnswerStyle.SHORT_ANSWER: (gold_recoverable, *_ALWAYS),
    AnswerStyle.BRIEF_EXPLANATION: (explanation_contains_gold, *_ALWAYS),
    AnswerStyle.DETAILED_EXPLANATION: (explanation_contains_gold, *_ALWAYS),
}
CHECKS: dict[AnswerStyle, tuple[str, ...]] = {
    style: tuple(check.__name__ for check in checks) for style, checks in _RUN.items()
}
"""Names of the checks that `check` runs, by style, in the order in which they run."""


def check(rendered: Rendered, sample: Sample, draft: Draft) -> list[str]:
    """Names of the checks that failed; [] is good."""
    return [run.__name__ for run in _RUN[draft.style] if not run(rendered, sample, draft)]
