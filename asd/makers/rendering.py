"""A draft becomes a prompt and a response: letters and polarity are dealt, wording is chosen, the template
is run.

Dealing is by running number, not by chance per row: every block of n multiple-choice drafts with n options
uses each letter once, every two free yes/no drafts hold one of each, so the counts are even whatever the
data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import xxhash

from asd.errors import TemplateError
from asd.makers.chinese import script_language
from asd.records import Draft, Sample
from asd.schemas.image_marks import MARK, make_inert
from asd.schemas.styles import CHINESE_VERDICTS, LETTERS, AnswerStyle
from asd.schemas.task import TaskSpec
from asd.styles.style_rows import Rendered, StyleRows, StyleTexts
from asd.styles.table import STYLES, target_of
from asd.styles.wording import VERDICTS, Wording
from asd.tasks.registry import rfps_for, rfps_in
from asd.templating import TemplateRowError, TemplateSet


class RenderContext(Wording):
    """What rendering needs of a task."""

    __slots__ = ()

    @classmethod
    def build(
        cls, spec: TaskSpec, seed: int, templates: TemplateSet, styles: Iterable[AnswerStyle] | None = None
    ) -> RenderContext:
        """For the task's target styles unless told otherwise. Raises: TemplateError, UnknownNameError."""
        wanted = list(spec.styles if styles is None else styles)
        compiled = {style: templates.get(style, spec.family) for style in wanted}
        keys = [key for style in wanted for key in STYLES[style].rfp_keys]
        return cls(spec, seed, compiled, {key: rfps_for(spec, key) for key in keys})


def render(sample: Sample, draft: Draft, deal: int, ctx: Wording) -> Rendered:
    """`deal`: multiple_choice, the place of the gold option; yes_no with a wrong candidate, 1 for yes and 0
    for no.

    It is ignored where the draft leaves nothing to deal (fixed order, the question's own polarity, other
    styles).
    """
    return render_all([sample], [draft], [deal], ctx)[0]


def render_all(
    samples: Sequence[Sample], drafts: Sequence[Draft], deals: Sequence[int], ctx: Wording
) -> list[Rendered]:
    """`render` of each sample; a template is run once for all rows of its style."""
    places: dict[AnswerStyle, list[int]] = {}
    for place, draft in enumerate(drafts):
        places.setdefault(draft.style, []).append(place)
    rendered: dict[int, Rendered] = {}
    for style, of_style in places.items():
        dealt = [deals[place] for place in of_style]
        rows = StyleRows.of([samples[place] for place in of_style], [drafts[place] for place in of_style])
        texts = render_style(style, reword(style, rows, dealt, ctx), dealt, ctx)
        reference = ctx.templates[style].reference
        rendered.update((place, texts.row(number, reference)) for number, place in enumerate(of_style))
    return [rendered[place] for place in range(len(drafts))]


def reword(style: AnswerStyle, rows: StyleRows, deals: Sequence[int], ctx: Wording) -> StyleRows:
    """The rows with the questions that their style asks in place of the samples' own, if it has any."""
    own_wording = target_of(style).reword
    return rows if own_wording is None else own_wording(rows, deals, ctx.spec.family)


def render_style(style: AnswerStyle, rows: StyleRows, deals: Sequence[int], ctx: Wording) -> StyleTexts:
    """`render` of rows that all take one style; rows: as `reword` gives them; deals: one for each row."""
    options, candidates, letters, golds, answers = target_of(style).deal(rows, deals)
    if style is AnswerStyle.YES_NO and ctx.verdicts != VERDICTS:
        answers = [ctx.verdicts[VERDICTS.index(answer)] for answer in answers]
    if style is AnswerStyle.YES_NO and rfps_in("zh", ctx.spec, style.value):
        answers = [
            answer if question.isascii() or script_language(question) != "zh" else CHINESE_VERDICTS[gold == "no"]
            for question, gold, answer in zip(rows.questions, golds, answers, strict=True)
        ]
    questions = [own or question for own, question in zip(rows.asked, rows.questions, strict=True)]
    rfps = _rfps(style, rows, ctx)
    lettered = [list(zip(LETTERS, texts, strict=False)) if texts else _NO_OPTIONS for texts in options]
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


def _rfps(style: AnswerStyle, rows: StyleRows, ctx: Wording) -> list[str]:
    """The response-format prompt of each row, chosen by its sample's id; in Chinese for a question in Chinese, unless the
    task has prompts of its own."""
    start, end = f"{ctx.seed}:", f":{style}:rfp"
    hashes = [xxhash.xxh3_64_intdigest(f"{start}{name}{end}".encode()) for name in rows.source_ids]
    usual, special = ctx.rfps[style.value], target_of(style).special_rfp
    own = [False] * len(hashes) if special is None else special.applies(rows, ctx.spec.family)
    key = style.value if special is None else special.key
    other = ctx.rfps[key]
    chosen = [
        other[number % len(other)] if is_special else usual[number % len(usual)]
        for number, is_special in zip(hashes, own, strict=True)
    ]
    for place, question in enumerate(rows.questions):
        if not question.isascii() and script_language(question) == "zh":
            name = key if own[place] else style.value
            texts = rfps_in("zh", ctx.spec, name)
            chosen[place] = texts[hashes[place] % len(texts)] if texts else chosen[place]
    return chosen


def make_all_inert(texts: list[str]) -> list[str]:
    return list(map(make_inert, texts)) if MARK in "\n".join(texts) else texts
