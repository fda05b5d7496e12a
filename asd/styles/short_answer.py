"""Multiple choice (or worked solutions) -> short answer: the gold text, where it answers the question by
itself."""

from __future__ import annotations

from asd.makers.checks import gold_recoverable, unsure_phrases
from asd.makers.grounding import draft_region_phrase
from asd.makers.maker_context import MakerContext
from asd.makers.option_references import refers_to_options
from asd.makers.option_text import as_verdict, needs_options
from asd.makers.wording import collapse
from asd.makers.wrong_answers import has_image_options
from asd.records import Decline, Draft, Sample
from asd.schemas.styles import AnswerStyle, Maker
from asd.styles.dealt import deal_nothing
from asd.styles.style import Style, Target
from asd.word_count import count_words

MAX_WORDS = 12
MIN_SENTENCE_WORDS = 4
"""With a full stop that is a sentence, which the prompts of this style rule out."""


def draft_short_answer(sample: Sample, ctx: MakerContext) -> Draft | Decline:
    gold = collapse(sample.gold)
    if ctx.spec.family == "grounding":
        return draft_region_phrase(sample, MAX_WORDS)
    if ctx.spec.family in ("statement", "caption") or as_verdict(gold) is not None:
        return Decline("no_short_form", gold)
    if has_image_options(sample.options):
        return Decline("image_options")
    if sample.options and refers_to_options(gold):
        return Decline("refers_to_options", gold)
    if count_words(gold) > MAX_WORDS:
        return Decline("long_answer", f"{count_words(gold)} words")
    if count_words(gold) >= MIN_SENTENCE_WORDS and gold[-1] in ".!?":
        return Decline("sentence_answer", gold)
    if sample.options and needs_options(sample.question, sample.context, gold):
        return Decline("needs_options")
    return Draft(AnswerStyle.SHORT_ANSWER, Maker.FIELD, gold)


STYLE = Style(
    name=AnswerStyle.SHORT_ANSWER,
    title="short answer",
    colour="#cc6677",
    recovery="phrase",
    scoring_rule="exact_match",
    target=Target(draft=draft_short_answer, checks=(gold_recoverable,), may_fail=unsure_phrases, deal=deal_nothing),
)
