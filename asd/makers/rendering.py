"""A draft becomes a prompt and a response: letters and polarity are dealt, wording is chosen, the template
is run.

Dealing is by running number, not by chance per row: every block of n multiple-choice drafts with n options
uses each letter once, every two free yes/no drafts hold one of each, so the counts are even whatever the
data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import xxhash

from asd.records import Draft, Sample
from asd.schemas.styles import LETTERS, AnswerStyle
from asd.schemas.task import TaskSpec
from asd.tasks.registry import rfps_for
from asd.templating import CompiledTemplate, TemplateSet

IMAGE_TOKEN = "<image>"
_INERT_TOKEN = "< image >"
CANDIDATE_KEY = "yes_no_candidate"


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
        return cls(spec, seed, compiled, {key: rfps_for(spec, key) for key in keys})


def render(sample: Sample, draft: Draft, deal: int, ctx: RenderContext) -> Rendered:
    """`deal`: multiple_choice, the place of the gold option; yes_no with a wrong candidate, 1 for yes and 0 for no.

    It is ignored where the draft leaves nothing to deal (fixed order, the question's own polarity, other styles).
    """
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
    rfps = ctx.rfps[key]
    rfp = rfps[xxhash.xxh3_64_intdigest(f"{ctx.seed}:{sample.source_id}:{style}:rfp".encode()) % len(rfps)]
    question = draft.question or sample.question
    template = ctx.templates[style]
    prompt, response = template.render(
        {
            "question": question,
            "context": sample.context,
            "options": list(zip(LETTERS, options, strict=False)) if options else [],
            "candidate": candidate,
            "rfp": rfp,
            "letter": letter,
            "answer": answer,
            "text": draft.text,
        }
    )
    if IMAGE_TOKEN in prompt:
        prompt = make_inert(prompt)
    if IMAGE_TOKEN in response:
        response = make_inert(response)
    prompt = f"{IMAGE_TOKEN}\n" * len(sample.images) + prompt
    return Rendered(question, options, candidate or None, rfp, prompt, response, gold, template.reference)


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
