"""A web server that does not give the source is quoted: what it said, and what to do."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.errors import SourceError
from asd.remote.object_store import reason, shown
from tests.asd.sources_made import record, write_lines


class _Refusing(http.server.BaseHTTPRequestHandler):
    """Answers /<status>/... with that status."""

    def do_GET(self) -> None:
        self.send_error(int(self.path.split("/")[1]))

    do_HEAD = do_GET  # noqa: N815  (the names that the library looks for)

    def log_message(self, *_: Any) -> None: ...


class _Giving(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, r"the server wants to know who asks \(401 Unauthorized\)\. Fetch the file by hand"),
        (403, r"the server refuses to give it \(403 Forbidden\)\. Fetch the file by hand"),
        (404, r"there is no such file or folder \(404 Not Found\)\. Check the spelling\."),
        (410, r"there is no such file or folder any more \(410 Gone\)\. Look for another copy\."),
        (418, r"the server refuses to give it \(418 I'm a Teapot\)\."),
        (429, r"the server was asked too often \(429 Too Many Requests\)\. Try again later\."),
        (500, r"the server fails \(500 Internal Server Error\)\. Try again later\."),
        (503, r"the server fails \(503 Service Unavailable\)\. Try again later\."),
    ],
)
def test_the_servers_answer_is_told(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, message: str
) -> None:
    monkeypatch.setenv("ASD_SPOOL", str(tmp_path / "spool"))
    url = f"{server}/{status}/rows.jsonl"
    with pytest.raises(SourceError, match=f"{url}: {message}"):
        asd.convert("vqav2", url, out=tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://host/a.json?Signature=s3cret&x=1", "https://host/a.json"),
        ("https://me:s3cret@host:8/a.json", "https://host:8/a.json"),
        ("http://s3cret@host/a@b.json?v", "http://host/a@b.json"),
        ("https://host/a@b/c.json", "https://host/a@b/c.json"),
        ("s3://bucket/what?.json", "s3://bucket/what?.json"),
    ],
)
def test_signatures_and_passwords_are_told_nowhere(url: str, told: str) -> None:
    assert shown(url) == told
    if url.startswith("http"):
        assert reason(ValueError(f"403, url='{url}'"), url) == f"ValueError: 403, url='{told}'."


def test_a_signed_source_without_a_usable_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASD_SPOOL", str(tmp_path / "spool"))
    write_lines(tmp_path / "rows.jsonl", [record("1", "What is it?", "")])
    handler = functools.partial(_Giving, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{running.server_port}/rows.jsonl"
        with pytest.raises(SourceError, match=rf"source {url} \(") as refused:
            asd.convert("vqav2", f"{url}?token=s3cret", out=tmp_path / "data")
        running.shutdown()
        thread.join()
    assert "s3cret" not in str(refused.value)
