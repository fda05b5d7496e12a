"""Dry run of the rewriter: the requests that a conversion would send, without sending any.

Every reply is taken for a good one at the first try, so the numbers are those of a run without re-asking. Tokens of
prompts are estimated from their lengths, tokens of replies from the lengths that the prompts ask for.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asd.conversion.config import ConvertConfig
from asd.conversion.prepare import prepare
from asd.conversion.progress import Progress, SilentProgress
from asd.conversion.run import ConversionRun
from asd.engines.local import LocalEngine
from asd.makers.maker_context import MakerContext
from asd.records import Decline, Draft, Sample
from asd.rewrite.cache import RequestCache
from asd.rewrite.request import Completion, CompletionRequest, Refusal
from asd.rewrite.rewriter import RewriteProvenance, Rewriter, Rewritten
from asd.rewrite.settings import RewriterSettings
from asd.schemas.styles import AnswerStyle, Maker
from asd.styles.table import writing_of
from asd.work.rewriting import Asking, build_rewriter
from asd.work.rewriting_rows import RowDrafter
from asd.work.worker import Worker

JUDGE_REPLY_TOKENS = 8


@dataclass
class PlannedRequests:
    """The requests that would be sent. Tokens of a judge's requests, if there is one, are in the totals."""

    by_style: Counter[str] = field(default_factory=Counter)
    cached: int = 0
    """Requests whose reply is in the cache, which cost nothing."""
    images: int = 0
    judge_requests: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    largest_prompt: int = 0
    prompts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Style -> the first prompts, whole."""


class PlanningRewriter:
    """Counts the request that the rewriter would send for a sample, and takes its reply for a good one."""

    def __init__(
        self, rewriter: Rewriter, settings: RewriterSettings, num_prompts: int, planned: PlannedRequests
    ) -> None:
        """The counts are added to `planned`."""
        self._rewriter, self._settings, self._num_prompts = rewriter, settings, num_prompts
        self._model = settings.model_name, settings.model_revision
        self.planned = planned
        self._cache = RequestCache(settings.cache_path()) if settings.cache_path().is_file() else None

    async def draft(self, sample: Sample, style: AnswerStyle, ctx: MakerContext) -> Rewritten | Decline:
        request = await self._rewriter.first_request(sample, style, ctx)
        if isinstance(request, Decline):
            return request
        self._count(sample, style, request)
        wrong = [""] * writing_of(style).num_distractors
        made = Draft(style, Maker.REWRITER, sample.gold, options=[sample.gold, *wrong], wrong="-")
        return Rewritten(made, RewriteProvenance("", "", request.template, 1, (), 0, 0, ()))

    async def draft_group(
        self, samples: Sequence[Sample], style: AnswerStyle, ctx: MakerContext
    ) -> list[Rewritten | Decline]:
        return [await self.draft(sample, style, ctx) for sample in samples]

    def close(self) -> None:
        if self._cache is not None:
            self._cache.close()

    def _count(self, sample: Sample, style: AnswerStyle, request: CompletionRequest) -> None:
        planned = self.planned
        planned.by_style[style.value] += 1
        shown = planned.prompts.setdefault(style.value, [])
        if len(shown) < self._num_prompts:
            shown.append(_describe(sample, request))
        planned.largest_prompt = max(planned.largest_prompt, request.weight)
        key = request.key(*self._model)
        if self._cache is not None and self._cache.get(key) is not None:
            planned.cached += 1
            return
        planned.images += len(request.images)
        planned.prompt_tokens += request.weight
        planned.reply_tokens += writing_of(style).usual_reply_tokens
        if self._settings.judge != "off":
            planned.judge_requests += 1
            planned.prompt_tokens += request.weight
            planned.reply_tokens += JUDGE_REPLY_TOKENS


def _describe(sample: Sample, request: CompletionRequest) -> dict[str, Any]:
    return {
        "source_id": sample.source_id,
        "template": request.template,
        "images": [image.sha256 for image in request.images],
        "system": request.system,
        "user": request.user,
        "schema": request.schema,
    }


async def _never_asked(request: CompletionRequest) -> Completion | Refusal:
    raise AssertionError("a dry run sends nothing")


def counting_engine(workers: int | None, num_prompts: int = 0) -> tuple[LocalEngine, PlannedRequests]:
    """An engine that asks no model: the requests of its conversions are counted."""
    planned = PlannedRequests()

    @asynccontextmanager
    async def counting(worker: Worker, settings: RewriterSettings) -> AsyncIterator[Asking]:
        rewriter = build_rewriter(worker, settings, _never_asked, takes_images=settings.images != "never")
        counted = PlanningRewriter(rewriter, settings, num_prompts, planned)
        yield Asking(RowDrafter(worker, counted, settings, checks_texts=False))

    return LocalEngine(workers, counting), planned


def plan_requests(config: ConvertConfig, progress: Progress | None = None, *, num_prompts: int = 1) -> dict[str, Any]:
    """Count what the rewriter of `config` would be asked, JSON-ready. Contacts no server.

    num_prompts: prompts to show in full, per style.
    """
    settings = config.rewriter
    assert settings is not None
    progress = progress or SilentProgress()
    with tempfile.TemporaryDirectory(prefix="asd-plan-") as folder:
        prepared = prepare(config, Path(folder))
        for note in prepared.notes:
            progress.say(note)
        engine, planned = counting_engine(config.workers, num_prompts)
        counts, _, _ = ConversionRun(prepared, Path(folder), engine, progress).plan_only()
    return {
        "task": prepared.spec.name,
        "source": "the embedded sample" if prepared.resolved.kind == "embedded" else prepared.resolved.location,
        "version": prepared.version,
        "model": settings.model_name,
        "revision": settings.model_revision,
        "samples": counts.samples,
        "converted": counts.converted,
        "requests": sum(planned.by_style.values()),
        "requests_by_style": dict(sorted(planned.by_style.items())),
        "cached": planned.cached,
        "judge_requests": planned.judge_requests,
        "images": planned.images,
        "prompt_tokens": planned.prompt_tokens,
        "reply_tokens": planned.reply_tokens,
        "largest_prompt_tokens": planned.largest_prompt,
        "cost": _cost(planned, settings),
        "prompts": planned.prompts,
    }


def _cost(planned: PlannedRequests, settings: RewriterSettings) -> float | None:
    if settings.price_in is None or settings.price_out is None:
        return None
    return (planned.prompt_tokens * settings.price_in + planned.reply_tokens * settings.price_out) / 1e6
