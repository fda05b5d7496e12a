"""The faults that the scripted server shows on cue, each as a way to answer one chat request."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import orjson
from aiohttp import web

FAULTS = (
    "reset timeout http_429 http_500 http_502 http_503 half_body not_json no_choices no_text length off_schema drip"
).split()
HANG_S = 3600.0


def choose_fault(seed: int, digest: str, nth: int, rate: float, faults: list[str]) -> str | None:
    """A share of `rate` of all (request, try) pairs, spread evenly over the faults; the same for the same arguments."""
    drawn = int.from_bytes(hashlib.sha256(f"{seed}:{digest}:{nth}".encode()).digest()[:8], "big")
    share = drawn / 2**64
    return faults[int(share / rate * len(faults))] if share < rate else None


def completion(text: str, finish: str, prompt_tokens: int) -> dict[str, Any]:
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": len(text) // 4 + 1}
    usage["total_tokens"] = sum(usage.values())
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}]
    return {"id": "scripted", "object": "chat.completion", "created": 0, "choices": choices, "usage": usage}


def error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    body = orjson.dumps({"error": {"message": message, "type": "scripted", "code": status}})
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


async def answer_wrongly(
    fault: str, request: web.Request, good: dict[str, Any], nth: int, retry_after: str
) -> web.StreamResponse:
    """`good`: the completion that would have been right. `nth`: how often this request came before."""
    if fault == "http_429":
        return error(429, "slow down", {"Retry-After": retry_after})
    if fault.startswith("http_"):
        return error(int(fault[5:]), f"scripted {fault}")
    if fault == "timeout":
        await asyncio.sleep(HANG_S)
    if fault in ("reset", "timeout"):
        return _reset(request)
    if fault in ("half_body", "drip"):
        return await _begin_only(request, orjson.dumps(good), drip=fault == "drip")
    if fault == "not_json":
        return web.Response(text="<html>gateway fell over</html>", content_type="text/html")
    return web.json_response(_spoilt(fault, good, nth))


def _reset(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _begin_only(request: web.Request, body: bytes, *, drip: bool) -> web.StreamResponse:
    """The head and a part of the body; then the connection ends, or a byte comes now and then for an hour."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if drip:
        for byte in body[len(body) // 2 : -1]:
            await response.write(bytes([byte]))
            await asyncio.sleep(0.5)
    _reset(request)
    return response


def _spoilt(fault: str, good: dict[str, Any], nth: int) -> dict[str, Any]:
    if fault == "no_choices":
        return {**good, "choices": []}
    message = good["choices"][0]["message"]
    text: str = message["content"]
    if fault == "no_text":
        return _with_text(good, None, "stop")
    if fault == "length":  # cut elsewhere each time, as a server under memory pressure does
        return _with_text(good, text[: max(1, len(text) * (200 + nth * 37 % 500) // 800)], "length")
    return _with_text(good, orjson.dumps({"unexpected": nth}).decode(), "stop")


def _with_text(good: dict[str, Any], text: str | None, finish: str) -> dict[str, Any]:
    choice = {**good["choices"][0], "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {**good, "choices": [choice]}
