"""Reaching a language model, whichever way the settings name, from ordinary code too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from asd.rewrite.completions import Completions, ReplyStore, open_completions
from asd.rewrite.settings import RewriterSettings

Result = TypeVar("Result")


@asynccontextmanager
async def open_model(
    settings: RewriterSettings, say: Callable[[str], None], cache: ReplyStore | None = None
) -> AsyncIterator[Completions]:
    """The model that `settings` name, started if need be and stopped with the block. Raises: RewriterError.

    cache: instead of the file of the settings.
    """
    if settings.kind == "vllm-offline":
        from asd.rewrite.vllm_offline import open_offline

        async with open_offline(settings, say, cache) as complete:
            yield complete
    elif settings.kind == "vllm":
        from asd.rewrite.vllm_server import vllm_server

        async with (
            vllm_server(settings, say=say) as url,
            open_completions(settings, say, base_urls=[url], cache=cache) as complete,
        ):
            yield complete
    elif settings.kind == "llama-cpp":
        from asd.rewrite.llama_server import llama_server

        async with (
            llama_server(settings, say=say) as (url, asked),
            open_completions(asked, say, base_urls=[url], cache=cache) as complete,
        ):
            yield complete
    else:
        async with open_completions(settings, say, cache=cache) as complete:
            yield complete


def look_at_model(settings: RewriterSettings) -> None:
    """Whether a server, or the cache, can do the work; a server of one's own tells that when it starts, and of a GGUF
    file is looked at what can be seen from outside.

    Silent: what there is to say of it is said when the work begins.
    Raises: KeyRefusedError, PreflightError, ServerError, CacheError, UsageError.
    """

    async def look() -> None:
        async with open_completions(settings, is_long=False):
            pass

    if settings.kind in ("openai", "cache"):
        run_to_end(look)
    elif settings.kind == "llama-cpp":
        from asd.rewrite.llama_server import check_llama

        check_llama(settings)


async def ask_each(
    count: int, ask: Callable[[int], Awaitable[Result]], max_in_flight: int, advance: Callable[[int], None]
) -> list[Result]:
    """What `ask` gives for 0, 1, ..., in this order, at most `max_in_flight` of them asked at once.

    The first error ends it: what is in flight then is cancelled before the error is raised.
    """
    results: dict[int, Result] = {}
    places = iter(range(count))

    async def work() -> None:
        for place in places:
            results[place] = await ask(place)
            advance(1)

    workers = [asyncio.create_task(work()) for _ in range(min(count, max_in_flight))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [results[place] for place in range(count)]


def run_to_end(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine from ordinary code, also where an event loop runs already (in a notebook): there in a thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    outcome: list[Result | BaseException] = []

    def target() -> None:
        try:
            outcome.append(asyncio.run(work()))
        except BaseException as exc:
            outcome.append(exc)

    thread = threading.Thread(target=target, name="rewriting")
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
