"""Looks at the servers before any work: is the key taken, is the model there, is its context large enough, does it
take images and JSON schemas? One clear message for each "no" that matters, instead of a thousand failed requests.

Costs two or three tiny requests per server. Transport faults are tried again, so that a server with a bad moment is
not taken for one that cannot.
"""

from __future__ import annotations

import asyncio
import base64
import difflib
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from asd.errors import PreflightError, ServerError
from asd.rewrite.backoff import Pace
from asd.rewrite.faults import Fault, Refused
from asd.rewrite.openai_client import ChatClient, Dialect, ServedModel, request_body
from asd.rewrite.request import CompletionRequest, ImageInput
from asd.rewrite.settings import RewriterSettings

PROBE_NAME = "asd_preflight"
"""Name of the schema of all probes; they are recognised by it in a server's log."""
_SCHEMA = {
    "type": "object",
    "properties": {"ready": {"type": "boolean"}},
    "required": ["ready"],
    "additionalProperties": False,
}
_ROOM_FOR_PROMPT = 512
_TRIES, _CONNECT_TRIES = 10, 5
T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class ServerFacts:
    """What a server can do. `context`: tokens of prompt and reply, where it tells."""

    dialect: Dialect
    images: bool
    context: int | None
    is_vllm: bool


async def preflight(clients: Sequence[ChatClient], settings: RewriterSettings, pace: Pace) -> ServerFacts:
    """What all servers can do together. Servers that are not there are left to the run, if one at least is.

    Raises: KeyRefusedError, PreflightError; ServerError if none answers.
    """
    results = await asyncio.gather(*(_look(client, settings, pace) for client in clients), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, _Absent):
            raise result
    facts = [result for result in results if isinstance(result, ServerFacts)]
    if not facts:
        absent = "; ".join(str(result) for result in results)
        raise ServerError(f"no server answers: {absent}. Is it running, and is the base URL right (it ends in /v1)?")
    return _in_common(clients, facts)


class _Absent(Exception):  # noqa: N818
    """The server is not there."""


def _in_common(clients: Sequence[ChatClient], facts: Sequence[ServerFacts]) -> ServerFacts:
    names = {fact.dialect.model for fact in facts}
    if len(names) > 1:
        raise PreflightError(
            f"the servers call the model differently ({', '.join(sorted(names))}): name it alike on all"
        )
    first = facts[0].dialect
    dialect = replace(
        first,
        structured=all(fact.dialect.structured for fact in facts),
        strict=all(fact.dialect.strict for fact in facts),
    )
    contexts = [fact.context for fact in facts if fact.context is not None]
    images, is_vllm = all(fact.images for fact in facts), all(fact.is_vllm for fact in facts)
    return ServerFacts(dialect, images, min(contexts, default=None), is_vllm)


async def _look(client: ChatClient, settings: RewriterSettings, pace: Pace) -> ServerFacts:
    served = await _find_model(client, settings, pace)
    needed = settings.sampling.max_tokens + _ROOM_FOR_PROMPT
    if served.context is not None and served.context < needed:
        raise PreflightError(
            f"{client.base_url}: the context of {served.name} is too small: {served.context} tokens, at least {needed} "
            f"are needed ({settings.sampling.max_tokens} for the reply, sampling.max_tokens). Start the server with a "
            "larger context (--max-model-len of vLLM, --server-arg context=N of llama-cpp), or lower sampling.max_tokens"
        )
    dialect = await _find_dialect(client, Dialect(served.name), settings, pace)
    images = settings.images != "never" and await _takes_images(client, dialect, settings, pace)
    return ServerFacts(dialect, images, served.context, served.owner == "vllm")


async def _find_model(client: ChatClient, settings: RewriterSettings, pace: Pace) -> ServedModel:
    """The entry of the model; a server that lists none is believed to have it, the first request tells."""
    try:
        listed = await _patiently(client, client.models, pace, settings.outage_s)
    except Refused:
        listed = []
    names = [model.name for model in listed]
    for wanted in (settings.model, settings.model_name):
        if wanted in names:
            return listed[names.index(wanted)]
    if not listed:
        return ServedModel(settings.model, None, "")
    near = difflib.get_close_matches(settings.model, names, n=1, cutoff=0.3)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    raise PreflightError(f"{client.base_url} has no model {settings.model!r}{guess} (it has: {', '.join(names[:20])})")


async def _find_dialect(client: ChatClient, dialect: Dialect, settings: RewriterSettings, pace: Pace) -> Dialect:
    """The first way of asking that the server takes, from the most wanted to the plainest."""
    refusals = []
    for structured, strict in ((True, True), (True, False), (False, False)):
        for limit_name in ("max_tokens", "max_completion_tokens"):
            attempt = replace(dialect, structured=structured, strict=strict, limit_name=limit_name)
            try:
                await _probe(client, attempt, settings, pace, images=())
            except Refused as refused:
                refusals.append(refused)
                if "max_completion_tokens" not in refused.detail:
                    break
            else:
                return attempt
    detail = refusals[-1].detail or refusals[-1].reason
    is_elsewhere = detail.startswith(("http_404", "http_405"))
    advice = (
        "Is the base URL right (it ends in /v1)?"
        if is_elsewhere
        else "Check that it is a chat model, and `sampling` in the settings"
    )
    raise PreflightError(f"{client.base_url} refuses a plain request to {dialect.model}: {detail}. {advice}")


async def _takes_images(client: ChatClient, dialect: Dialect, settings: RewriterSettings, pace: Pace) -> bool:
    try:
        await _probe(client, dialect, settings, pace, images=(_probe_image(),))
    except Refused as refused:
        if settings.images == "always":
            raise PreflightError(
                f"{client.base_url}: {dialect.model} takes no images ({refused.detail}), but `images` is `always`; "
                "use a vision model, or --images auto"
            ) from None
        return False
    return True


def probe_request(settings: RewriterSettings, images: tuple[ImageInput, ...] = ()) -> CompletionRequest:
    """A tiny request of the run's own kind."""
    sampling = replace(settings.sampling.as_sampling(), max_tokens=16)
    system, user = "Reply in JSON.", 'Reply {"ready": true}.'
    return CompletionRequest(system, user, images, _SCHEMA, PROBE_NAME, "preflight", sampling, weight=16)


async def _probe(
    client: ChatClient, dialect: Dialect, settings: RewriterSettings, pace: Pace, images: tuple[ImageInput, ...]
) -> None:
    """A reply that is cut or says nothing is a reply."""
    body = request_body(probe_request(settings, images), dialect)
    try:
        await _patiently(client, lambda: client.chat(body), pace, settings.outage_s)
    except Refused as refused:
        if refused.reason not in ("bad_request", "context_too_long"):
            return
        raise


async def _patiently(client: ChatClient, call: Callable[[], Awaitable[T]], pace: Pace, outage_s: float) -> T:
    """Try again after faults. Raises: Refused; _Absent if the server is not there; ServerError if it stays broken, or asks
    for more time than an outage may last."""
    last, end = Fault("none"), time.monotonic() + outage_s
    for failures in range(1, _TRIES + 1):
        try:
            return await call()
        except Fault as fault:
            _reject_hopeless(client, fault)
            last = fault
            if fault.reason in ("http_404", "http_405", "no_text", "no_choices", "not_completion") and failures >= 3:
                raise Refused("bad_request", str(fault)) from None
            if fault.reason in ("connect", "not_http") and failures >= _CONNECT_TRIES:
                break  # whoever waits for the message has mistyped the address, or not started the server
        if last.retry_after_s is not None and time.monotonic() + last.retry_after_s > end:
            raise ServerError(
                f"{client.base_url} asks to be left alone for {last.retry_after_s:,.0f} s (Retry-After), longer than "
                f"--max-outage allows ({outage_s:g} s). Run again later, or raise --max-outage"
            )
        await asyncio.sleep(pace.wait_s(failures, last.retry_after_s))
    if last.reason in ("connect", "reset", "timeout"):
        raise _Absent(f"{client.base_url}: {last}")
    raise ServerError(f"{client.base_url} fails again and again before any work is done: {last}")


def _reject_hopeless(client: ChatClient, fault: Fault) -> None:
    if fault.reason == "tls":
        raise PreflightError(
            f"{client.base_url}: its certificate is not trusted ({fault.detail}). For a certificate authority of your "
            "own set SSL_CERT_FILE to its certificate; there is no switch that turns the check off"
        ) from None
    if fault.reason == "redirect":
        raise PreflightError(f"{client.base_url}: {fault.detail}") from None


def _probe_image() -> ImageInput:
    """A grey square of 56 pixels: small, yet enough for the patches of all common vision towers."""
    side = 56
    rows = (b"\0" + b"\x80" * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunks).decode()
    return ImageInput("preflight", f"data:image/png;base64,{data}")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
