"""A server that answers every chat request with the same reply after a fixed time: for benchmarks of clients.

    python -m tests.servers.fixed_latency_server --port 8000 --latency-s 0.2 --slots 256

It works on `slots` requests at once; others wait their turn. Plain asyncio protocols instead of a web framework, so
that it takes little of the machine that it shares with the client. `GET /told` tells what happened since the last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from collections import deque
from dataclasses import dataclass, field


def response(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


MODELS = response(b'{"object": "list", "data": [{"id": "fixed", "object": "model", "owned_by": "benchmark"}]}')
CHAT = response(
    json.dumps(
        {
            "id": "fixed",
            "object": "chat.completion",
            "created": 0,
            "model": "fixed",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": '{"wrong": "a wooden bench near the gate"}'},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 400, "completion_tokens": 16, "total_tokens": 416},
        }
    ).encode()
)


@dataclass
class Desk:
    """Slots, and who waits for one. Times are of `time.monotonic`."""

    latency_s: float
    slots: int
    busy: int = 0
    waiting: deque[asyncio.Transport] = field(default_factory=deque)
    answered: int = 0
    peak: int = 0
    first_at: float = 0.0
    last_at: float = 0.0

    def take(self, transport: asyncio.Transport) -> None:
        if not self.first_at:
            self.first_at = time.monotonic()
        if self.busy < self.slots:
            self.begin(transport)
        else:
            self.waiting.append(transport)

    def begin(self, transport: asyncio.Transport) -> None:
        self.busy += 1
        self.peak = max(self.peak, self.busy)
        asyncio.get_running_loop().call_later(self.latency_s, self.finish, transport)

    def finish(self, transport: asyncio.Transport) -> None:
        transport.write(CHAT)
        self.answered += 1
        self.busy -= 1
        self.last_at = time.monotonic()
        if self.waiting:
            self.begin(self.waiting.popleft())

    def tell(self) -> bytes:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        told = {
            "answered": self.answered,
            "peak": self.peak,
            "seconds": self.last_at - self.first_at,
            "cpu_s": usage.ru_utime + usage.ru_stime,
        }
        self.answered = self.peak = 0
        self.first_at = self.last_at = 0.0
        return response(json.dumps(told).encode())


class Connection(asyncio.Protocol):
    def __init__(self, desk: Desk) -> None:
        self._desk, self._received = desk, b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]) if b"content-length:" in head else 0
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        assert self._transport is not None
        if head.startswith(b"post"):
            self._desk.take(self._transport)
        else:
            self._transport.write(self._desk.tell() if head.startswith(b"get /told") else MODELS)


async def serve(port: int, desk: Desk) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Connection(desk), "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 picks one; it is printed on the first line")
    parser.add_argument("--latency-s", type=float, default=0.2)
    parser.add_argument("--slots", type=int, default=256)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, Desk(arguments.latency_s, arguments.slots)))


if __name__ == "__main__":
    main()
