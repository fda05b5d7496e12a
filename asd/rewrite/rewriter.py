"""The rewriter: asks a language model for the content of a style, checks every reply, and asks again with the reason.

What comes out depends on the sample, the settings, the templates and the replies alone, not on timing or order. A
sample for which no reply passes is declined, with the last failed check as the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asd.makers.maker_context import MakerContext
from asd.records import Decline, Draft, Sample
from asd.rewrite.content import check_names, read_content, reply_model
from asd.rewrite.image_input import EncodedImage, ImageEncoder
from asd.rewrite.meaning_checks import Problem
from asd.rewrite.prompts import JUDGE, SELF, Prompt, PromptSet, PromptValues
from asd.rewrite.reply_text import Unparsed, parse_batch, parse_reply
from asd.rewrite.request import Complete, Completion, CompletionRequest, Refusal
from asd.rewrite.rewritten import JudgeView, RewriteProvenance, Rewritten
from asd.rewrite.sample_data import as_block, describe_sample, may_sway_others
from asd.rewrite.second_opinion import MAX_TOKENS as JUDGE_TOKENS
from asd.rewrite.second_opinion import Question
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.writable import DESCRIBED_FAMILIES, find_decline
from asd.schemas.reply_models import ReplyModel, batch_schema, reply_form, schema_of
from asd.schemas.styles import AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.styles.table import STYLES, writing_of
from asd.templating import TemplateSet

__all__ = ["RewriteProvenance", "Rewriter", "Rewritten"]

CHARS_PER_TOKEN = 4
_ANSWER = ("answer", "also_accepted")
MAX_EARLIER, MAX_TOLD = 200, 3
"""Characters of a refused reply that are shown again, and problems of it that are told."""


@dataclass(slots=True)
class _Job:
    """One sample on its way to a draft: what is asked, and what was tried."""

    sample: Sample
    style: AnswerStyle
    ctx: MakerContext
    images: tuple[EncodedImage, ...]
    prompt: Prompt
    values: PromptValues
    data: dict[str, Any]
    model: type[ReplyModel]
    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    keys: list[str] = field(default_factory=list)
    earlier: str = ""
    problems: list[Problem] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Wrong answers that passed, of replies that had too few of them."""
    unaided: Prompt | None = None
    """What the model to be tuned is asked first: without the answer."""
    is_told: bool = False
    """Whether problems are of a reply to `prompt`, and so may be told in it."""

    @property
    def asked(self) -> Prompt:
        """The prompt of the next try, or of the one that is being read."""
        return self.unaided or self.prompt

    def spend(self, completion: Completion, tokens: tuple[int, int] | None = None) -> None:
        prompt_tokens, completion_tokens = tokens or (completion.prompt_tokens, completion.completion_tokens)
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        self.keys.append(completion.key)


class Rewriter:
    """Writes drafts for samples of one task. Check `templates` first (`PromptSet.check`).

    `takes_images`: whether the model does, where that is known. `failed_checks` counts every failed check of a reply
    by slug, those included that a later try mended; `judged` counts the judge's views.
    """

    def __init__(
        self,
        spec: TaskSpec,
        seed: int,
        settings: RewriterSettings,
        templates: TemplateSet,
        complete: Complete,
        image_root: Path | None,
        *,
        takes_images: bool = True,
    ) -> None:
        self._spec, self._seed, self._settings, self._complete = spec, seed, settings, complete
        self._prompts = PromptSet(templates)
        mode = settings.images if takes_images else "never"
        self._images = ImageEncoder(image_root, mode, settings.image_max_side)
        self._model, self._revision = settings.model_name, settings.model_revision
        self.failed_checks: Counter[str] = Counter()
        self.judged: Counter[JudgeView] = Counter()

    async def draft(self, sample: Sample, style: AnswerStyle, ctx: MakerContext) -> Rewritten | Decline:
        """Raises: what `complete` raises where the run has to stop."""
        job = await self._prepare(sample, style, ctx)
        return job if isinstance(job, Decline) else await self._pursue(job)

    async def draft_group(
        self, samples: Sequence[Sample], style: AnswerStyle, ctx: MakerContext
    ) -> list[Rewritten | Decline]:
        """`draft` of each, several questions of the same images in one request; those whose part of the reply fails
        are asked again by themselves. As many share a request as the settings and the reply's tokens allow; a sample
        that reads like orders to the model shares none."""
        results: dict[int, Rewritten | Decline] = {}
        waiting: dict[tuple[object, ...], list[tuple[int, _Job]]] = {}
        for place, sample in enumerate(samples):
            job = await self._prepare(sample, style, ctx)
            if isinstance(job, Decline):
                results[place] = job
            else:
                alone = place if may_sway_others(sample) else None
                key = (alone, *(image.input.sha256 for image in job.images))
                waiting.setdefault(key, []).append((place, job))
        for alike in waiting.values():
            for part in _chunks(alike, self._group_size(style)):
                made = await self._pursue_group([job for _, job in part])
                results |= {place: result for (place, _), result in zip(part, made, strict=True)}
        return [results[place] for place in range(len(samples))]

    async def first_request(self, sample: Sample, style: AnswerStyle, ctx: MakerContext) -> CompletionRequest | Decline:
        """The request that `draft` would send first: for dry runs."""
        job = await self._prepare(sample, style, ctx)
        return job if isinstance(job, Decline) else self._request(job)

    async def _prepare(self, sample: Sample, style: AnswerStyle, ctx: MakerContext) -> _Job | Decline:
        declined = find_decline(sample, style, ctx)
        if declined is not None:
            return declined
        images = await self._images.encode_all(sample.images)
        if isinstance(images, Decline):
            return images
        family = self._spec.family
        if not images and family in DESCRIBED_FAMILIES and style is AnswerStyle.DETAILED_EXPLANATION:
            return Decline("needs_image", "a detailed description without its image would be made up")
        writing = writing_of(style)
        values = PromptValues(bool(images), writing.num_distractors or 1, *(writing.band or (0, 0, 0)))
        data = describe_sample(sample, style, family, _size(images))
        prompt = self._prompts.get(style.value, family)
        job = _Job(sample, style, ctx, images, prompt, values, data, reply_model(style, family))
        if self._settings.maker == "self":
            data.pop("notes", None)  # its words are to be its own
            job.unaided = None if family in DESCRIBED_FAMILIES else self._prompts.get(SELF, style.value)
        return job

    async def _pursue(self, job: _Job) -> Rewritten | Decline:
        """Asks until a reply passes or the attempts are used up."""
        while job.attempts < self._settings.attempts:
            completion = await self._complete(self._request(job))
            if isinstance(completion, Refusal):
                return Decline(f"server_{completion.reason.removeprefix('server_')}", completion.detail)
            job.spend(completion)
            if completion.finish_reason == "length":
                self._note(job, completion.text, [Problem("cut_off", "The reply was too long; write less.")])
                continue
            made = await self._read(job, completion.text, parse_reply(completion.text, job.model))
            if made is not None:
                return made
        return self._give_up(job)

    async def _read(self, job: _Job, text: str, reply: ReplyModel | Unparsed) -> Rewritten | None:
        """The draft of a reply; None where it fails, which is then noted in the job."""
        if isinstance(reply, Unparsed):
            self._note(job, text, [Problem(reply.reason, f"The reply could not be read: {reply.detail}.")])
            return None
        shown = ", ".join(map(str, reply.model_dump().values()))
        content = read_content(reply, job.sample, job.style, job.ctx, job.kept)
        if not isinstance(content, Draft):
            self._note(job, shown, content)
            return None
        if self._settings.maker == "self":
            content.maker = Maker.SELF
        view, problem = await self._judge(job, content)
        if problem is not None:
            self._note(job, shown, [problem])
            job.kept.clear()
            return None
        job.attempts += 1
        return Rewritten(content, self._provenance(job, view))

    async def _judge(self, job: _Job, draft: Draft) -> tuple[JudgeView, Problem | None]:
        if self._settings.judge == "off":
            return "off", None
        question = Question(job.sample, draft, self._spec.family, self._seed, _size(job.images))
        prompt = self._prompts.get(JUDGE, question.template)
        completion = await self._complete(
            self._as_request(
                prompt,
                PromptValues(bool(job.images)),
                question.data,
                schema_of(question.model),
                reply_form(question.model),
                job.images,
                JUDGE_TOKENS,
                "judge",
            )
        )
        view: JudgeView = "unclear"
        if isinstance(completion, Completion):
            job.spend(completion)
            view = question.read(completion.text)
        self.judged[view] += 1
        if view == "disagrees" and self._settings.judge == "reject":
            return view, Problem("judge_disagrees", question.problem())
        return view, None

    async def _pursue_group(self, jobs: list[_Job]) -> list[Rewritten | Decline]:
        if len(jobs) == 1:
            return [await self._pursue(jobs[0])]
        completion = await self._complete(self._group_request(jobs))
        replies: list[Any] = [None] * len(jobs)
        if isinstance(completion, Completion):
            for job, tokens in zip(jobs, _shares(completion, len(jobs)), strict=True):
                job.spend(completion, tokens)
            parsed = parse_batch(completion.text, jobs[0].model, len(jobs))
            if not isinstance(parsed, Unparsed) and completion.finish_reason != "length":
                replies = parsed
        return [await self._after_group(job, reply) for job, reply in zip(jobs, replies, strict=True)]

    async def _after_group(self, job: _Job, reply: ReplyModel | Unparsed | None) -> Rewritten | Decline:
        """A reply that could not be read at all costs a question none of its own attempts."""
        made = None if reply is None or isinstance(reply, Unparsed) else await self._read(job, "", reply)
        return made if made is not None else await self._pursue(job)

    def _request(self, job: _Job) -> CompletionRequest:
        data = job.data
        if job.unaided is not None:
            data = {name: value for name, value in data.items() if name not in _ANSWER}
        elif job.problems and job.is_told:
            data = {**data, "earlier_reply": job.earlier, "problems": _told(job.problems), "attempt": job.attempts + 1}
        schema, form = schema_of(job.model), reply_form(job.model)
        tokens, is_retry = writing_of(job.style).max_reply_tokens, "problems" in data
        return self._as_request(
            job.asked, job.values, data, schema, form, job.images, tokens, job.style.value, is_retry=is_retry
        )

    def _group_request(self, jobs: list[_Job]) -> CompletionRequest:
        first, count = jobs[0], len(jobs)
        schema = batch_schema(first.model, count)
        data = {key: job.data for key, job in zip(schema["required"], jobs, strict=True)}
        form, tokens = reply_form(first.model, count), writing_of(first.style).max_reply_tokens * count
        name = f"{first.style.value}_{count}"
        return self._as_request(
            first.prompt, first.values, data, schema, form, first.images, tokens, name, is_batch=True
        )

    def _as_request(
        self,
        prompt: Prompt,
        values: PromptValues,
        data: dict[str, Any],
        schema: dict[str, Any],
        form: str,
        images: tuple[EncodedImage, ...],
        max_tokens: int,
        name: str,
        *,
        is_batch: bool = False,
        is_retry: bool = False,
    ) -> CompletionRequest:
        system, user = prompt.render(values, as_block(data), form, is_batch=is_batch, is_retry=is_retry)
        weight = (len(system) + len(user)) // CHARS_PER_TOKEN + sum(image.weight for image in images)
        return CompletionRequest(
            system=system,
            user=user,
            images=tuple(image.input for image in images),
            schema=schema,
            schema_name=name,
            template=prompt.reference,
            sampling=self._settings.sampling.as_sampling(max_tokens, is_retry=is_retry),
            weight=weight,
        )

    def _note(self, job: _Job, text: str, problems: list[Problem]) -> None:
        job.attempts += 1
        job.is_told, job.unaided = job.unaided is None, None
        job.earlier, job.problems = text[:MAX_EARLIER], problems
        self.failed_checks.update(problem.slug for problem in problems if problem.slug)

    def _give_up(self, job: _Job) -> Decline:
        first = job.problems[0]
        return Decline(f"reply_{first.slug}", f"{job.attempts} tries; {first.sentence}")

    def _provenance(self, job: _Job, view: JudgeView) -> RewriteProvenance:
        return RewriteProvenance(
            self._model,
            self._revision,
            job.asked.reference,
            job.attempts,
            check_names(job.style),
            job.prompt_tokens,
            job.completion_tokens,
            tuple(job.keys),
            view,
        )

    def _group_size(self, style: AnswerStyle) -> int:
        writing = STYLES[style].written
        if writing is None:
            return 1
        if self._settings.maker == "self":
            return 1  # the first try is of one question alone
        by_tokens = self._settings.sampling.max_tokens // writing.max_reply_tokens
        return max(1, min(self._settings.group_by_image, by_tokens))


def _told(problems: list[Problem]) -> list[str]:
    """The first of them, each once, and whatever is no failed check."""
    failed = list(dict.fromkeys(problem.sentence for problem in problems if problem.slug))
    return [*failed[:MAX_TOLD], *(problem.sentence for problem in problems if not problem.slug)]


def _size(images: tuple[EncodedImage, ...]) -> tuple[int, int] | None:
    return images[0].size if images else None


def _chunks(jobs: list[tuple[int, _Job]], size: int) -> list[list[tuple[int, _Job]]]:
    return [jobs[start : start + size] for start in range(0, len(jobs), size)]


def _shares(completion: Completion, count: int) -> list[tuple[int, int]]:
    """The tokens of a reply to `count` questions, dealt so that they sum to the whole."""
    pairs = [divmod(total, count) for total in (completion.prompt_tokens, completion.completion_tokens)]
    (prompt, more_prompt), (reply, more_reply) = pairs
    return [(prompt + (place < more_prompt), reply + (place < more_reply)) for place in range(count)]
