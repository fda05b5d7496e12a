"""A server in a thread that answers as it is told to: with bytes of any kind, size, compression and slowness."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler

from tests.servers.threaded import ThreadedServer

Answer = tuple[int, Mapping[str, str], Iterator[bytes]]
"""Status, headers and pieces of the body."""


class HostileServer(ThreadedServer):
    """`answer`: from path and headers of a request to what is sent. Without Content-Length the body ends with the
    connection."""

    def __init__(self, answer: Callable[[str, Mapping[str, str]], Answer]) -> None:
        asked = self.asked = []  # type: list[str]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def do_GET(self) -> None:
                asked.append(self.path)
                status, headers, pieces = answer(self.path, self.headers)
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    for piece in pieces:
                        self.wfile.write(piece)
                except OSError:  # the client has had enough
                    pass
                self.close_connection = True

            def log_message(self, *args: object) -> None: ...

        super().__init__(Handler)
