"""The door to a language model: a reply comes from the cache, from a twin in flight, or from a server.

`open_completions` looks at the servers first, so that a wrong key or model is found before any work.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from asd.errors import BudgetError, CacheError, ServerError, StorageError, UsageError
from asd.rewrite.api_key import NO_KEY, ApiKey, read_api_key
from asd.rewrite.backoff import Pace
from asd.rewrite.budget import Budget
from asd.rewrite.cache import Entry, RequestCache
from asd.rewrite.request import Complete, Completion, CompletionRequest, Refusal
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.stats import RunStats

if TYPE_CHECKING:
    from asd.rewrite.transport import Answer, Transport

Say = Callable[[str], None]
_LOCAL = ("localhost", "127.0.0.1", "::1")


class ReplyStore(Protocol):
    """What is kept of replies, and where: a `RequestCache`, or one on another machine."""

    @property
    def path(self) -> Path: ...

    def get(self, key: str) -> Entry | None:
        """What is at hand without waiting."""

    async def find(self, key: str) -> Entry | None:
        """What `get` does not see. Raises: CacheError."""

    async def put(self, entry: Entry) -> Entry:
        """As `RequestCache.put`."""

    def facts(self, model: str) -> dict[str, bool] | None: ...
    def set_facts(self, model: str, facts: dict[str, bool]) -> None: ...
    def models(self) -> list[str]: ...
    def close(self) -> None: ...


class Completions:
    """Satisfies `Complete`. `structured`: the server binds replies to the schema; `images`: it takes them."""

    def __init__(self, settings: RewriterSettings, cache: ReplyStore, stats: RunStats) -> None:
        self.cache, self.stats = cache, stats
        self.structured = self.images = True
        self.context: int | None = None
        """Tokens of prompt and reply together, where the server tells."""
        self._model, self._revision = settings.model_name, settings.model_revision
        self.model_id = f"{self._model}@{self._revision}"
        self._transport: Transport | None = None
        self._in_flight: dict[str, asyncio.Task[Completion | Refusal]] = {}

    async def __call__(self, request: CompletionRequest) -> Completion | Refusal:
        """Raises: RewriterError where the run has to stop."""
        self.stats.requests += 1
        key = request.key(self._model, self._revision)
        task = self._in_flight.get(key)
        if task is None:
            if (known := self._take(self.cache.get(key))) is not None:
                return known
            task = self._begin(request, key)
        else:
            self.stats.merged += 1
        # Shielded: whoever else waits for the reply gets it, and a reply that is paid for reaches the cache.
        return await asyncio.shield(task)

    def attach(self, transport: Transport | None, *, structured: bool, images: bool, context: int | None) -> None:
        """transport: None to answer from the cache alone."""
        self._transport, self.structured, self.images, self.context = transport, structured, images, context

    def key(self, request: CompletionRequest) -> str:
        return request.key(self._model, self._revision)

    async def close(self, drain_s: float) -> None:
        """Wait for replies in flight, at most `drain_s` seconds; nothing new is sent."""
        if self._transport is None:
            return
        self._transport.stop(ServerError("the rewriter is closed"))
        if self._in_flight:
            await asyncio.wait(self._in_flight.values(), timeout=drain_s)
        for task in list(self._in_flight.values()):
            task.cancel()
        await asyncio.gather(*self._in_flight.values(), return_exceptions=True)
        await self._transport.close()

    def _begin(self, request: CompletionRequest, key: str) -> asyncio.Task[Completion | Refusal]:
        task = asyncio.get_running_loop().create_task(self._ask(request, key))
        self._in_flight[key] = task
        task.add_done_callback(lambda done: self._end(key, done))
        return task

    def _end(self, key: str, task: asyncio.Task[Completion | Refusal]) -> None:
        del self._in_flight[key]
        if not task.cancelled():
            task.exception()  # seen here even if everyone who waited for it is gone

    def _take(self, entry: Entry | None) -> Completion | Refusal | None:
        """What an entry answers; None where a server is to be asked."""
        if entry is None or (entry.status == "passing" and self._transport is not None):
            return None
        self.stats.cache_hits += 1
        return _from_cache(entry)

    async def _ask(self, request: CompletionRequest, key: str) -> Completion | Refusal:
        if (known := self._take(await self.cache.find(key))) is not None:
            return known
        if self._transport is None:
            raise CacheError(
                f"{self.cache.path}: the reply to a request of {request.template} to {self.model_id} is missing, and "
                "no server may be asked (kind: cache). The data, the templates or the settings are not those that the "
                "cache was made with; or give a server, which is asked for what is missing"
            )
        async with self._transport.ask(request, key) as answer:
            try:
                stored = await self._keep(answer, key)
            except (CacheError, StorageError) as error:
                self._transport.stop(CacheError(str(error)))  # what is asked from now on would be lost, too
                raise
        return answer.result if stored is None else _from_cache(stored)

    async def _keep(self, answer: Answer, key: str) -> Entry | None:
        """Store it; the entry of another process if that was first."""
        result = answer.result
        if isinstance(result, Refusal):
            status = "passing" if answer.passing else "refusal"
            entry = Entry(key, status, result.detail, result.reason, 0, 0, self.model_id)
        else:
            tokens = (result.prompt_tokens, result.completion_tokens)
            entry = Entry(key, "reply", result.text, result.finish_reason, *tokens, self.model_id)
        stored = await self.cache.put(entry)
        return None if stored is entry else stored


@asynccontextmanager
async def open_completions(
    settings: RewriterSettings,
    say: Say | None = None,
    *,
    base_urls: Sequence[str] | None = None,
    engine: Complete | None = None,
    pace: Pace | None = None,
    stats: RunStats | None = None,
    is_long: bool = True,
    cache: ReplyStore | None = None,
) -> AsyncIterator[Completions]:
    """Check the servers, then complete requests until the block ends.

    base_urls: instead of those of the settings, for a server of one's own. engine: answers in this process instead of
    servers. is_long: whether tuning the garbage collector pays; False for a look at the servers. cache: instead of the
    file of the settings; it is closed at the end.
    Replies that are in flight when the block ends in a BudgetError are waited for: they are paid.
    Raises: KeyRefusedError, PreflightError, ServerError, CacheError before any work.
    """
    pace = pace or Pace()
    stats = stats or RunStats(price_in=settings.price_in, price_out=settings.price_out)
    cache = cache or RequestCache(settings.cache_path())
    drain_s = pace.drain_s
    try:
        completions = Completions(settings, cache, stats)
        await _connect(completions, settings, say or (lambda text: None), base_urls, engine, pace)
        # What lives by now lives to the end; looking through it at every collection took an eighth of the CPU.
        if is_long:
            gc.collect()
            gc.freeze()
        try:
            yield completions
        except BaseException as error:
            drain_s = settings.timeout_s if _is_budget(error) else pace.drain_s
            raise
        finally:
            if is_long:
                gc.unfreeze()
            await completions.close(drain_s)
    finally:
        cache.close()


def _is_budget(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_is_budget(inner) for inner in error.exceptions)
    return isinstance(error, BudgetError)


async def _connect(
    completions: Completions,
    settings: RewriterSettings,
    say: Say,
    base_urls: Sequence[str] | None,
    engine: Complete | None,
    pace: Pace,
) -> None:
    urls = tuple(base_urls if base_urls is not None else settings.base_urls)
    if settings.kind == "cache":
        _replay(completions, settings)
    elif engine is not None:
        _attach_engine(completions, settings, engine)
    elif urls:
        await _attach_servers(completions, settings, say, urls, pace)
    else:
        raise UsageError(f"rewriter {settings.kind}: no server to ask; give its base URL (base_urls)")


def _replay(completions: Completions, settings: RewriterSettings) -> None:
    """Nothing is contacted; what the server could do is known from when the replies were made."""
    facts = completions.cache.facts(completions.model_id)
    if facts is None:
        raise CacheError(
            f"{completions.cache.path} holds no replies of {completions.model_id}; it holds: "
            f"{', '.join(completions.cache.models()) or 'none'}. Name that model and revision, or import a cache"
        )
    images = settings.images != "never" and facts.get("images", False)
    completions.attach(None, structured=facts.get("structured", True), images=images, context=None)


def _attach_engine(completions: Completions, settings: RewriterSettings, engine: Complete) -> None:
    try:
        from asd.rewrite.transport import EngineTransport
    except ImportError as error:
        raise _extra_missing(error) from None
    images = settings.images != "never" and bool(getattr(engine, "images", False))
    structured = bool(getattr(engine, "structured", True))
    _remember(completions, settings, structured=structured, images=images)
    transport = EngineTransport(engine, settings, completions.stats)
    completions.attach(transport, structured=structured, images=images, context=getattr(engine, "context", None))


async def _attach_servers(
    completions: Completions, settings: RewriterSettings, say: Say, urls: Sequence[str], pace: Pace
) -> None:
    """Raises: what the preflight finds."""
    try:
        from asd.rewrite.endpoints import Endpoint, Fleet
        from asd.rewrite.openai_client import ChatClient
        from asd.rewrite.preflight import preflight, probe_request
        from asd.rewrite.throttle import Throttle
        from asd.rewrite.transport import HttpTransport
    except ImportError as error:
        raise _extra_missing(error) from None
    key = read_api_key(settings.api_key_env, settings.api_key_file)
    _warn_of_plain_http(key, urls, say)
    clients = [ChatClient(url, key, settings.timeout_s) for url in urls]
    try:
        facts = await preflight(clients, settings, pace)
        structured = facts.dialect.structured
        _remember(completions, settings, structured=structured, images=facts.images)
    except BaseException:
        await asyncio.gather(*(client.close() for client in clients))
        raise
    endpoints = [Endpoint(client, Throttle(settings.max_in_flight), reports_queue=facts.is_vllm) for client in clients]
    budget = Budget(settings, completions.stats)
    fleet = Fleet(endpoints, settings.max_in_flight, settings.outage_s, pace, budget, completions.stats, say)
    fleet.watch_queues()
    transport = HttpTransport(fleet, facts.dialect, pace, completions.stats, probe_request(settings))
    if not structured:
        say(f"{settings.model_name} takes no JSON schema: replies are parsed and repaired instead")
    if settings.images == "auto" and not facts.images:
        say(f"{settings.model_name} takes no images: prompts carry text alone")
    completions.attach(transport, structured=structured, images=facts.images, context=facts.context)


def _extra_missing(error: ImportError) -> UsageError:
    return UsageError(f"the rewriter needs {error.name}: pip install 'asd-mcit[rewrite]'")


def _remember(completions: Completions, settings: RewriterSettings, *, structured: bool, images: bool) -> None:
    """For replays. What was not looked at stays as it was known."""
    facts = {**(completions.cache.facts(completions.model_id) or {}), "structured": structured}
    if settings.images != "never":
        facts["images"] = images
    completions.cache.set_facts(completions.model_id, facts)


def _warn_of_plain_http(key: ApiKey, urls: Sequence[str], say: Say) -> None:
    for url in urls:
        parts = urlsplit(url)
        if key.reveal() != NO_KEY and parts.scheme == "http" and parts.hostname not in _LOCAL:
            say(f"{url} is plain HTTP: the API key and the prompts travel unencrypted")


def _from_cache(entry: Entry) -> Completion | Refusal:
    if entry.status != "reply":
        return Refusal(entry.finish_reason, entry.text)
    tokens = (entry.prompt_tokens, entry.completion_tokens)
    return Completion(entry.text, entry.finish_reason, *tokens, entry.key, cached=True)
