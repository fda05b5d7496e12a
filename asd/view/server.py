"""The viewer's server: this machine only, one secret address, no request to anywhere else.

- It listens on 127.0.0.1, and answers only requests whose Host header is a name of this machine, so that a page of another
  site cannot reach it under a name of its own (DNS rebinding).
- All paths begin with a token of 128 random bits, which is compared in constant time.
- The page may load nothing but its own script, style sheet and images (Content-Security-Policy), and no other page may
  frame it.
- Paths are looked up in a table. No part of a request ever names a file: images are named by a row's number.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from asd.errors import AsdError, StorageError, UsageError
from asd.pictures import PictureError
from asd.report.thumbnails import NoImageError, shrink
from asd.view import fragments
from asd.view.query import Query
from asd.view.viewer import Viewer

HOST = "127.0.0.1"
_OWN_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_MOST_BYTES = 1 << 16
"""Of what a request may send."""
_SIDES = (96, 768)
"""Pixels that images may be asked for."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class _RefusedError(Exception):
    """A request that is not answered."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class ViewServer(ThreadingHTTPServer):
    """Serves one `Viewer`. `url` is the only address that opens the page."""

    daemon_threads = True

    def __init__(self, viewer: Viewer, port: int = 0) -> None:
        """port: 0 takes a free one. Raises: StorageError for a port that is taken, UsageError for one that is none."""
        self.viewer = viewer
        self.token = secrets.token_urlsafe(16)
        if not 0 <= port <= 65535:
            raise UsageError(f"--port {port}: give a number from 1 to 65535, or leave it out to take a free one.")
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as exc:
            raise StorageError(
                f"cannot listen on {HOST}:{port} ({exc.strerror or exc}). Give another --port, or none to take a free one."
            ) from exc

    @property
    def url(self) -> str:
        """With the token."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that was left in the middle of an answer is no news."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        super().server_close()
        self.viewer.close()


class _Handler(BaseHTTPRequestHandler):
    server: ViewServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "asd", ""
    timeout = 60

    def do_GET(self) -> None:
        self._answer(_GET)

    def do_POST(self) -> None:
        self._answer(_POST)

    def _answer(self, table: Mapping[str, Callable[[_Handler], tuple[str, bytes]]]) -> None:
        try:
            content = self._content()  # read in any case, so that the connection can go on
            self.sent = content
            try:
                self.asked = self._parameters()
                page = self._require_page(table)
            except ValueError as exc:  # brackets that are no address
                raise _RefusedError(HTTPStatus.BAD_REQUEST, "That is no address.") from exc
            kind, body = page(self)
            self._send(HTTPStatus.OK, kind, body)
        except _RefusedError as exc:
            self._send(exc.status, "text/plain; charset=utf-8", exc.text.encode())
        except ConnectionError:  # the page asks for something else by now
            self.close_connection = True
        except (AsdError, OSError) as exc:
            text = json.dumps({"error": str(exc)}, ensure_ascii=False).encode("utf-8", "replace")
            self._send(HTTPStatus.UNPROCESSABLE_ENTITY, "application/json", text)

    def _content(self) -> bytes:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > _MOST_BYTES or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "more than a mark takes")
        return self.rfile.read(int(length))

    def _parameters(self) -> dict[str, str]:
        """Raises: _RefusedError unless the host is this machine."""
        host = (self.headers.get("Host") or "").rpartition(":")
        name = host[0] if host[2].isdecimal() else "".join(host)
        if name.lower() not in _OWN_NAMES:
            raise _RefusedError(
                HTTPStatus.FORBIDDEN, "This page is for this machine alone: open the address that was printed."
            )
        origin = self.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != self.headers.get("Host"):
            raise _RefusedError(HTTPStatus.FORBIDDEN, "Another page may not ask here.")
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}

    def _require_page(self, table: Mapping[str, Callable[[_Handler], tuple[str, bytes]]]) -> Any:
        """Raises: _RefusedError for a wrong token or no such page."""
        _, token, *rest = [*urlsplit(self.path).path.split("/", 2), ""][:3]
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise _RefusedError(HTTPStatus.FORBIDDEN, "Open the address that `asd view` printed, with its token.")
        page = table.get(rest[0])
        if page is None or urlsplit(self.path).path.count("/") < 2:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "There is no such page.")
        return page

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            if name != "Cache-Control" or not (status == HTTPStatus.OK and kind == "image/jpeg"):
                self.send_header(name, value)
        if status == HTTPStatus.OK and kind == "image/jpeg":  # a version never changes
            self.send_header("Cache-Control", "private, max-age=3600")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class calls it so)
        """Say nothing: the terminal is for what the command has to say, and addresses hold the token."""

    def text(self, name: str, default: str = "") -> str:
        """A parameter of the request."""
        return self.asked.get(name, default)

    def number(self, name: str, default: int = 0) -> int:
        """Raises: _RefusedError for what is no whole number from 0 on."""
        text = self.asked.get(name, str(default))
        if not text.isdecimal() or len(text) > 18:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, f"{name}: give a whole number from 0 on.")
        return int(text)

    @property
    def version(self) -> str:
        """The version that the request is about."""
        return self.text("v") or self.server.viewer.first


def _json(value: Any) -> tuple[str, bytes]:
    return "application/json", json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _page(handler: _Handler) -> tuple[str, bytes]:
    viewer = handler.server.viewer
    return "text/html; charset=utf-8", fragments.page(viewer.rows_of(viewer.first).manifest.task).encode()


def _facets(handler: _Handler) -> tuple[str, bytes]:
    viewer = handler.server.viewer
    return _json({"versions": viewer.versions(), **viewer.facets(handler.version, handler.text("against"))})


def _rows(handler: _Handler) -> tuple[str, bytes]:
    names = ("style", "maker", "split", "text", "reason", "mark", "change")
    query = Query(**{name: handler.text(name) for name in names}, order=handler.text("order", "stored"))
    where = handler.number("offset"), handler.number("limit", 50)
    to_end = handler.text("to_end") == "1"
    return _json(handler.server.viewer.page(handler.version, query, handler.text("against"), *where, to_end=to_end))


def _card(handler: _Handler) -> tuple[str, bytes]:
    return _json(handler.server.viewer.card(handler.version, handler.number("n"), handler.text("against")))


def _overview(handler: _Handler) -> tuple[str, bytes]:
    return _json(handler.server.viewer.overview(handler.version))


def _rejects(handler: _Handler) -> tuple[str, bytes]:
    limit = min(200, handler.number("limit", 50))
    return _json(
        handler.server.viewer.rejects(handler.version, handler.text("reason"), handler.number("offset"), limit)
    )


def _image(handler: _Handler) -> tuple[str, bytes]:
    side = handler.number("side", _SIDES[-1])
    if side not in _SIDES:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, f"side: give one of {', '.join(map(str, _SIDES))}.")
    try:
        data = handler.server.viewer.image(handler.version, handler.number("n"), handler.number("i"))
        return "image/jpeg", shrink(data, side)
    except (NoImageError, PictureError) as exc:
        raise _RefusedError(HTTPStatus.NOT_FOUND, str(exc)) from exc


def _mark(handler: _Handler) -> tuple[str, bytes]:
    """Raises: _RefusedError for what is not JSON as the page sends it."""
    if (handler.headers.get("Content-Type") or "").partition(";")[0] != "application/json":
        raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A mark is sent as JSON.")
    try:
        sent = json.loads(handler.sent)
        version, number, value, why = sent["v"], sent["n"], sent["mark"], sent.get("why") or ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _RefusedError(
            HTTPStatus.BAD_REQUEST, 'A mark is {"v": VERSION, "n": ROW, "mark": ..., "why": ...}.'
        ) from None
    if not (isinstance(version, str) and type(number) is int and isinstance(why, str)):
        raise _RefusedError(
            HTTPStatus.BAD_REQUEST, "A mark names a version, a row by its number, and a reason as text."
        )
    return _json(handler.server.viewer.mark(version, number, value, why))


_GET: dict[str, Callable[[_Handler], tuple[str, bytes]]] = {
    "": _page,
    "view.css": lambda handler: ("text/css; charset=utf-8", fragments.styles().encode()),
    "view.js": lambda handler: ("text/javascript; charset=utf-8", fragments.script().encode()),
    "icon.svg": lambda handler: ("image/svg+xml", fragments.icon().encode()),
    "facets": _facets,
    "rows": _rows,
    "card": _card,
    "overview": _overview,
    "rejects": _rejects,
    "image": _image,
}
_POST: dict[str, Callable[[_Handler], tuple[str, bytes]]] = {"mark": _mark}
