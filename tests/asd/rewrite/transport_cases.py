"""Requests and settings for tests of the way to a server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from asd.rewrite.backoff import Pace
from asd.rewrite.completions import Completions
from asd.rewrite.request import Completion, CompletionRequest, ImageInput, Refusal, Sampling
from asd.rewrite.settings import RewriterSettings
from tests.servers.running import RunningServer

SCHEMA = {
    "type": "object",
    "properties": {"wrong": {"type": "string"}},
    "required": ["wrong"],
    "additionalProperties": False,
}
QUICK = Pace(
    first_s=0.01,
    most_s=0.05,
    breaker_after_s=0.3,
    breaker_first_s=0.1,
    breaker_most_s=0.3,
    probe_first_s=0.05,
    probe_most_s=0.1,
    metrics_s=0.05,
    drain_s=1.0,
)


def request_about(answer: str, **changes: Any) -> CompletionRequest:
    fields: dict[str, Any] = {
        "system": "Write a wrong answer.",
        "user": f'<q>\n{{"question": "What is it?", "answer": "{answer}"}}\n</q>',
        "images": (),
        "schema": SCHEMA,
        "schema_name": "yes_no",
        "template": "rewrite/yes_no/vqa@0123456789ab",
        "sampling": Sampling(max_tokens=64),
    }
    return CompletionRequest(**{**fields, **changes})


def an_image() -> ImageInput:
    return ImageInput("ab" * 32, "data:image/png;base64,iVBORw0KGgo=")


def settings_for(tmp_path: Path, *servers: RunningServer, **changes: Any) -> RewriterSettings:
    fields: dict[str, Any] = {
        "kind": "openai",
        "model": "scripted",
        "base_urls": tuple(server.base_url for server in servers),
        "cache": tmp_path / "cache.sqlite",
        "timeout_s": 5.0,
        "outage_s": 20.0,
        "images": "never",
    }
    return RewriterSettings(**{**fields, **changes})


async def ask_all(complete: Completions, answers: Iterable[str], at_once: int = 64) -> dict[str, Completion | Refusal]:
    """Replies by answer."""
    replies: dict[str, Completion | Refusal] = {}
    waiting = iter(answers)

    async def work() -> None:
        for answer in waiting:
            replies[answer] = await complete(request_about(answer))

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return replies


def texts(replies: dict[str, Completion | Refusal]) -> dict[str, str]:
    """Of completions; a refusal fails the test."""
    assert all(isinstance(reply, Completion) for reply in replies.values())
    return {answer: reply.text for answer, reply in replies.items() if isinstance(reply, Completion)}


def names(count: int) -> list[str]:
    return [f"thing {number}" for number in range(count)]
