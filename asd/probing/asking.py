"""Puts the questions to a model through the rewriter's client: any OpenAI-compatible server, vLLM, or one started here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from asd.errors import SourceError
from asd.probing.items import ProbeItem
from asd.rewrite.image_input import ImageInputError, encode_image
from asd.rewrite.open_model import open_model, run_to_end
from asd.rewrite.request import Complete, CompletionRequest, Refusal
from asd.rewrite.settings import RewriterSettings
from asd.schemas.image_marks import strip_marks

MAX_TOKENS = 256
_TEMPLATE = "probe"
_CHARS_PER_TOKEN = 4

Say = Callable[[str], None]
Advance = Callable[[int], None]


def ask(
    items: Sequence[ProbeItem], beside: Path, settings: RewriterSettings, say: Say, advance: Advance
) -> list[ProbeItem]:
    """The items with their answers; greedy, no schema, no word but the prompt.

    beside: folder that image paths are relative to. Raises: SourceError for images that are not there, RewriterError.
    """

    async def work() -> list[ProbeItem]:
        async with open_model(settings, say) as complete:
            if any(item.images for item in items) and not complete.images:
                raise SourceError(
                    f"{settings.model_name} takes no images, and {sum(bool(item.images) for item in items)} of the questions "
                    "have some. Ask `asd probe questions --text-only` ones, or serve a model that sees."
                )
            return await _ask_all(items, beside, settings, complete, advance)

    return run_to_end(work)


async def _ask_all(
    items: Sequence[ProbeItem], beside: Path, settings: RewriterSettings, complete: Complete, advance: Advance
) -> list[ProbeItem]:
    answers: dict[int, str] = {}
    places = iter(range(len(items)))

    async def work() -> None:
        for place in places:
            request = await asyncio.to_thread(_request, items[place], beside, settings)
            reply = await complete(request)
            answers[place] = "" if isinstance(reply, Refusal) else reply.text
            advance(1)

    workers = [asyncio.create_task(work()) for _ in range(min(len(items), settings.max_in_flight))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*workers, return_exceptions=True)
    return [item.model_copy(update={"answer": answers[place]}) for place, item in enumerate(items)]


def _request(item: ProbeItem, beside: Path, settings: RewriterSettings) -> CompletionRequest:
    images = []
    for name in item.images:
        try:
            images.append(encode_image((beside / name).read_bytes(), settings.image_max_side).input)
        except (OSError, ImageInputError) as exc:
            raise SourceError(f"question {item.id}: its image {beside / name} cannot be read ({exc}).") from exc
    prompt = strip_marks(item.prompt).text
    sampling = settings.sampling.as_sampling()
    return CompletionRequest(
        "", prompt, tuple(images), {}, "", _TEMPLATE, sampling, weight=len(prompt) // _CHARS_PER_TOKEN
    )
