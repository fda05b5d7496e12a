"""The entry to all makers: one sample and one target style in, a conversion's content or a reason out.
Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

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
    made = _prepare(sample, _view(sample, ctx), style, ctx)
    return _settled(made, sample.source_id, ctx.spec.styles[style]) if isinstance(made, Keyed) else made


class Drafter:
    """`draft` for many samples, by the makers of one task."""

    def __init__(self, ctx: MakerContext) -> None:
        self._ctx = ctx
        self._makers: list[Sequence[Maker]] = [ctx.spec.styles.get(style, ()) for style in TARGET_STYLES]
        self._viewed: tuple[Sample, _View | Decline] | None = None

    def draft(self, sample: Sample, number: int) -> Draft | Decline:
        """number: of the style among TARGET_STYLES."""
        made = self.prepare(number, sample)
        return self.settled(made, number, sample.source_id) if isinstance(made, Keyed) else made

    def prepare(self, number: int, sample: Sample) -> Prepared:
        """What is the same for all samples that are as `sample` but for the id; `settled` does the rest. Styles that are
        tried one after the other share what does not depend on them."""
        if self._viewed is None or self._viewed[0] is not sample:
            self._viewed = sample, _view(sample, self._ctx)
        return _prepare(sample, self._viewed[1], TARGET_STYLES[number], self._ctx)

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


class _View(NamedTuple):
    """What holds of a sample whatever style it is to take."""

    asked: str
    """Its question without a lead-in to options."""
    language: str
    """See `script_language`; "" where any style will do."""
    names_image: bool
    declined: Decline | None
    """Why no style will do, unless a style declines it for its language or its image."""
    is_unusual: bool
    """Its question, context or answer are such that the row is looked at before it is given out."""


def _view(sample: Sample, ctx: MakerContext) -> _View | Decline:
    """Or why no style will do, whatever else may stand against it."""
    spec, question, gold = ctx.spec, sample.question, sample.gold
    if sample.passthrough is not None:
        return Decline("passthrough")
    if not gold or gold.isspace() or not (question or spec.family == "caption"):
        return Decline("no_answer")
    if is_placeholder(gold, spec.placeholders):
        return Decline("placeholder_answer", collapse(gold))
    if spec.family in _ASKS and not sample.options:
        if is_no_question(question, sample.accepted, is_unanswerable=is_unanswerable(gold)):
            return Decline("no_question", collapse(question))
        if finds_none(question, gold):
            return Decline("placeholder_answer", collapse(gold))
    asked = without_lead_in(question) if sample.options else question
    declined = None
    if not sample.options and names_listed_option(question, gold):
        declined = Decline("refers_to_options", collapse(gold))
    elif asked != spec.question and states_form(asked):
        declined = Decline("instruction_in_question", collapse(asked))
    is_unusual = _is_unusual(question, sample.context, gold)
    return _View(asked, script_language(asked), names_image(gold), declined, is_unusual)


def _prepare(sample: Sample, view: _View | Decline, style: AnswerStyle, ctx: MakerContext) -> Prepared:
    makers = ctx.spec.styles.get(style)
    if makers is None:
        return Decline("style_not_offered", style.value)
    if isinstance(view, Decline):
        return view
    asked, language, has_image, declined, is_unusual = view
    if language and has_own_rfps(ctx.spec, style.value):
        language = ""
    target = target_of(style)
    if language == "other" or (language and target.has_english_words):
        return Decline("other_language", collapse(sample.question))
    if has_image:
        return Decline("image_options", sample.gold)
    if ctx.spec.family == "grounding" and style is not AnswerStyle.DETAILED_EXPLANATION and not _has_box(sample):
        return Decline("bad_box", sample.gold)
    if declined is not None:
        return declined
    if asked != sample.question:
        made = target.draft(replace(sample, question=asked), ctx)
        made = _Asking(made, asked) if isinstance(made, Keyed) else _asking(made, asked)
    else:
        made = target.draft(sample, ctx)
    if isinstance(made, Draft):
        made = _judged(made, makers)
        if language and isinstance(made, Draft) and has_english(made.text):
            return Decline("other_language", made.text)
        return _checked(made, sample, ctx, is_unusual=is_unusual) if isinstance(made, Draft) else made
    if is_unusual and ctx.rendering is not None and isinstance(made, Keyed):
        return _CheckedLater(made, sample, ctx)
    return made


def _checked(made: Draft, sample: Sample, ctx: MakerContext, *, is_unusual: bool) -> Draft | Decline:
    """The draft where the row that comes of it passes the checks of its style; conversions end at one that does not.
    is_unusual: of the sample's own texts."""
    wrong = (
        [option for option in made.options if option != made.gold] if made.style is AnswerStyle.MULTIPLE_CHOICE else []
    )
    wrong = [made.wrong] if made.wrong else wrong
    if wrong and is_disputed(wrong, made.gold, sample.accepted, made.maker):
        return Decline("disputed_answer", made.gold)
    if ctx.rendering is None:
        return made
    own = (made.gold, made.wrong, made.text, made.question, *made.options)
    if not (is_unusual or made.gold[-1:] == "." or _is_unusual(*own)):
        return made
    deals = target_of(made.style).tried_deals(made)
    rendered = render_all([sample] * len(deals), [made] * len(deals), deals, ctx.rendering)
    failed = {name for texts in rendered for name in check(texts, sample, made)}
    return Decline("failed_checks", ", ".join(sorted(failed))) if failed else made


def _is_unusual(*texts: str) -> bool:
    """Whether a template, or what reads a response, might change a text: white space, marks, control characters."""
    joined = "".join(texts)
    if not joined.isprintable() or "<" in joined or "  " in joined:
        return True
    edges = "\n".join(("", *texts, ""))
    return " \n" in edges or "\n " in edges


@dataclass(slots=True)
class _CheckedLater(Keyed):
    """What waits for the sample's id, of a sample with unusual texts."""

    made: Keyed
    sample: Sample
    ctx: MakerContext

    def settle(self, source_id: str) -> Draft | Decline:
        settled = self.made.settle(source_id)
        return _checked(settled, self.sample, self.ctx, is_unusual=True) if isinstance(settled, Draft) else settled


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
