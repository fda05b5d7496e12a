"""Samples and a scripted model for the tests of the rewriter's content (transport has real servers of its own)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from asd.makers.maker_context import MakerContext
from asd.records import Sample
from asd.rewrite.request import Completion, CompletionRequest, Refusal
from asd.rewrite.rewriter import Rewriter
from asd.rewrite.settings import RewriterSettings
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.templating import TemplateSet

Answer = Callable[[CompletionRequest], str | dict[str, Any] | Completion | Refusal]


def make_spec(family: str = "vqa", **changes: Any) -> TaskSpec:
    styles = {style: [Maker.FIELD, Maker.REWRITER] for style in TARGET_STYLES}
    fields: dict[str, Any] = {
        "name": "toy",
        "title": "Toy",
        "family": family,
        "native_style": AnswerStyle.FREE_FORM,
        "styles": styles,
        "scorer": "exact_match",
        "licence": "CC0",
        "citation": "none",
    }
    return TaskSpec(**fields | changes)


def make_sample(question: str = "What fruit lies in the bowl?", gold: str = "apple", **changes: Any) -> Sample:
    fields: dict[str, Any] = {"source_id": "s1", "accepted": [gold]}
    return Sample(question=question, gold=gold, **fields | changes)


def make_settings(**changes: Any) -> RewriterSettings:
    return RewriterSettings(**{"kind": "cache", "model": "tiny", "revision": "r1"} | changes)


class ScriptedModel:
    """Answers in turn with the given replies (the last one again and again), and keeps the requests."""

    def __init__(self, *replies: str | dict[str, Any] | Completion | Refusal | Answer) -> None:
        self.replies = list(replies)
        self.requests: list[CompletionRequest] = []

    async def __call__(self, request: CompletionRequest) -> Completion | Refusal:
        reply = self.replies[min(len(self.requests), len(self.replies) - 1)]
        self.requests.append(request)
        if callable(reply):
            reply = reply(request)
        if isinstance(reply, Completion | Refusal):
            return reply
        text = reply if isinstance(reply, str) else json.dumps(reply)
        return Completion(text, "stop", 100, 10, request.key("tiny", "r1"))


def told(request: CompletionRequest) -> dict[str, Any]:
    """The data block of a request, parsed."""
    block = request.user.split("<q>\n", 1)[1].split("\n</q>", 1)[0]
    data = json.loads(block)
    assert isinstance(data, dict)
    return data


def make_rewriter(
    model: ScriptedModel, family: str = "vqa", image_root: Any = None, **settings: Any
) -> tuple[Rewriter, MakerContext]:
    spec = make_spec(family)
    rewriter = Rewriter(spec, 0, make_settings(**settings), TemplateSet(), model, image_root)
    return rewriter, MakerContext(spec, 0)
