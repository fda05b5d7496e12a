"""An S3 server: moto's, in a process of its own, behind a door that logs each request and can be told to misbehave.
`python -m tests.servers.s3_server FOLDER`; prints its port. FOLDER/requests.txt: one "METHOD PATH STATUS" a line.
FOLDER/hold: while it is there, PUTs of the keys that end as its text says are not answered. FOLDER/keys: while it is
there, only the access keys that it lists are let in, and others are refused as Amazon refuses them."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
_ACCESS_KEY = re.compile(r"Credential=([^/]+)/")
_REFUSAL = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>InvalidAccessKeyId</Code>
<Message>The AWS Access Key Id you provided does not exist in our records.</Message></Error>"""


class Door:
    """WSGI application around another one."""

    def __init__(self, inside: Callable[..., Iterable[bytes]]) -> None:
        self._inside = inside

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if method == "PUT":
            self._hold(path)

        def noting(status: str, *rest: Any) -> Any:
            query = "?list" if "list-type" in environ["QUERY_STRING"] else ""
            with (FOLDER / "requests.txt").open("a") as log:
                log.write(f"{method} {path}{query} {status[:3]}\n")
            return start(status, *rest)

        if not self._is_let_in(environ):
            noting("403 Forbidden", [("Content-Type", "application/xml")])
            return [_REFUSAL if method != "HEAD" else b""]
        return self._inside(environ, noting)

    def _hold(self, path: str) -> None:
        sign = FOLDER / "hold"
        while sign.exists() and path.endswith(sign.read_text()):
            (FOLDER / "held").touch()
            time.sleep(0.02)

    def _is_let_in(self, environ: dict[str, Any]) -> bool:
        if not (FOLDER / "keys").exists():
            return True
        found = _ACCESS_KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
        return found is not None and found[1] in (FOLDER / "keys").read_text().split()


def main() -> None:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None: ...

    application = Door(DomainDispatcherApplication(create_backend_app))
    with make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
