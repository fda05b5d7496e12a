"""The viewer's server: what it answers, and what it refuses."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from PIL import Image

import asd
from asd.view.figures import FiguresInBackground
from asd.view.server import ViewServer
from asd.view.viewer import Viewer
from tests.asd.cli_runner import run_asd
from tests.asd.view.conftest import EVIL, get, port_of, post


def raw(server: ViewServer, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
    """A request with any headers; the answer's status and text."""
    link = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=30)
    link.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        link.putheader(name, value)
    link.endheaders(body)
    reply = link.getresponse()
    try:
        return reply.status, reply.read().decode()
    finally:
        link.close()


def number_of(server: ViewServer, text: str) -> int:
    return int(get(server, "rows", text=text)["numbers"][0])


def test_only_this_machine_with_the_token_is_answered(server: ViewServer) -> None:
    own = {"Host": f"127.0.0.1:{port_of(server)}"}
    path = f"/{server.token}/"
    assert raw(server, "GET", path, own)[0] == 200
    for name in ("localhost", f"localhost:{port_of(server)}", "[::1]:9", "LOCALHOST:80"):
        assert raw(server, "GET", path, {"Host": name})[0] == 200
    for name in (
        "evil.example",
        f"evil.example:{port_of(server)}",
        "127.0.0.1.evil.example",
        "",
        "localhost:80:80",
        "[::2]",
    ):
        assert raw(server, "GET", path, {"Host": name})[0] == 403
    assert raw(server, "GET", path, {})[0] == 403
    for wrong in (
        "/",
        "//",
        "/x/",
        f"/{server.token[:-1]}/",
        f"/{server.token}x/",
        "/%00/",
        f"/?token={server.token}",
        "/facets",
    ):
        status, told = raw(server, "GET", wrong, own)
        assert (status, "with its token" in told) == (403, True)
    assert raw(server, "GET", path, own | {"Origin": "http://evil.example"})[0] == 403
    assert raw(server, "GET", path, own | {"Origin": f"http://127.0.0.1:{port_of(server)}"})[0] == 200
    assert raw(server, "GET", path, own | {"Origin": "null"})[0] == 403
    assert raw(server, "GET", path, own | {"Origin": "http://["})[0] == 400
    assert raw(server, "GET", "//[x/", own)[0] in (400, 403)


def test_no_path_leads_to_a_file(server: ViewServer) -> None:
    own = {"Host": f"127.0.0.1:{port_of(server)}"}
    for path in (
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "view.css/../x",
        "viewer.py",
        "%2e%2e/",
        "card/",
        "image/x",
    ):
        assert raw(server, "GET", f"/{server.token}/{path}", own)[0] == 404
    assert raw(server, "GET", f"/{server.token}", own)[0] == 404
    for query in ("n=-1", "n=x", "n=1&i=../../x", "n=" + "9" * 30, "n=0&side=99999"):
        assert raw(server, "GET", f"/{server.token}/image?{query}", own)[0] == 400
    assert raw(server, "GET", f"/{server.token}/image?n=0&i=7", own)[0] == 422


def test_an_image_outside_the_root_is_not_given(server: ViewServer, tmp_path: Path) -> None:
    """Nor through a link, or a path that climbs."""
    number = number_of(server, "q3\n") if get(server, "rows", text="q3\n")["numbers"] else number_of(server, "train/q3")
    root = tmp_path / "root"
    (root / "images").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(b"x")
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.jpg")
    (root / "images" / "q3.jpg").symlink_to(tmp_path / "secret.jpg")
    server.viewer.store.record_image_root(server.viewer.first, str(root))
    row = server.viewer.rows_of("v2").row(number)
    assert row["images"][0]["path"] == "images/q3.jpg"
    with pytest.raises(HTTPError, match="404"):
        urlopen(f"{server.url}image?n={number}&i=0", timeout=30)
    assert "not found" in get(server, "card", n=number)["html"]


def test_the_page_may_load_nothing_from_elsewhere(server: ViewServer) -> None:
    with urlopen(server.url, timeout=30) as reply:
        text, policy = reply.read().decode(), reply.headers["Content-Security-Policy"]
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
    assert policy.startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
    )
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert "http" not in text and "onclick" not in text and "style=" not in text
    for name in ("view.js", "view.css"):
        with urlopen(f"{server.url}{name}", timeout=30) as reply:
            assert "http" not in reply.read().decode()


def test_what_is_in_the_data_is_escaped(server: ViewServer) -> None:
    for found in (get(server, "rows", text="<script>")["html"], get(server, "card", n=number_of(server, "<script>"))["html"],
                  get(server, "rejects")["html"]):  # fmt: skip
        assert "<script" not in found and "<img src=x" not in found and "<b>" not in found and "\u202e" not in found
    card = get(server, "card", n=number_of(server, "<script>"))
    assert json.loads(card["json"])["question"] == EVIL  # a copy is exact
    assert "&lt;script&gt;" in card["html"]


def test_images_are_small_pictures_of_our_own_making(server: ViewServer) -> None:
    number = number_of(server, "train/q7")
    with urlopen(f"{server.url}image?n={number}&i=0&side=96", timeout=30) as reply:
        assert reply.headers["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(reply.read())).size == (60, 40)


def test_pages_facets_and_comparison(server: ViewServer) -> None:
    facets = get(server, "facets")
    assert facets["samples"] == 120 and sum(facets["style"].values()) == 120 and facets["change"] is None
    assert [one["names"] for one in facets["versions"]] == [["v1"], ["v2"]]
    page = get(server, "rows", offset=100, limit=50)
    assert (page["numbers"], page["found"], page["complete"]) == ([*range(100, 120)], 120, True)
    assert page["html"].count("<li") == 20
    assert not get(server, "rows", limit=20, style="short_answer")["complete"]  # enough for a page
    assert get(server, "rows", limit=20, style="short_answer", to_end=1)["complete"]
    compared = get(server, "facets", against="v1")
    changed = get(server, "rows", against="v1", change="re-styled")
    assert changed["found"] == compared["change"]["re-styled"] > 5
    card = get(server, "card", n=changed["numbers"][0], against="v1")
    assert card["html"].count('class="asd-card"') == 2 and "The other version" in card["html"]
    assert json.loads(card["json"])["id"] == card["id"]


def test_marks_are_saved_at_once(server: ViewServer, copy: Path) -> None:
    saved = post(server, {"v": "v2", "n": 5, "mark": "bad", "why": "<b>why</b>"})
    assert saved == {"mark": "bad", "why": "<b>why</b>", "counts": {"bad": 1}}
    assert get(server, "card", n=5)["why"] == "<b>why</b>"
    assert get(server, "rows", mark="bad")["numbers"] == [5]
    assert post(server, {"v": "v2", "n": 6, "mark": "good"})["counts"] == {"bad": 1, "good": 1}
    assert get(server, "rows", mark="marked")["numbers"] == [5, 6]
    assert asd.verify(copy).problems == []
    told = run_asd("quality", copy)
    assert "Marked bad by readers: 1 of 2 (wanted: 0)" in told.out and "filter by mark" in " ".join(told.out.split())
    assert json.loads(run_asd("quality", copy, "--json").out)["marked_bad"] == {"<b>why</b>": 1}
    assert post(server, {"v": "v2", "n": 5, "mark": None})["counts"] == {"good": 1}


def test_many_marks_at_once_are_all_kept(server: ViewServer) -> None:
    writers = [
        threading.Thread(target=post, args=(server, {"v": "v2", "n": number, "mark": "good"})) for number in range(12)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=30)
    assert get(server, "facets")["mark"] == {"good": 12}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"v": "v2", "n": 5}, 400), ([], 400), ("x", 400), ({"v": "v2", "n": True, "mark": "bad"}, 400),
        ({"v": "v2", "n": "5", "mark": "bad"}, 400), ({"v": "v2", "n": 5, "mark": "bad", "why": 3}, 400),
        ({"v": "v2", "n": 5, "mark": "so-so"}, 422), ({"v": "v2", "n": -1, "mark": "bad"}, 422),
        ({"v": "../x", "n": 5, "mark": "bad"}, 422), ({"v": "v2", "n": 5, "mark": "bad", "why": "x" * 2001}, 422),
        ({"v": "v2", "n": 5, "mark": "bad", "why": "x" * 70_000}, 413),
    ],
)  # fmt: skip
def test_marks_that_are_refused(server: ViewServer, copy: Path, body: Any, status: int) -> None:
    with pytest.raises(HTTPError, match=str(status)):
        post(server, body)
    assert not list((copy / "marks").glob("*")) if (copy / "marks").exists() else True


def test_a_mark_from_another_page_is_refused(server: ViewServer) -> None:
    body = {"v": "v2", "n": 5, "mark": "bad"}
    with pytest.raises(HTTPError, match="403"):
        post(server, body, Origin="http://evil.example")
    with pytest.raises(HTTPError, match="415"):
        post(server, body, **{"Content-Type": "text/plain"})
    assert get(server, "facets")["mark"] == {}


def test_what_goes_wrong_is_told_to_the_page(server: ViewServer, copy: Path) -> None:
    with pytest.raises(HTTPError) as caught:
        get(server, "rows", style="poem")
    assert "no style named 'poem'" in json.loads(caught.value.read())["error"]
    (copy / "marks").mkdir()
    (copy / "marks" / f"{server.viewer.first}.json").write_text("{")
    with pytest.raises(HTTPError) as caught:
        get(server, "rows")
    assert "holds marks of readers" in json.loads(caught.value.read())["error"]


def test_figures_are_measured_beside_the_page(server: ViewServer) -> None:
    first = get(server, "overview")
    assert "Style mix" in first["html"]
    end = time.monotonic() + 120
    while not (found := get(server, "overview"))["is_done"] and time.monotonic() < end:
        time.sleep(0.1)
    assert "Answer can be read back" in found["html"]


def test_figures_that_come_while_the_page_is_made_are_asked_for_again(
    server: ViewServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says that it is done only where the figures stand in it."""
    states = iter([False, True, True, True])
    monkeypatch.setattr(FiguresInBackground, "is_done", property(lambda self: next(states)))
    assert get(server, "overview")["is_done"] is False


def test_a_page_that_leaves_early_is_no_news(server: ViewServer, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port_of(server))) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leave at once, unread
            link.sendall(f"GET /{server.token}/rows HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert len(get(server, "rows")["numbers"]) == 50
    assert capfd.readouterr().err == ""


def test_rejects(server: ViewServer) -> None:
    facets = get(server, "facets")
    assert sum(facets["rejects"].values()) == 1
    (reason,) = facets["rejects"]
    assert get(server, "rejects", reason=reason)["count"] == 1
    assert get(server, "rejects", reason="other")["count"] == 0
    assert reason in get(server, "rejects")["html"]


@contextlib.contextmanager
def command(copy: Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """`asd view` in a process of its own, which is gone when the block ends, however it ends."""
    words = [sys.executable, "-m", "asd.cli.main", "view", str(copy), "--no-browser"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_the_command_serves_until_it_is_stopped(copy: Path) -> None:
    with command(copy, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(f"{copy} is shown at http://127.0.0.1:")
        with urlopen(line.split()[-1], timeout=30) as reply:
            assert reply.status == 200
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
        assert process.returncode == 0
        assert told == "this machine only; Ctrl-C ends it\nended.\n"


def test_nobody_reads_the_address(copy: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with command(copy, stdout=writing) as process:
        os.close(writing)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told == "error: the address cannot be printed: nobody reads the standard output any more.\n"


def test_a_closed_output_is_served_nevertheless(copy: Path) -> None:
    with command(copy, preexec_fn=lambda: os.close(1)) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "this machine only; Ctrl-C ends it\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == "ended.\n"
        assert process.returncode == 0


def test_what_cannot_be_served(copy: Path, tmp_path: Path) -> None:
    taken = ViewServer(Viewer(copy))
    told = run_asd("view", copy, "--no-browser", "--port", port_of(taken))
    assert told.code == 1 and f"cannot listen on 127.0.0.1:{port_of(taken)}" in told.err
    taken.server_close()
    told = run_asd("view", copy, "--no-browser", "--port", "99999")
    assert told.code == 2 and "--port 99999: give a number from 1 to 65535" in told.err
    assert run_asd("view", tmp_path / "nowhere", "--no-browser").code == 2
    (tmp_path / "two/b").parent.mkdir()
    (tmp_path / "two/a").symlink_to(copy)
    (tmp_path / "two/b").symlink_to(copy)
    told = run_asd("view", tmp_path / "two", "--no-browser")
    assert (
        told.code == 2 and f"two holds several datasets: {tmp_path}/two/a, {tmp_path}/two/b. Name the one" in told.err
    )
    assert "no version named 'v9'" in run_asd("view", f"{copy}@v9", "--no-browser").err
