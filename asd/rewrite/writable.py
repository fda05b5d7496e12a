"""Which samples the rewriter is asked about at all: those for which a good reply can exist. Pure.

A refusal here costs no request. Its reasons are those of the rule makers wherever the reason is the same one.
"""

from __future__ import annotations

from asd.makers.answer_types import is_vague
from asd.makers.maker_context import MakerContext
from asd.makers.option_references import refers_to_options
from asd.makers.option_text import as_verdict, asks_for_more, is_no_reading_task, is_unanswerable
from asd.makers.wording import collapse
from asd.makers.wrong_answers import MAX_CANDIDATE_WORDS, has_image_options, stated_wrong
from asd.records import Decline, Sample
from asd.rewrite.sample_data import MAX_QUESTION
from asd.schemas.styles import WRITTEN_STYLES, AnswerStyle, Maker
from asd.sources.instructions import states_form, without_lead_in
from asd.sources.marked_options import names_listed_option
from asd.styles.table import writing_of
from asd.word_count import count_words

DESCRIBED_FAMILIES = ("grounding", "caption")
"""Here explanations are descriptions: of a region, of an image."""


def find_decline(sample: Sample, style: AnswerStyle, ctx: MakerContext) -> Decline | None:
    """Why the rewriter is not asked to write `style` for `sample`; None where it is."""
    if style not in WRITTEN_STYLES:
        return Decline("no_rewriter_style", style.value)
    if not ctx.allows(style, Maker.REWRITER):
        return Decline("maker_not_listed", Maker.REWRITER.value)
    if sample.passthrough is not None:
        return Decline("passthrough")
    gold = collapse(sample.gold)
    if not gold or not (sample.question.strip() or ctx.spec.family == "caption"):
        return Decline("no_answer")
    if not sample.options and names_listed_option(sample.question, gold):
        return Decline("refers_to_options", gold)
    asked = without_lead_in(sample.question) if sample.options else sample.question
    if asked != ctx.spec.question and states_form(asked):
        return Decline("instruction_in_question", collapse(asked))
    if len(sample.question) > MAX_QUESTION:
        return Decline("long_question", f"{len(sample.question)} characters")
    if has_image_options(sample.options):
        return Decline("image_options")
    if is_no_reading_task(gold):
        return Decline("no_reading_task", gold)
    if is_unanswerable(gold):
        return Decline("unanswerable", gold)
    if as_verdict(gold) is not None and asks_for_more(sample.question, ctx.spec.family):
        return Decline("no_verdict_question", collapse(sample.question))
    if writing_of(style).num_distractors:
        return _no_distractors(sample, gold, ctx)
    if sample.options and refers_to_options(gold):
        return Decline("refers_to_options", gold)
    return _no_explanation(gold, style, ctx)


def _no_distractors(sample: Sample, gold: str, ctx: MakerContext) -> Decline | None:
    if ctx.spec.family == "grounding":
        return Decline("boxes_by_rule", "wrong boxes are drawn, not written")
    if ctx.spec.family == "statement" or as_verdict(gold) is not None:
        return Decline("no_distractor_needed", gold)
    if sample.options:
        return Decline("own_options", f"{len(sample.options)} options of the source")
    if is_vague(gold):
        return Decline("vague_answer", gold)
    if ctx.spec.family == "caption":
        return None
    if count_words(gold) > MAX_CANDIDATE_WORDS:
        return Decline("long_answer", f"{count_words(gold)} words")
    stated = stated_wrong(sample, gold)
    if isinstance(stated, Decline):
        return stated
    return Decline("stated_alternatives", ", ".join(stated)) if stated else None


def _no_explanation(gold: str, style: AnswerStyle, ctx: MakerContext) -> Decline | None:
    if ctx.spec.family in DESCRIBED_FAMILIES:
        return None
    if count_words(gold) > writing_of(style).max_gold_words:
        return Decline("long_answer", f"{count_words(gold)} words")
    if '"' in gold or "\\" in gold:
        return Decline("quotes_in_answer", gold)  # the schema of replies has no such characters
    return None
