"""An OpenAI-compatible server without a model: good replies made from the request, and every fault on cue.

    python -m tests.servers.scripted_server --port 8000 --rate 0.3 --seed 1 --log answered.jsonl

`POST /control` changes the script at run time: {"next": ["http_500", "reset"]} for the next requests, {"rate": 0.3},
{"latency_s": 0.2}, {"always": "http_429"}, {"always": null}. `GET /control` tells what happened. The log gets a line
for each answered chat request as soon as the answer is written, so it survives the server's own death.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import ssl
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from tests.servers.scripted_faults import FAULTS, answer_wrongly, choose_fault, completion, error
from tests.servers.scripted_replies import reply_to


@dataclass
class Script:
    """What the server does; the fields of the command line and of `/control`."""

    model: str = "scripted"
    seed: int = 0
    rate: float = 0.0
    faults: list[str] = field(default_factory=lambda: list(FAULTS))
    latency_s: float = 0.0
    slots: int = 256
    limit: int | None = None
    retry_after: str = "0.05"
    key: str | None = None
    context: int = 8192
    images: bool = True
    schemas: bool = True
    first_try: int = 0
    """Number of a request's first try: after a restart another one, or each fault of before would come again."""
    prose: bool = False
    """Wrap replies in prose and a code fence, as models without guided decoding do."""
    judge: str = "good"
    """Manner in which it rates answers: good, ten, talks, wordy or garbage."""
    next: deque[str] = field(default_factory=deque)
    always: str | None = None


class ScriptedServer:
    def __init__(self, script: Script, log: Path | None) -> None:
        self.script, self._log = script, None if log is None else os.open(log, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        self._seen: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(script.slots)
        self.counts: Counter[str] = Counter()
        self._waiting = self._running = self._peak = 0

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 28)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/health", self.health)
        app.router.add_get("/control", self.tell)
        app.router.add_post("/control", self.control)
        return app

    async def models(self, request: web.Request) -> web.Response:
        if (refused := self._refuse_key(request)) is not None:
            return refused
        entry = {"id": self.script.model, "object": "model", "owned_by": "vllm", "max_model_len": self.script.context}
        return web.json_response({"object": "list", "data": [entry]})

    async def metrics(self, request: web.Request) -> web.Response:
        return web.Response(text=f'vllm:num_requests_waiting{{model_name="{self.script.model}"}} {self._waiting}.0\n')

    async def health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def tell(self, request: web.Request) -> web.Response:
        told = {"counts": dict(self.counts), "peak": self._peak, "running": self._running, "waiting": self._waiting}
        return web.json_response(told)

    async def control(self, request: web.Request) -> web.Response:
        for name, value in (await request.json()).items():
            setattr(self.script, name, deque(value) if name == "next" else value)
        return web.json_response({})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        digest = hashlib.sha256(raw).hexdigest()[:32]
        body = orjson.loads(raw)
        refused = self._refuse_key(request) or self._refuse(body)
        if refused is not None:
            self.counts[f"http_{refused.status}"] += 1
            return refused
        if self.script.limit is not None and self._running >= self.script.limit:
            self.counts["over_limit"] += 1
            return error(429, "too many requests", {"Retry-After": self.script.retry_after})
        return await self._serve(request, body, digest)

    async def _serve(self, request: web.Request, body: dict[str, Any], digest: str) -> web.StreamResponse:
        self._waiting += 1
        async with self._slots:
            self._waiting -= 1
            self._running += 1
            self._peak = max(self._peak, self._running)
            try:
                if self.script.latency_s:
                    await asyncio.sleep(self.script.latency_s)
                return await self._answer(request, body, digest)
            finally:
                self._running -= 1

    async def _answer(self, request: web.Request, body: dict[str, Any], digest: str) -> web.StreamResponse:
        nth, script = self._seen[digest] + self.script.first_try, self.script
        self._seen[digest] += 1
        fault = script.next.popleft() if script.next else script.always
        if fault is None and script.rate:
            fault = choose_fault(script.seed, digest, nth, script.rate, script.faults)
        text = reply_to(body, script.judge)
        if script.prose:
            text = f"Here is the JSON you asked for:\n```json\n{text}\n```"
        good = completion(text, "stop", sum(len(str(m["content"])) for m in body["messages"]) // 4)
        self.counts[fault or "ok"] += 1
        if fault is not None:
            return await answer_wrongly(fault, request, good, nth, script.retry_after)
        response = web.Response(body=orjson.dumps(good), content_type="application/json")
        await response.prepare(request)
        await response.write_eof()
        self._note(digest, body)
        return response

    def _note(self, digest: str, body: dict[str, Any]) -> None:
        """One write per line: whole or not there."""
        if self._log is not None:
            asked = body.get("response_format", {}).get("json_schema", {}).get("name", "")
            os.write(self._log, orjson.dumps({"request": digest, "schema": asked}) + b"\n")

    def _refuse_key(self, request: web.Request) -> web.Response | None:
        if self.script.key is None or request.headers.get("Authorization") == f"Bearer {self.script.key}":
            return None
        return error(401, f"Incorrect API key provided: {request.headers.get('Authorization', '')}")

    def _refuse(self, body: dict[str, Any]) -> web.Response | None:
        if body["model"] != self.script.model:
            return error(404, f"The model `{body['model']}` does not exist.")
        if not self.script.schemas and "response_format" in body:
            return error(400, "response_format of type json_schema is not supported")
        if not self.script.images and "image_url" in str(body["messages"])[:100_000]:
            return error(400, f"{self.script.model} is not a multimodal model")
        length = sum(len(str(message["content"])) for message in body["messages"]) // 4 + body["max_tokens"]
        if length > self.script.context and "image_url" not in str(body["messages"])[:100_000]:
            return error(400, f"This model's maximum context length is {self.script.context} tokens, not {length}.")
        return None


async def serve(arguments: argparse.Namespace, script: Script) -> None:
    runner = web.AppRunner(ScriptedServer(script, arguments.log).app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    tls = None
    if arguments.certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(arguments.certificate)
    site = web.TCPSite(runner, "127.0.0.1", arguments.port, ssl_context=tls, backlog=1024, reuse_address=True)
    await site.start()
    assert site._server is not None
    print(site._server.sockets[0].getsockname()[1], flush=True)  # type: ignore[attr-defined]
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 picks one; it is printed on the first line")
    parser.add_argument("--log", type=Path, help="append a line for each answered request")
    parser.add_argument("--certificate", type=Path, help="PEM with key and certificate: serve HTTPS")
    parser.add_argument("--script", type=orjson.loads, default={}, help="fields of Script as JSON")
    parser.add_argument("--rate", type=float, default=0.0, help="share of answers that are faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="scripted")
    parser.add_argument("--latency-s", type=float, default=0.0)
    arguments = parser.parse_args()
    plain = {name: getattr(arguments, name) for name in ("rate", "seed", "model", "latency_s")}
    asyncio.run(serve(arguments, Script(**(plain | arguments.script))))


if __name__ == "__main__":
    main()
