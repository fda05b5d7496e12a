"""One OpenAI-compatible server: requests out, replies or faults back. No retries, no waiting, no state here.

The body is built and read with orjson and sent through the openai client as bytes: its own models of requests and
replies cost more than everything else a request does. Proxies and .netrc of the environment are not used and redirects
are not followed, so that prompts and the key go to the given base URL alone; TLS is verified against the system's
certificates ($SSL_CERT_FILE names others).
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx2
import openai
import orjson

from asd.errors import BudgetError, KeyRefusedError
from asd.rewrite.api_key import ApiKey
from asd.rewrite.faults import Fault, Refused, connection_fault
from asd.rewrite.request import CompletionRequest

_CONNECT_S = 10.0
_LISTING_S = 10.0
MAX_REPLY_BYTES = 16 << 20
"""Of one answer, unpacked. The longest replies and lists of models have some 100 KB."""
_OF_THE_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_LONGEST_MESSAGE, _LONGEST_SHOWN = 1 << 16, 300
"""Characters of a server's own words that are looked at, and that are repeated."""
_IDLE_S = 4.0  # vLLM closes idle connections after 5 s; a request must not meet that
_UNWANTED_HEADERS = (
    "OpenAI-Organization OpenAI-Project X-Stainless-Lang X-Stainless-Package-Version X-Stainless-OS X-Stainless-Arch "
    "X-Stainless-Runtime X-Stainless-Runtime-Version X-Stainless-Async X-Stainless-Retry-Count X-Stainless-Read-Timeout"
).split()


@dataclass(slots=True, frozen=True)
class Reply:
    """Text of the first choice. `counted`: the server reported the tokens, else they are estimated."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    counted: bool = True


@dataclass(slots=True, frozen=True)
class ServedModel:
    """An entry of /v1/models; `context` in tokens, where the server tells."""

    name: str
    context: int | None
    owner: str


@dataclass(slots=True, frozen=True)
class Dialect:
    """How this server wants to be asked; found out by the preflight."""

    model: str
    structured: bool = True
    strict: bool = True
    limit_name: str = "max_tokens"


def request_body(request: CompletionRequest, dialect: Dialect) -> bytes:
    """The JSON of one chat completion."""
    content: str | list[dict[str, Any]] = request.user
    if request.images:
        parts = [{"type": "image_url", "image_url": {"url": image.data_url}} for image in request.images]
        content = [*parts, {"type": "text", "text": request.user}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {
        "model": dialect.model,
        "messages": messages,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        dialect.limit_name: request.sampling.max_tokens,
    }
    if request.sampling.seed is not None:
        body["seed"] = request.sampling.seed
    if dialect.structured and request.schema:
        schema = {"name": request.schema_name, "schema": request.schema, "strict": dialect.strict}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return orjson.dumps(body)


class TooLongError(Exception):
    """A body that goes on beyond the bound."""


class _BoundedClient(openai.DefaultAioHttpClient):
    """Reads no more of a body than a reply can have, however small it was sent."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Raises: TooLongError, and what HTTP clients raise."""
        response = await super().send(request, **{**options, "stream": True})
        parts, size = [], 0
        try:
            async for part in response.aiter_bytes():
                size += len(part)
                if size > MAX_REPLY_BYTES:
                    raise TooLongError(f"more than {MAX_REPLY_BYTES >> 20} MiB, unpacked")
                parts.append(part)
        finally:
            await response.aclose()
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_BODY]
        return httpx2.Response(response.status_code, headers=headers, content=b"".join(parts), request=request)


class ChatClient:
    """Speaks to one base URL."""

    def __init__(self, base_url: str, key: ApiKey, timeout_s: float) -> None:
        self.base_url = base_url
        self._key, self._timeout_s = key, timeout_s
        # None would become aiohttp's default of 100 connections; how many there are is for the throttle to say.
        limits = httpx2.Limits(max_connections=1 << 16, keepalive_expiry=_IDLE_S)
        http_client = _BoundedClient(
            verify=_tls(), trust_env=False, follow_redirects=False, limits=limits, timeout=_timeout(timeout_s)
        )
        self._client = openai.AsyncOpenAI(
            api_key=key.reveal(),
            base_url=base_url,
            max_retries=0,
            timeout=_timeout(timeout_s),
            default_headers=_plain_headers(key),
            http_client=http_client,
        )
        self._options: Any = {"headers": dict.fromkeys(_UNWANTED_HEADERS, openai.Omit())}

    async def chat(self, body: bytes) -> Reply:
        """Raises: Fault, Refused, or a RewriterError where no request can succeed any more."""
        content = await self._call("post", "/chat/completions", self._timeout_s, body)
        return parse_reply(content, len(body))

    async def models(self) -> list[ServedModel]:
        """What the server lists; raises as `chat`."""
        content = await self._call("get", "/models", min(_LISTING_S, self._timeout_s))
        try:
            listed = orjson.loads(content)["data"]
            return [ServedModel(m["id"], _context(m), str(m.get("owned_by", ""))) for m in listed]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Fault("not_json", "/models answers with something else than a list of models") from None

    async def metrics(self) -> str:
        """vLLM's figures in Prometheus text, from the root of the same server."""
        parts = urlsplit(self.base_url)
        content = await self._call("get", f"{parts.scheme}://{parts.netloc}/metrics", min(_LISTING_S, self._timeout_s))
        return content.decode("utf-8", "replace")

    async def close(self) -> None:
        await self._client.close()

    async def _call(self, method: str, path: str, seconds: float, body: bytes | None = None) -> bytes:
        """One exchange within a total time, so that a server which drips a byte at a time is given up as well."""
        try:
            async with asyncio.timeout(seconds):
                if method == "post":
                    response = await self._client.post(
                        path, cast_to=httpx2.Response, content=body, options=self._options
                    )
                else:
                    response = await self._client.get(path, cast_to=httpx2.Response, options=self._options)
        except TimeoutError:
            raise Fault("timeout", f"no whole answer in {seconds:g} s") from None
        except TooLongError as error:
            raise Fault("too_long", str(error)) from None
        except openai.APIStatusError as error:
            raise self._status_error(error) from None
        except (openai.APIConnectionError, aiohttp.ClientError, httpx2.HTTPError) as error:
            fault = connection_fault(error)
            raise Fault(fault.reason, self._key.hide_in(fault.detail)) from None
        return self._key.hide_in_body(response.content)

    def _status_error(self, error: openai.APIStatusError) -> Exception:
        status, text = error.status_code, self._key.hide_in(_message(error.response))
        text = " ".join(text.split())[:_LONGEST_SHOWN]
        if status in (401, 403):
            return KeyRefusedError(
                f"{self.base_url} refuses the API key from {self._key.origin} (HTTP {status}); "
                "check the key, and that it may use the model (api_key_env, api_key_file)"
            )
        if status == 402 or (status == 429 and "insufficient_quota" in text):
            return BudgetError(f"{self.base_url}: the account has no credit left (HTTP {status})")
        if 300 <= status < 400:
            return Fault("redirect", "the server sends elsewhere; give the final URL as the base URL")
        if status in (400, 413, 422) or (status == 500 and _NO_IMAGES in text):
            return _refusal(text)
        return Fault(f"http_{status}", text, retry_after_s(error.response.headers))


def parse_reply(content: bytes, body_size: int) -> Reply:
    """Raises: Fault for a body that is no chat completion, Refused where the server filtered the reply."""
    try:
        answer = orjson.loads(content)
    except ValueError:
        raise Fault("not_json", f"{len(content)} bytes that are no JSON") from None
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list):
        raise Fault("not_completion", "JSON, but no chat completion")
    if not choices:
        raise Fault("no_choices", "a reply without a choice")
    try:
        choice = choices[0]
        message, finish = choice["message"], choice.get("finish_reason") or "stop"
        text, refusal = message.get("content"), message.get("refusal")
        usage = answer.get("usage") or {}
        prompt, completion = _whole(usage.get("prompt_tokens")), _whole(usage.get("completion_tokens"))
    except (KeyError, TypeError, AttributeError):
        raise Fault("not_completion", "a choice without a message") from None
    if finish == "content_filter":
        raise Refused("content_filter")
    if refusal:
        raise Refused("model_refused", str(refusal)[:200])
    if not isinstance(text, str):
        raise Fault("no_text", "a choice without text")
    if prompt is None or completion is None:
        return Reply(text, str(finish), body_size // 4, len(text) // 4 + 1, counted=False)
    return Reply(text, str(finish), prompt, completion)


def retry_after_s(headers: Any) -> float | None:
    """Seconds of Retry-After, which may be a number or a date; None if there is none that can be read."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        from datetime import UTC, datetime

        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(seconds, 0.0) if seconds == seconds else None


def _context(model: dict[str, Any]) -> int | None:
    """Of an entry of /v1/models: vLLM's spelling, else llama.cpp's."""
    return _whole(model.get("max_model_len")) or _whole((model.get("meta") or {}).get("n_ctx"))


_TOO_LONG = (
    "context length",
    "context size",
    "context_length",
    "maximum model length",
    "max_model_len",
    "too long",
    "too many tokens",
)
_NO_IMAGES = "image input is not supported"  # llama.cpp's answer to a model without a projector, as a server's fault
_FILTERED = ("content_filter", "content management policy", "content policy")


def _refusal(text: str) -> Refused:
    lowered = text.lower()
    if any(mark in lowered for mark in _TOO_LONG):
        return Refused("context_too_long", text, passing=True)
    if any(mark in lowered for mark in _FILTERED):
        return Refused("content_filter", text)
    return Refused("bad_request", text, passing=True)


def _message(response: Any) -> str:
    """The server's own words: they are untrusted, and may repeat the prompt or the key."""
    try:
        document = orjson.loads(response.content)
        error = document.get("error", document) if isinstance(document, dict) else document
        text = (
            " ".join(str(error[k]) for k in ("code", "message") if error.get(k)) if isinstance(error, dict) else error
        )
    except ValueError:
        text = response.text
    return str(text)[:_LONGEST_MESSAGE]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else None


def _timeout(seconds: float) -> httpx2.Timeout:
    """Less to connect than in all, so that a server which is not there is told from one which is slow."""
    return httpx2.Timeout(seconds, connect=min(_CONNECT_S, 0.5 * seconds))


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _plain_headers(key: ApiKey) -> Any:
    """Named here so that no variable of the environment ($OPENAI_CUSTOM_HEADERS) puts another key in its place."""
    return {"Authorization": f"Bearer {key.reveal()}", "User-Agent": "asd-rewriter"}
