"""A draft becomes a prompt and a response: letters and polarity are dealt, wording is chosen, the template
is run.

Dealing is by running number, not by chance per row: every block of n multiple-choice drafts with n options
uses each letter once, every two free yes/no drafts hold one of each, so the counts are even whatever the
data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import xxhash

from asd.errors import TemplateError
from asd.makers.english_verdict import natural_verdict
from asd.records import Draft, Sample
from asd.schemas.image_marks import MARK, make_inert
from asd.schemas.styles import LETTERS, AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.tasks.registry import rfps_for
from asd.templating import CompiledTemplate, TemplateRowError, TemplateSet

CANDIDATE_KEY = "yes_no_candidate"
REASON_KEY = "brief_explanation_reason"


class Rendered(NamedTuple):
    """The columns of a shard row that converting decides."""

    question: str
    """As the source has it (a literal image token included), unless the style turns the question round."""
    options: list[str]
    candidate: str | None
    rfp: str
    prompt: str
    response: str
    gold: str
    template: str


@dataclass(frozen=True, slots=True)
class RenderContext:
    """What rendering needs of a task, looked up once."""

    spec: TaskSpec
    seed: int
    templates: Mapping[AnswerStyle, CompiledTemplate]
    rfps: Mapping[str, tuple[str, ...]]

    @classmethod
    def build(
        cls, spec: TaskSpec, seed: int, templates: TemplateSet, styles: Iterable[AnswerStyle] | None = None
    ) -> RenderContext:
        """For the task's target styles unless told otherwise. Raises: TemplateError, UnknownNameError."""
        wanted = list(spec.styles if styles is None else styles)
        compiled = {style: templates.get(style, spec.family) for style in wanted}
        keys = [style.value for style in wanted]
        if AnswerStyle.YES_NO in wanted:
            keys.append(CANDIDATE_KEY)
        if AnswerStyle.BRIEF_EXPLANATION in wanted:
            keys.append(REASON_KEY)
        return cls(spec, seed, compiled, {key: rfps_for(spec, key) for key in keys})


def render(sample: Sample, draft: Draft, deal: int, ctx: RenderContext) -> Rendered:
    """`deal`: multiple_choice, the place of the gold option; yes_no with a wrong candidate, 1 for yes and 0
    for no.

    It is ignored where the draft leaves nothing to deal (fixed order, the question's own polarity, other
    styles).
    """
    return render_all([sample], [draft], [deal], ctx)[0]


def render_all(
    samples: Sequence[Sample], drafts: Sequence[Draft], deals: Sequence[int], ctx: RenderContext
) -> list[Rendered]:
    """`render` of each sample; a template is run once for all rows of its style."""
    places: dict[AnswerStyle, list[int]] = {}
    for place, draft in enumerate(drafts):
        places.setdefault(draft.style, []).append(place)
    found: dict[int, Rendered] = {}
    for style, of_style in places.items():
        rows = StyleRows.of([samples[place] for place in of_style], [drafts[place] for place in of_style])
        rows = with_natural_verdicts(style, rows, [deals[place] for place in of_style], ctx.spec.family)
        texts = render_style(style, rows, [deals[place] for place in of_style], ctx)
        reference = ctx.templates[style].reference
        found.update((place, texts.row(number, reference)) for number, place in enumerate(of_style))
    return [found[place] for place in range(len(drafts))]


class StyleRows(NamedTuple):
    """Rows that take one style, column by column: what rendering and checks need of samples and of drafts."""

    source_ids: Sequence[str]
    questions: Sequence[str]
    contexts: Sequence[str]
    num_images: Sequence[int]
    accepted: Sequence[list[str]]
    has_reasons: Sequence[bool]
    """Whether the sample brings rationales."""
    makers: Sequence[Maker]
    golds: Sequence[str]
    options: Sequence[list[str]]
    fixed_order: Sequence[bool]
    gold_index: Sequence[int]
    wrong: Sequence[str]
    texts: Sequence[str]
    asked: Sequence[str]
    """Question in place of the sample's, "" for that."""

    @classmethod
    def of(cls, samples: Sequence[Sample], drafts: Sequence[Draft]) -> StyleRows:
        told = [
            (one.source_id, one.question, one.context, len(one.images), one.accepted, bool(one.rationales))
            for one in samples
        ]
        made = [
            (one.maker, one.gold, one.options, one.fixed_order, one.gold_index, one.wrong, one.text, one.question)
            for one in drafts
        ]
        return cls(*zip(*told, strict=True), *zip(*made, strict=True))

    def sample(self, place: int) -> Sample:
        """As much of the sample as checks look at."""
        return Sample(
            self.source_ids[place],
            self.questions[place],
            "",
            images=[""] * self.num_images[place],
            context=self.contexts[place],
            accepted=self.accepted[place],
        )

    def draft(self, style: AnswerStyle, place: int) -> Draft:
        return Draft(
            style,
            self.makers[place],
            self.golds[place],
            self.options[place],
            self.fixed_order[place],
            self.gold_index[place],
            self.wrong[place],
            self.texts[place],
            self.asked[place],
        )


class StyleTexts(NamedTuple):
    """What rendering makes of StyleRows, column by column. See `Rendered`."""

    questions: Sequence[str]
    options: Sequence[list[str]]
    candidates: Sequence[str]
    """"" for none."""
    rfps: Sequence[str]
    prompts: Sequence[str]
    responses: Sequence[str]
    golds: Sequence[str]

    def row(self, place: int, template: str) -> Rendered:
        return Rendered(
            self.questions[place],
            self.options[place],
            self.candidates[place] or None,
            self.rfps[place],
            self.prompts[place],
            self.responses[place],
            self.golds[place],
            template,
        )


def with_natural_verdicts(style: AnswerStyle, rows: StyleRows, deals: Sequence[int], family: str) -> StyleRows:
    """yes_no: the candidate made part of the question ("Is the car red?") where rules can turn it for the right answer and
    for the wrong one alike; elsewhere it stays a proposed answer below the question."""
    if style is not AnswerStyle.YES_NO or family in _NO_SENTENCES or not any(rows.wrong):
        return rows
    asked = list(rows.asked)
    for place, (question, gold, wrong, deal) in enumerate(
        zip(rows.questions, rows.golds, rows.wrong, deals, strict=True)
    ):
        if not wrong or asked[place] or rows.options[place]:
            continue
        right, other = natural_verdict(question, gold), natural_verdict(question, wrong)
        if right is not None and other is not None:
            asked[place] = right if deal else other
    return rows._replace(asked=asked)


_NO_SENTENCES = ("grounding", "caption", "statement")
"""Families without a question that a sentence can be made of."""


def render_style(style: AnswerStyle, rows: StyleRows, deals: Sequence[int], ctx: RenderContext) -> StyleTexts:
    """`render` of rows that all take one style; deals: one for each row."""
    count = len(rows.golds)
    none = [""] * count
    options, candidates, letters, golds, answers = rows.options, none, none, rows.golds, rows.golds
    if style is AnswerStyle.MULTIPLE_CHOICE:
        dealt = zip(rows.fixed_order, rows.gold_index, deals, strict=True)
        places = [own if is_fixed else deal for is_fixed, own, deal in dealt]
        options = [
            texts if is_fixed else [*texts[1 : place + 1], texts[0], *texts[place + 1 :]]
            for texts, is_fixed, place in zip(rows.options, rows.fixed_order, places, strict=True)
        ]
        letters = [LETTERS[place] for place in places]
    elif style is AnswerStyle.YES_NO:
        judged = list(zip(rows.golds, rows.wrong, deals, strict=True))
        golds = [("yes" if deal else "no") if wrong else gold for gold, wrong, deal in judged]
        candidates = [(gold if deal else wrong) if wrong else "" for gold, wrong, deal in judged]
        answers = ["Yes" if gold == "yes" else "No" for gold in golds]
    questions = [own or question for own, question in zip(rows.asked, rows.questions, strict=True)]
    rfps = _rfps(style, rows, ctx)
    lettered = [list(zip(LETTERS, texts, strict=False)) if texts else _NO_OPTIONS for texts in options]
    proposed = candidates
    if style is AnswerStyle.YES_NO:
        proposed = ["" if own else candidate for own, candidate in zip(rows.asked, candidates, strict=True)]
    values = zip(questions, rows.contexts, lettered, proposed, rfps, letters, answers, rows.texts, strict=True)
    try:
        prompts, responses = ctx.templates[style].render_columns(list(values))
    except TemplateRowError as exc:
        raise TemplateError(f"{exc}, in the row {rows.source_ids[exc.place]!r} (template of {style.value})") from exc
    images = [f"{MARK}\n" * number for number in range(max(rows.num_images, default=0) + 1)]
    prompts = [images[number] + text for number, text in zip(rows.num_images, make_all_inert(prompts), strict=True)]
    return StyleTexts(questions, options, candidates, rfps, prompts, make_all_inert(responses), golds)


_NO_OPTIONS: list[tuple[str, str]] = []


def _rfps(style: AnswerStyle, rows: StyleRows, ctx: RenderContext) -> list[str]:
    """The response-format prompt of each row, chosen by its sample's id."""
    start, end = f"{ctx.seed}:", f":{style}:rfp"
    hashes = [xxhash.xxh3_64_intdigest(f"{start}{name}{end}".encode()) for name in rows.source_ids]
    usual = ctx.rfps[style.value]
    if style is AnswerStyle.YES_NO:
        special = CANDIDATE_KEY
        own = [bool(wrong) and not asked for wrong, asked in zip(rows.wrong, rows.asked, strict=True)]
    elif style is AnswerStyle.BRIEF_EXPLANATION:
        family = ctx.spec.family
        special = REASON_KEY
        own = [_gives_reason(*row, family) for row in zip(rows.makers, rows.has_reasons, strict=True)]
    else:
        return [usual[number % len(usual)] for number in hashes]
    other = ctx.rfps[special]
    return [
        other[number % len(other)] if is_special else usual[number % len(usual)]
        for number, is_special in zip(hashes, own, strict=True)
    ]


def _gives_reason(maker: Maker, has_reasons: bool, family: str) -> bool:
    """Whether a brief explanation says why, beyond the answer in a sentence; descriptions and verdicts on statements
    have prompts of their own."""
    if maker is Maker.REWRITER:
        return family not in ("grounding", "caption", "statement")
    return maker is Maker.FIELD and has_reasons


def make_all_inert(texts: list[str]) -> list[str]:
    return list(map(make_inert, texts)) if MARK in "\n".join(texts) else texts
