"""An OpenAI-compatible server whose model is a function of the prompt."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers.threaded import ThreadedServer


class AnsweringServer(ThreadedServer):
    """say: from a prompt to the answer; None: the request is refused. images: whether requests may hold some. `bodies`: those
    of all requests."""

    def __init__(self, say: Callable[[str], str | None], *, images: bool = True) -> None:
        bodies = self.bodies = []  # type: list[dict[str, Any]]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(200, {"object": "list", "data": [{"id": "model", "object": "model", "owned_by": "test"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                bodies.append(body)
                content = body["messages"][-1]["content"]
                if isinstance(content, list):
                    if not images:
                        self._send(400, {"error": {"message": "this model takes no images"}})
                        return
                    content = content[-1]["text"]
                text = '{"ready": true}' if "response_format" in body else say(content)
                if text is None:
                    self._send(400, {"error": {"message": "blocked", "code": "content_filter"}})
                    return
                choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
                self._send(200, {"id": "1", "object": "chat.completion", "created": 0, "model": "model",
                                 "choices": [choice], "usage": usage})  # fmt: skip

            def _send(self, status: int, content: dict[str, Any]) -> None:
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None: ...

        super().__init__(Handler)
