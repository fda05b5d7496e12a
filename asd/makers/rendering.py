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

from asd.records import Draft, Sample
from asd.schemas.styles import LETTERS, AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.tasks.registry import rfps_for
from asd.templating import CompiledTemplate, TemplateSet

IMAGE_TOKEN = "<image>"
_INERT_TOKEN = "< image >"
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
    filled = [_fill(*row, ctx) for row in zip(samples, drafts, deals, strict=True)]
    places: dict[AnswerStyle, list[int]] = {}
    for place, draft in enumerate(drafts):
        places.setdefault(draft.style, []).append(place)
    texts: list[tuple[str, str]] = [("", "")] * len(filled)
    for style, of_style in places.items():
        made = ctx.templates[style].render_all([filled[place].values for place in of_style])
        for place, text in zip(of_style, made, strict=True):
            texts[place] = text
    references = {style: ctx.templates[style].reference for style in places}
    return [
        _finish(one, text, len(sample.images), references[draft.style])
        for one, text, sample, draft in zip(filled, texts, samples, drafts, strict=True)
    ]


class _Filled(NamedTuple):
    """What goes into a template, and what of it a shard row shows in columns of their own."""

    values: tuple[str, str, list[tuple[str, str]], str, str, str, str, str]
    """In the order of `templating.VARIABLES`."""
    options: list[str]
    gold: str


def _fill(sample: Sample, draft: Draft, deal: int, ctx: RenderContext) -> _Filled:
    style = draft.style
    options, candidate, letter, gold, answer, key = draft.options, "", "", draft.gold, draft.gold, style.value
    if style is AnswerStyle.MULTIPLE_CHOICE:
        options, position = _ordered_options(draft, deal)
        letter = LETTERS[position]
    elif style is AnswerStyle.YES_NO:
        if draft.wrong:
            gold = "yes" if deal else "no"
            candidate = draft.gold if gold == "yes" else draft.wrong
            key = CANDIDATE_KEY
        answer = "Yes" if gold == "yes" else "No"
    elif style is AnswerStyle.BRIEF_EXPLANATION and _gives_reason(sample, draft, ctx.spec.family):
        key = REASON_KEY
    rfps = ctx.rfps[key]
    rfp = rfps[xxhash.xxh3_64_intdigest(f"{ctx.seed}:{sample.source_id}:{style}:rfp".encode()) % len(rfps)]
    question = draft.question or sample.question
    lettered = list(zip(LETTERS, options, strict=False)) if options else []
    return _Filled((question, sample.context, lettered, candidate, rfp, letter, answer, draft.text), options, gold)


def _gives_reason(sample: Sample, draft: Draft, family: str) -> bool:
    """Whether a brief explanation says why, beyond the answer in a sentence; descriptions and verdicts on statements
    have prompts of their own."""
    if draft.maker is Maker.REWRITER:
        return family not in ("grounding", "caption", "statement")
    return draft.maker is Maker.FIELD and bool(sample.rationales)


def _finish(one: _Filled, text: tuple[str, str], num_images: int, reference: str) -> Rendered:
    prompt, response = text
    if IMAGE_TOKEN in prompt:
        prompt = make_inert(prompt)
    if IMAGE_TOKEN in response:
        response = make_inert(response)
    question, _, _, candidate, rfp, *_ = one.values
    prompt = f"{IMAGE_TOKEN}\n" * num_images + prompt
    return Rendered(question, one.options, candidate or None, rfp, prompt, response, one.gold, reference)


def make_inert(text: str) -> str:
    """A literal image token inside data must not count as an image."""
    return text.replace(IMAGE_TOKEN, _INERT_TOKEN)


def _ordered_options(draft: Draft, position: int) -> tuple[list[str], int]:
    """Options in the order shown, and the place of the gold one."""
    if draft.fixed_order:
        return draft.options, draft.gold_index
    options = draft.options[1:]
    options.insert(position, draft.options[0])
    return options, position
