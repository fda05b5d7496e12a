"""From a request to the reply that counts: sent, sent again, checked for its form, charged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import orjson
from jsonschema_rs import ValidationError, Validator, validator_for

from asd.errors import BudgetError, RewriterError, ServerError
from asd.rewrite.backoff import Pace
from asd.rewrite.budget import Budget
from asd.rewrite.endpoints import Fleet, Slot
from asd.rewrite.faults import DOUBTFUL, LOST, PATIENT, Fault, Refused
from asd.rewrite.openai_client import Dialect, Reply, request_body
from asd.rewrite.request import Complete, Completion, CompletionRequest, Refusal
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.stats import RunStats

_IMAGE_TOKENS = 1500
_HOPELESS = 20
_PROBES = 5
_STRING_BOUNDS = ("pattern", "minLength", "maxLength")


@dataclass(slots=True, frozen=True)
class Answer:
    """What became of a request. `passing`: a refusal of this server at this time, asked again in another run."""

    result: Completion | Refusal
    passing: bool = False


class Transport(Protocol):
    """Gets an answer for a request that is neither cached nor in flight. Raises: RewriterError to stop the run."""

    def ask(self, request: CompletionRequest, key: str) -> AbstractAsyncContextManager[Answer]:
        """The answer, to be stored within the block: until its end the request counts among `max_in_flight`, which so
        bounds what a kill can cost. Only a `server_fault` of `HttpTransport` no longer counts: its last try is over."""

    def stop(self, error: RewriterError) -> None: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class HttpTransport:
    """Asks the servers of a fleet."""

    fleet: Fleet
    dialect: Dialect
    pace: Pace
    stats: RunStats
    probe: CompletionRequest
    """A tiny request that a server in order answers."""

    @asynccontextmanager
    async def ask(self, request: CompletionRequest, key: str) -> AsyncIterator[Answer]:
        """Send until there is a reply; a request that fails for itself again and again becomes a refusal."""
        body = request_body(request, self.dialect)
        tokens = most_tokens(request)
        failed = _Failed(self.stats.replies)
        while True:
            async with self.fleet.slot(tokens) as slot:
                answer = await self._try(slot, body, request, failed, key)
                if isinstance(answer, Answer):
                    yield answer
                    return
            if failed.is_final(answer, self.pace):
                await self._require_sound_server(failed.replies_before, answer)
                yield Answer(Refusal("server_fault", f"{failed.tries} tries, the last: {answer}"), passing=True)
                return
            await self.fleet.rest_after(slot.endpoint, failed.in_row, answer)

    async def _try(
        self, slot: Slot, body: bytes, request: CompletionRequest, failed: _Failed, key: str
    ) -> Answer | Fault:
        try:
            reply = await self._send(slot, body, request, failed)
        except Refused as refused:
            return self._refusal(refused)
        except Fault as fault:
            return fault
        self.stats.replies += 1
        tokens_used = (reply.prompt_tokens, reply.completion_tokens)
        return Answer(Completion(reply.text, reply.finish_reason, *tokens_used, key))

    async def _require_sound_server(self, replies_before: int, last: Fault) -> None:
        """A broken server must not pass for so many requests that nobody can answer.

        Raises: ServerError where nothing was answered since `replies_before`, and a tiny request is not either.
        """
        for failures in range(1, _PROBES + 1):
            if self.stats.replies > replies_before:
                return
            try:
                async with self.fleet.slot(most_tokens(self.probe)) as slot:
                    await self._send(slot, request_body(self.probe, self.dialect), self.probe, _Failed(0))
            except Refused:
                return
            except Fault as fault:
                if fault.reason in DOUBTFUL:
                    return
                await self.fleet.rest_after(slot.endpoint, failures, fault)
            else:
                return
        self.fleet.stop(
            ServerError(
                f"the servers fail every request, the last time: {last}. Every reply that came is in the cache; look at "
                "the server and run again to go on from there"
            )
        )
        assert self.fleet.stopped is not None
        raise self.fleet.stopped

    def stop(self, error: RewriterError) -> None:
        self.fleet.stop(error)

    async def close(self) -> None:
        await self.fleet.close()

    async def _send(self, slot: Slot, body: bytes, request: CompletionRequest, failed: _Failed) -> Reply:
        """One try. The server's room is given back whatever happens."""
        outcome: Reply | Fault | None = None
        self.stats.sends += 1
        try:
            outcome = await slot.endpoint.client.chat(body)
            self._charge(outcome)
            doubt = self._doubt(outcome, request)
            if doubt is not None and not failed.is_last_word(outcome.text, self.pace):
                self.stats.retries[doubt.reason] += 1
                raise doubt
        except Fault as fault:
            outcome = fault if fault.reason not in DOUBTFUL else outcome
            raise
        except RewriterError as error:
            self.fleet.stop(error)
            raise
        finally:
            self.fleet.release(slot, outcome)
            if isinstance(outcome, Fault):
                self._count(outcome, slot)
        return outcome

    def _charge(self, reply: Reply) -> None:
        self.stats.prompt_tokens += reply.prompt_tokens
        self.stats.completion_tokens += reply.completion_tokens
        self.stats.uncounted_replies += not reply.counted

    def _doubt(self, reply: Reply, request: CompletionRequest) -> Fault | None:
        """Why a whole reply may not be what the model has to say."""
        if not reply.text:
            return Fault("empty", "a reply without a word")
        if not request.schema:  # whatever the model says is its answer, also where it is cut
            return None
        if reply.finish_reason == "length":
            return Fault("length", f"cut at {request.sampling.max_tokens} tokens")
        if not self.dialect.structured:
            return None
        try:
            _validator(orjson.dumps(request.schema)).validate(orjson.loads(reply.text))
        except (ValueError, ValidationError):
            return Fault("off_schema", "the reply does not satisfy the schema that was sent along")
        return None

    def _count(self, fault: Fault, slot: Slot) -> None:
        """A busy server is no failure; an outage is one, however many requests it hits."""
        self.stats.retries[fault.reason] += 1
        if fault.reason == "http_429" or (fault.reason in LOST and slot.endpoint.lost_in_row != 1):
            return
        if not self.fleet.budget.count_failure():
            self.fleet.stop(BudgetError(self.fleet.budget.describe_failures()))

    def _refusal(self, refused: Refused) -> Answer:
        self.stats.refusals[refused.reason] += 1
        if refused.reason == "bad_request" and not self.stats.replies and self.stats.refusals.total() >= _HOPELESS:
            self.fleet.stop(
                ServerError(
                    f"the server refuses every request: {refused.detail}. Check the model, its chat template and "
                    "`sampling` in the settings"
                )
            )
        return Answer(Refusal(refused.reason, refused.detail), refused.passing)


@dataclass(slots=True)
class _Failed:
    """The failed tries of one request. `replies_before`: to all requests, when this one began."""

    replies_before: int
    in_row: int = 0
    tries: int = 0
    doubtful: int = 0
    seen: str | None = None

    def is_final(self, fault: Fault, pace: Pace) -> bool:
        self.in_row += 1
        if fault.reason in DOUBTFUL:
            return False
        self.tries += fault.reason not in PATIENT
        return self.tries >= pace.tries

    def is_last_word(self, text: str, pace: Pace) -> bool:
        """The same doubtful text twice is what the model has to say; asking again would only cost."""
        self.doubtful += 1
        again, self.seen = text == self.seen, text
        return again or self.doubtful >= pace.doubtful_tries


def most_tokens(request: CompletionRequest) -> tuple[int, int]:
    """(prompt, reply) tokens that the request may use; the prompt's are estimated, from above."""
    prompt = request.weight or (len(request.system) + len(request.user)) // 3 + _IMAGE_TOKENS * len(request.images)
    return prompt, request.sampling.max_tokens


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Validator:
    """Of the structure alone: not every server that takes a schema binds strings to their patterns, and whether a text
    is usable is for the checks on meaning to say."""
    return validator_for(_without_patterns(orjson.loads(schema)))


def _without_patterns(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _without_patterns(part) for name, part in schema.items() if name not in _STRING_BOUNDS}
    return [_without_patterns(part) for part in schema] if isinstance(schema, list) else schema


class EngineTransport:
    """An engine in this process, e.g. vLLM's: it batches by itself and has no network that could fail."""

    def __init__(self, engine: Complete, settings: RewriterSettings, stats: RunStats) -> None:
        self._engine, self._stats = engine, stats
        self._budget = Budget(settings, stats)
        self._room = asyncio.Semaphore(settings.max_in_flight)
        self._stopped: RewriterError | None = None
        self._in_flight = 0

    @asynccontextmanager
    async def ask(self, request: CompletionRequest, key: str) -> AsyncIterator[Answer]:
        async with self._room:
            self._check(request)
            self._in_flight += 1
            self._stats.in_flight_high = max(self._stats.in_flight_high, self._in_flight)
            self._stats.sends += 1
            try:
                yield self._answer(await self._engine(request), key)
            except RewriterError as error:
                self.stop(error)
                raise
            finally:
                self._in_flight -= 1

    def _answer(self, result: Completion | Refusal, key: str) -> Answer:
        if isinstance(result, Refusal):
            self._stats.refusals[result.reason] += 1
            return Answer(result, passing=result.reason != "content_filter")
        self._stats.replies += 1
        self._stats.prompt_tokens += result.prompt_tokens
        self._stats.completion_tokens += result.completion_tokens
        return Answer(replace(result, key=key, cached=False))

    def stop(self, error: RewriterError) -> None:
        self._stopped = self._stopped or error

    async def close(self) -> None:
        """The engine belongs to whoever started it."""

    def _check(self, request: CompletionRequest) -> None:
        limit = self._budget.shortage(*most_tokens(request))
        if limit is not None:
            self.stop(BudgetError(self._budget.describe_spending(limit)))
        if self._stopped is not None:
            raise self._stopped
