"""The entry to all makers: one sample and one target style in, a conversion's content or a reason out.
Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from asd.makers.checks import is_disputed
from asd.makers.chinese import has_english, script_language
from asd.makers.keyed import Keyed, Prepared
from asd.makers.maker_context import MakerContext
from asd.makers.option_text import as_verdict, is_unanswerable
from asd.makers.placeholders import is_placeholder
from asd.makers.rendering import render_all
from asd.makers.unfit_questions import finds_none, is_no_question
from asd.makers.wording import collapse, contains_words
from asd.records import Decline, Draft, Sample
from asd.schemas.boxes import read_box
from asd.schemas.image_marks import names_image
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.sources.instructions import states_form, without_lead_in
from asd.sources.marked_options import names_listed_option
from asd.styles.checking import check
from asd.styles.table import target_of
from asd.tasks.registry import has_own_rfps

__all__ = ["Drafter", "MakerContext", "draft"]


def draft(sample: Sample, style: AnswerStyle, ctx: MakerContext) -> Draft | Decline:
    """What rules can make of `sample` in `style`; depends on the sample, the task and the seed alone.

    A draft that is returned passes every check of its style, whatever letters and polarity it is dealt.
    """
    made = _prepare(sample, style, ctx)
    return _settled(made, sample.source_id, ctx.spec.styles[style]) if isinstance(made, Keyed) else made


class Drafter:
    """`draft` for many samples, by the makers of one task."""

    def __init__(self, ctx: MakerContext) -> None:
        self._ctx = ctx
        self._makers: list[Sequence[Maker]] = [ctx.spec.styles.get(style, ()) for style in TARGET_STYLES]

    def draft(self, sample: Sample, number: int) -> Draft | Decline:
        """number: of the style among TARGET_STYLES."""
        return draft(sample, TARGET_STYLES[number], self._ctx)

    def prepare(self, number: int, sample: Sample) -> Prepared:
        """What is the same for all samples that are as `sample` but for the id; `settled` does the rest."""
        return _prepare(sample, TARGET_STYLES[number], self._ctx)

    def settled(self, made: Keyed, number: int, source_id: str) -> Draft | Decline:
        """number: of the style that `made` was prepared for."""
        return _settled(made, source_id, self._makers[number])


_EMPTY: list[str] = []


def plain_sample(question: str, gold: str, accepted: Sequence[str], hint: str | None) -> Sample:
    """A sample of which `is_plain` holds. hint: its answer type. Its empty lists are one: makers change none."""
    return Sample(
        "", question, gold, "train", _EMPTY, "", _EMPTY, None, [*accepted], rationales=_EMPTY, ocr_tokens=_EMPTY,
        other_boxes=_EMPTY, answer_type=hint,
    )  # fmt: skip


def is_plain(sample: Sample, style: AnswerStyle, family: str) -> bool:
    """Whether a sample's draft in a style depends on nothing but its id, question, answers and answer type."""
    if sample.passthrough is not None or sample.options or sample.other_boxes or family == "grounding":
        return False
    return not any(getattr(sample, column) for column in target_of(style).reads)


_ASKS = ("vqa", "ocr", "chart", "science")
"""Families of which every sample has a question of its own."""


def _prepare(sample: Sample, style: AnswerStyle, ctx: MakerContext) -> Prepared:
    makers = ctx.spec.styles.get(style)
    if makers is None:
        return Decline("style_not_offered", style.value)
    if sample.passthrough is not None:
        return Decline("passthrough")
    if not sample.gold or sample.gold.isspace() or not (sample.question or ctx.spec.family == "caption"):
        return Decline("no_answer")
    if is_placeholder(sample.gold, ctx.spec.placeholders):
        return Decline("placeholder_answer", collapse(sample.gold))
    if ctx.spec.family in _ASKS and not sample.options:
        if is_no_question(sample.question, sample.accepted, is_unanswerable=is_unanswerable(sample.gold)):
            return Decline("no_question", collapse(sample.question))
        if finds_none(sample.question, sample.gold):
            return Decline("placeholder_answer", collapse(sample.gold))
    asked = without_lead_in(sample.question) if sample.options else sample.question
    language = script_language(asked)
    if language and has_own_rfps(ctx.spec, style.value):
        language = ""
    if language == "other" or (language and target_of(style).has_english_words):
        return Decline("other_language", collapse(sample.question))
    if names_image(sample.gold):
        return Decline("image_options", sample.gold)
    if ctx.spec.family == "grounding" and style is not AnswerStyle.DETAILED_EXPLANATION and not _has_box(sample):
        return Decline("bad_box", sample.gold)
    if not sample.options and names_listed_option(sample.question, sample.gold):
        return Decline("refers_to_options", collapse(sample.gold))
    if asked != ctx.spec.question and states_form(asked):
        return Decline("instruction_in_question", collapse(asked))
    if asked != sample.question:
        made = target_of(style).draft(replace(sample, question=asked), ctx)
        made = _Asking(made, asked) if isinstance(made, Keyed) else _asking(made, asked)
    else:
        made = target_of(style).draft(sample, ctx)
    if isinstance(made, Draft):
        made = _judged(made, makers)
        if language and isinstance(made, Draft) and has_english(made.text):
            return Decline("other_language", made.text)
        return _checked(made, sample, ctx) if isinstance(made, Draft) else made
    if (
        isinstance(made, Keyed)
        and ctx.rendering is not None
        and _is_unusual(sample.question, sample.context, sample.gold)
    ):
        return _CheckedLater(made, sample, ctx)
    return made


def _checked(made: Draft, sample: Sample, ctx: MakerContext) -> Draft | Decline:
    """The draft where the row that comes of it passes the checks of its style; conversions end at one that does not."""
    wrong = (
        [option for option in made.options if option != made.gold] if made.style is AnswerStyle.MULTIPLE_CHOICE else []
    )
    wrong = [made.wrong] if made.wrong else wrong
    if wrong and is_disputed(wrong, made.gold, sample.accepted, made.maker):
        return Decline("disputed_answer", made.gold)
    texts = (sample.question, sample.context, made.gold, made.wrong, made.text, made.question, *made.options)
    if ctx.rendering is None or not (_is_unusual(*texts) or made.gold[-1:] == "."):
        return made
    deals = target_of(made.style).tried_deals(made)
    rendered = render_all([sample] * len(deals), [made] * len(deals), deals, ctx.rendering)
    failed = {name for texts in rendered for name in check(texts, sample, made)}
    return Decline("failed_checks", ", ".join(sorted(failed))) if failed else made


def _is_unusual(*texts: str) -> bool:
    """Whether a template, or what reads a response, might change a text: white space, marks, control characters."""
    return any(
        not text.isprintable() or "<" in text or "  " in text or text[:1] == " " or text[-1:] == " " for text in texts
    )


@dataclass(slots=True)
class _CheckedLater(Keyed):
    """What waits for the sample's id, of a sample with unusual texts."""

    made: Keyed
    sample: Sample
    ctx: MakerContext

    def settle(self, source_id: str) -> Draft | Decline:
        settled = self.made.settle(source_id)
        return _checked(settled, self.sample, self.ctx) if isinstance(settled, Draft) else settled


def _asking(made: Draft | Decline, question: str) -> Draft | Decline:
    """The same with this question in place of the sample's, where it has none of its own."""
    return made if isinstance(made, Decline) or made.question else replace(made, question=question)


@dataclass(slots=True)
class _Asking(Keyed):
    made: Keyed
    question: str

    def settle(self, source_id: str) -> Draft | Decline:
        return _asking(self.made.settle(source_id), self.question)


def _has_box(sample: Sample) -> bool:
    gold = collapse(sample.gold)
    return as_verdict(gold) is not None or read_box(gold) is not None


def _settled(made: Keyed, source_id: str, makers: Sequence[Maker]) -> Draft | Decline:
    settled = made.settle(source_id)
    return _judged(settled, makers) if isinstance(settled, Draft) else settled


def _judged(made: Draft, makers: Sequence[Maker]) -> Draft | Decline:
    if made.maker not in makers:
        return Decline("maker_not_listed", made.maker.value)
    if made.text and not contains_words(made.text, made.gold.rstrip(".")):
        return Decline("gold_lost", made.gold)
    return made
