"""Puts the questions to a model through the rewriter's client: any OpenAI-compatible server, vLLM, or one started here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from asd.errors import ServerError, SourceError
from asd.probing.items import ProbeItem
from asd.rewrite.image_input import ImageInputError, encode_image
from asd.rewrite.open_model import ask_each, open_model, run_to_end
from asd.rewrite.request import Completion, CompletionRequest, Refusal
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
    """The items with their answers; greedy, no schema, no word but the prompt. None where the server gave none.

    beside: folder that image paths are relative to. Raises: SourceError for images that are not there, RewriterError.
    """

    async def work() -> list[ProbeItem]:
        async with open_model(settings, say) as complete:
            if any(item.images for item in items) and not complete.images:
                raise SourceError(
                    f"{settings.model_name} takes no images, and {sum(bool(item.images) for item in items)} of the questions "
                    "have some. Ask `asd probe questions --text-only` ones, or serve a model that sees."
                )

            async def ask_one(place: int) -> Completion | Refusal:
                return await complete(await asyncio.to_thread(_request, items[place], beside, settings))

            return _answered(items, await ask_each(len(items), ask_one, settings.max_in_flight, advance))

    return run_to_end(work)


def _answered(items: Sequence[ProbeItem], replies: Sequence[Completion | Refusal]) -> list[ProbeItem]:
    """A question that the server would not, or could not, answer was not asked: it says nothing of the model.

    Raises: ServerError where that is so of every question.
    """
    refusals = [reply for reply in replies if isinstance(reply, Refusal)]
    if refusals and len(refusals) == len(replies):
        first = f"{refusals[0].reason}: {refusals[0].detail}".removesuffix(": ")
        raise ServerError(
            f"none of the {len(replies)} questions was answered; the first: {first}. Look at the server, and run again."
        )
    return [
        item.model_copy(update={"answer": None if isinstance(reply, Refusal) else reply.text})
        for item, reply in zip(items, replies, strict=True)
    ]


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
