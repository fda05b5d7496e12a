"""Servers that repeat the key, send without end, unpack to anything, or ask to be left alone for an hour."""

from __future__ import annotations

import asyncio
import base64
import gzip
import html
import itertools
import json
import resource
import time
import urllib.parse
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.errors import AsdError, ServerError
from asd.rewrite.api_key import HIDDEN, ApiKey
from asd.rewrite.backoff import Pace
from asd.rewrite.completions import open_completions
from asd.rewrite.openai_client import MAX_REPLY_BYTES, ChatClient
from tests.asd.rewrite.transport_cases import QUICK, request_about, settings_for
from tests.asd.robustness.hostile_rows import assert_told, convert, lines, sound_rows
from tests.servers.hostile_server import Answer, HostileServer

KEY = "sk-Hostile_0123456789-abcdefghijklmnop"

WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "swapped": str.swapcase,
    "behind 280 characters": lambda key: "x" * 280 + key,
    "behind 295 characters": lambda key: "x" * 295 + key,
    "cut short": lambda key: key[:20],
    "its end": lambda key: key[-20:],
    "its middle": lambda key: key[8:24],
    "two halves in lines": lambda key: f"{key[:19]}\n{key[19:]}",
    "two halves in quotes": lambda key: f'"{key[:19]}" "{key[19:]}"',
    "letter by letter": " ".join,
    "percent": lambda key: "".join(f"%{ord(letter):02X}" for letter in key),
    "percent twice": lambda key: "".join(f"%25{ord(letter):02x}" for letter in key),
    "quoted for URLs": lambda key: urllib.parse.quote(key, safe=""),
    "JSON escapes": lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key),
    "escaped twice": lambda key: "".join(f"\\\\u{ord(letter):04x}" for letter in key),
    "hex escapes": lambda key: "".join(f"\\x{ord(letter):02x}" for letter in key),
    "HTML": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "HTML in hex": lambda key: "".join(f"&#x{ord(letter):x};" for letter in key),
    "escaped for HTML": html.escape,
    "hex": lambda key: key.encode().hex(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "basic authorisation": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "base64 one on": lambda key: base64.b64encode(f"ab{key}".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(f"Bearer {key}".encode()).decode(),
    "many times": lambda key: f"{key}, " * 200,
    "bearer": lambda key: f"Authorization: Bearer {key}",
}


def tells(text: str) -> bool:
    """Whether eight characters of the key in a row can be read from a text, by the eye or by a decoder."""
    forms = [
        text,
        urllib.parse.unquote(urllib.parse.unquote(text)),
        html.unescape(text),
        text.replace("\\u00", "%").replace("\\x", "%"),
    ]
    forms.append(urllib.parse.unquote(forms[-1].replace("\\", "")))
    plain = ["".join(form.split()).replace('"', "").lower() for form in forms]
    grams = [KEY.lower()[at : at + 8] for at in range(len(KEY) - 7)]
    packed = [base64.b64encode(bytes(before) + KEY.encode()).decode().lower()[4:40] for before in range(3)]
    return any(gram in form for gram in [*grams, KEY.encode().hex()[:16], *packed] for form in plain)


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_the_key_is_hidden_however_it_is_written(write: Callable[[str], str]) -> None:
    key, text = ApiKey(KEY, "$K"), f"Incorrect API key provided: {write(KEY)}. Find yours at https://host."
    shown = key.hide_in(text)
    assert tells(text)
    assert not tells(shown)
    assert HIDDEN in shown
    assert shown.startswith("Incorrect API key provided: ")
    assert shown.endswith(". Find yours at https://host.")
    assert not tells(key.hide_in_body(text.encode()).decode())


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.text(st.characters(codec="utf-8"), max_size=200))
def test_what_stands_around_the_key_stays(before: str, after: str) -> None:
    key = ApiKey(KEY, "$K")
    plain = [text for text in (before, after) if key.hide_in(text) == text]
    if len(plain) == 2 and before[-1:] not in "%\\&#'\"` " and after[:1] not in "'\"` ;":
        assert key.hide_in(before + "|" + KEY + "|" + after).split(HIDDEN)[0] == before + "|"


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_text_without_the_key_stays_as_it_is(text: str) -> None:
    key = ApiKey("\x7fno-text-has-this\x7f", "$K")
    assert key.hide_in(text) == text
    assert ApiKey("EMPTY", "no setting").hide_in(text) == text


def error_of(status: int, write: Callable[[str], str]) -> Callable[[str, Mapping[str, str]], Answer]:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        key = headers["Authorization"].removeprefix("Bearer ")
        body = json.dumps({"error": {"message": write(key), "code": write(key)[:40]}}).encode()
        return status, {"Content-Type": "application/json", "Content-Length": str(len(body))}, iter([body])

    return answer


STATUSES = (400, 401, 403, 404, 413, 422, 429, 500, 503, 529)


@pytest.mark.parametrize("status", STATUSES)
def test_an_echoing_server_gets_no_key_printed(status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", KEY)
    monkeypatch.setattr("asd.rewrite.completions.Pace", lambda: QUICK)
    monkeypatch.setattr("asd.rewrite.preflight._TRIES", 2)
    source = tmp_path / "rows.jsonl"
    source.write_bytes(lines(sound_rows()))
    for write in ("behind 280 characters", "upper", "two halves in quotes", "percent"):
        with HostileServer(error_of(status, WRITTEN[write])) as server:
            outcome = convert(tmp_path, source, "--rewriter", "openai", "--model", "m", "--base-url", server.base_url,
                              "--api-key-env", "OUR_SECRET", "--rewrite-cache", tmp_path / "c.sqlite")  # fmt: skip
        assert_told(outcome)
        assert not tells(outcome.err + outcome.out)


def reply_of(path: str, headers: Mapping[str, str]) -> Answer:
    """A sound reply that repeats the key in its text, its list of models, and what not."""
    key = headers["Authorization"].removeprefix("Bearer ")
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": json.dumps({"wrong": key})},
    }
    found = {"data": [{"id": key, "owned_by": key}]} if path.endswith("/models") else {"choices": [choice]}
    body = json.dumps(found).encode()
    return 200, {"Content-Type": "application/json", "Content-Length": str(len(body))}, iter([body])


def test_a_key_in_a_reply_is_stored_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(server: HostileServer) -> tuple[str, str]:
        client = ChatClient(server.base_url, ApiKey(KEY, "$K"), 5.0)
        try:
            return (await client.chat(b"{}")).text, (await client.models())[0].name
        finally:
            await client.close()

    with HostileServer(reply_of) as server:
        text, name = asyncio.run(ask(server))
    assert HIDDEN in text
    assert name == HIDDEN
    assert not tells(text)


def endless(piece: bytes) -> Iterator[bytes]:
    return itertools.repeat(piece)


def packed_zeros(megabytes: int, window: int) -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    for _ in range(megabytes):
        yield packer.compress(bytes(1 << 20))
    yield packer.flush()


JSON_TYPE = {"Content-Type": "application/json"}
CHUNK = b"10000\r\n" + b" " * (1 << 16) + b"\r\n"
TWICE = gzip.compress(b"".join(packed_zeros(100, 31)))
EXPLODING: dict[str, Callable[[], Answer]] = {
    "without end": lambda: (200, JSON_TYPE, endless(b" " * (1 << 16))),
    "without end, in chunks": lambda: (200, JSON_TYPE | {"Transfer-Encoding": "chunked"}, endless(CHUNK)),
    "a long length": lambda: (200, JSON_TYPE | {"Content-Length": str(1 << 40)}, endless(b"[" * (1 << 16))),
    "gzip to 1.5 GiB": lambda: (200, JSON_TYPE | {"Content-Encoding": "gzip"}, packed_zeros(1536, 31)),
    "deflate to 1.5 GiB": lambda: (200, JSON_TYPE | {"Content-Encoding": "deflate"}, packed_zeros(1536, 15)),
    "gzip twice": lambda: (200, JSON_TYPE | {"Content-Encoding": "gzip, gzip"}, iter([TWICE])),
    "an error without end": lambda: (500, JSON_TYPE, endless(b"x" * (1 << 16))),
    "a refusal without end": lambda: (400, JSON_TYPE, endless(b"x" * (1 << 16))),
    "a redirect without end": lambda: (302, JSON_TYPE | {"Location": "/x"}, endless(b"x" * (1 << 16))),
    "nested without end": lambda: (200, JSON_TYPE, iter([b"[" * 10_000_000])),
}  # fmt: skip


@pytest.mark.parametrize("make", EXPLODING.values(), ids=EXPLODING)
def test_replies_are_refused_at_a_bound(make: Callable[[], Answer]) -> None:
    async def ask(server: HostileServer) -> str:
        client = ChatClient(server.base_url, ApiKey(KEY, "$K"), 60.0)
        try:
            with pytest.raises(Exception, match=r"too_long: more than 16 MiB, unpacked|not_json|redirect") as raised:
                await client.chat(b"{}")
            return str(raised.value)
        finally:
            await client.close()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with HostileServer(lambda path, headers: make()) as server:
        asyncio.run(ask(server))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 8 * MAX_REPLY_BYTES


def damaged(path: str, headers: Mapping[str, str]) -> Answer:
    return 200, JSON_TYPE | {"Content-Encoding": "gzip"}, iter([b"\x1f\x8b no gzip at all"])


def test_a_reply_that_does_not_unpack_is_a_fault() -> None:
    from asd.rewrite.faults import Fault

    async def ask(server: HostileServer) -> None:
        client = ChatClient(server.base_url, ApiKey(KEY, "$K"), 5.0)
        try:
            with pytest.raises(Fault, match=r"reset|not_json|timeout"):
                await client.chat(b"{}")
        finally:
            await client.close()

    with HostileServer(damaged) as server:
        asyncio.run(ask(server))


def wait_an_hour(path: str, headers: Mapping[str, str]) -> Answer:
    return 429, {"Retry-After": "3600", "Content-Length": "0"}, iter([])


@pytest.mark.parametrize("value", ["3600", "1e9", "999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "inf"])
def test_an_hour_of_retry_after_at_the_first_call_is_an_error_at_once(value: str, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_bytes(lines(sound_rows()))
    before = time.monotonic()
    with HostileServer(lambda *_: (429, {"Retry-After": value, "Content-Length": "0"}, iter([]))) as server:
        outcome = convert(tmp_path, source, "--rewriter", "openai", "--model", "m", "--base-url", server.base_url,
                          "--max-outage", "3", "--rewrite-cache", tmp_path / "c.sqlite")  # fmt: skip
    assert_told(outcome, "asks to be left alone for", "(Retry-After), longer than --max-outage allows (3 s)")
    assert outcome.code == 3
    assert time.monotonic() - before < 30


def test_an_hour_of_retry_after_in_the_middle_is_said_and_bounded(tmp_path: Path) -> None:
    """The first request is answered by the preflight's look; from then on the server asks for an hour."""
    said: list[str] = []
    is_open = [True]

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if is_open[0]:
            return reply_of(path, {"Authorization": "Bearer m"})
        return wait_an_hour(path, headers)

    async def run(server: HostileServer) -> None:
        settings = settings_for(tmp_path, server, model="m", outage_s=1.0)  # type: ignore[arg-type]
        async with open_completions(settings, said.append, pace=Pace(first_s=0.01, most_s=0.05)) as complete:
            is_open[0] = False
            await complete(request_about("blue"))

    before = time.monotonic()
    with (
        HostileServer(answer) as server,
        pytest.raises(
            ServerError, match=r"still asks to be left alone for 3,600 s \(Retry-After\), after 1 s \(--max-outage\)"
        ),
    ):
        asyncio.run(run(server))
    assert 1.0 <= time.monotonic() - before < 20
    assert [
        line for line in said if "asks to be left alone for 3,600 s (Retry-After); it is asked again after 1 s" in line
    ]


def test_a_server_that_asked_for_an_hour_and_answers_after_all(tmp_path: Path) -> None:
    calls: list[str] = []

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        calls.append(path)
        chats = [one for one in calls if one.endswith("completions")]
        return wait_an_hour(path, headers) if len(chats) == 2 else reply_of(path, {"Authorization": "Bearer m"})

    async def run(server: HostileServer) -> object:
        settings = settings_for(tmp_path, server, model="m", outage_s=1.0)  # type: ignore[arg-type]
        async with open_completions(settings, pace=Pace(first_s=0.01, most_s=0.05)) as complete:
            return await complete(request_about("blue"))

    with HostileServer(answer) as server:
        assert "wrong" in str(asyncio.run(run(server)))


def test_errors_are_of_ours() -> None:
    assert issubclass(ServerError, AsdError)
