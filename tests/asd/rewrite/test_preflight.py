"""Wrong keys, models, contexts and servers are found before any work, each with one clear message."""

from __future__ import annotations

import asyncio
import logging
import pickle
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from asd.errors import KeyRefusedError, PreflightError, RewriterError, ServerError, UsageError
from asd.rewrite.api_key import ApiKey, read_api_key
from asd.rewrite.completions import Completions, open_completions
from asd.rewrite.request import Completion, Refusal
from asd.rewrite.settings import RewriterSettings
from tests.asd.rewrite.transport_cases import QUICK, an_image, ask_all, names, request_about, settings_for, texts
from tests.servers.running import RunningServer

SECRET = "sk-very-secret-0123456789"


@pytest.fixture(scope="module")
def module_server() -> Iterator[RunningServer]:
    with RunningServer() as server:
        yield server


@pytest.fixture
def server(module_server: RunningServer) -> RunningServer:
    module_server.control(always=None, next=[], key=None, context=8192, images=True, schemas=True, prose=False)
    return module_server


def look(settings: RewriterSettings, said: list[str] | None = None) -> Completions:
    async def run() -> Completions:
        async with open_completions(settings, (said if said is not None else []).append, pace=QUICK) as complete:
            return complete

    return asyncio.run(run())


def test_what_the_server_can_do_is_found_out(server: RunningServer, tmp_path: Path) -> None:
    found = look(settings_for(tmp_path, server, images="auto"))
    assert (found.structured, found.images, found.context) == (True, True, 8192)


def test_unknown_model_lists_those_that_are_there(server: RunningServer, tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match=r"has no model 'scriptd'; did you mean 'scripted'\? \(it has: scripted\)"):
        look(settings_for(tmp_path, server, model="scriptd"))


def test_context_too_small(server: RunningServer, tmp_path: Path) -> None:
    server.control(context=600)
    with pytest.raises(
        PreflightError, match=r"context of scripted is too small: 600 tokens, at least 1024 .*max-model-len"
    ):
        look(settings_for(tmp_path, server))


def test_images_where_the_model_takes_none(server: RunningServer, tmp_path: Path) -> None:
    server.control(images=False)
    assert not look(settings_for(tmp_path, server, images="auto")).images
    with pytest.raises(PreflightError, match=r"scripted takes no images .*use a vision model, or --images auto"):
        look(settings_for(tmp_path, server, images="always"))


def test_server_without_schemas_is_asked_without(server: RunningServer, tmp_path: Path) -> None:
    server.control(schemas=False, prose=True)
    said: list[str] = []

    async def run() -> Completion | Refusal:
        async with open_completions(settings_for(tmp_path, server), said.append, pace=QUICK) as complete:
            assert not complete.structured
            return await complete(request_about("red"))

    reply = asyncio.run(run())
    assert isinstance(reply, Completion) and reply.text.startswith("Here is the JSON")
    assert said == ["scripted takes no JSON schema: replies are parsed and repaired instead"]
    assert not look(settings_for(tmp_path, kind="cache")).structured


def test_images_are_sent_as_parts(server: RunningServer, tmp_path: Path) -> None:
    async def run() -> tuple[Completion | Refusal, ...]:
        async with open_completions(settings_for(tmp_path, server, images="auto"), pace=QUICK) as complete:
            replies = [await complete(request_about("red", images=images)) for images in ((an_image(),), ())]
            assert complete.stats.cache_hits == 0
            return tuple(replies)

    assert all(isinstance(reply, Completion) for reply in asyncio.run(run()))
    assert b"iVBORw0KGgo" not in (tmp_path / "cache.sqlite").read_bytes()


def test_server_that_is_not_there(tmp_path: Path) -> None:
    absent = RunningServer()
    absent.port = 9
    with pytest.raises(ServerError, match=r"no server answers: http://127\.0\.0\.1:9/v1: connect.*ends in /v1"):
        look(settings_for(tmp_path, absent))


def test_one_server_of_two_is_enough(server: RunningServer, tmp_path: Path) -> None:
    absent = RunningServer()
    absent.port = 9

    async def run() -> int:
        async with open_completions(settings_for(tmp_path, absent, server), pace=QUICK) as complete:
            return len(texts(await ask_all(complete, names(20))))

    assert asyncio.run(run()) == 20


def test_preflight_outlives_a_bad_moment(server: RunningServer, tmp_path: Path) -> None:
    server.control(next=["http_500", "reset", "http_429", "half_body", "http_503", "http_500"])
    found = look(settings_for(tmp_path, server, images="auto"))
    assert found.structured and found.images


def test_server_that_stays_broken(server: RunningServer, tmp_path: Path) -> None:
    server.control(always="http_500")
    with pytest.raises(ServerError, match=r"fails again and again before any work is done: http_500"):
        look(settings_for(tmp_path, server))


def test_wrong_key_is_told_without_the_key(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server.control(key="another")
    monkeypatch.setenv("MY_KEY", SECRET)
    caplog.set_level(logging.DEBUG)
    message = r"refuses the API key from \$MY_KEY \(HTTP 401\); check the key"
    with pytest.raises(KeyRefusedError, match=message) as caught:
        look(settings_for(tmp_path, server, api_key_env="MY_KEY"))
    assert SECRET not in "".join(map(str, causes(caught.value))) + caplog.text


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_key_reaches_the_server_and_nothing_else(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server.control(key=SECRET)
    (tmp_path / "key").write_text(f"{SECRET}\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-someone-else")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-of-a-third")
    caplog.set_level(logging.DEBUG)
    settings = settings_for(tmp_path, server, api_key_file=tmp_path / "key")

    async def run() -> str:
        async with open_completions(settings, pace=QUICK) as complete:
            await complete(request_about("red"))
            return repr(vars(complete)) + str(complete.stats.as_dict())

    shown = asyncio.run(run()) + repr(settings) + caplog.text
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name != "key")
    assert SECRET not in shown and SECRET.encode() not in stored


def test_environment_of_openai_is_not_used(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key meant for one service is not sent to another."""
    server.control(key="sk-for-openai")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(KeyRefusedError, match="from no setting"):
        look(settings_for(tmp_path, server))


def test_proxies_of_the_environment_are_not_used(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert look(settings_for(tmp_path, server)).structured


def test_key_that_is_missing_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(KeyRefusedError, match=r"\$MY_KEY is not set"):
        read_api_key("MY_KEY", None)
    monkeypatch.setenv("MY_KEY", " \n")
    with pytest.raises(KeyRefusedError, match=r"\$MY_KEY holds no API key: it is empty"):
        read_api_key("MY_KEY", None)
    with pytest.raises(KeyRefusedError, match=r"absent: cannot read the API key \(api_key_file\): No such file"):
        read_api_key(None, tmp_path / "absent")
    (tmp_path / "letter").write_text("dear friend\nhow are you")
    with pytest.raises(KeyRefusedError, match="a key is one word of plain ASCII on one line"):
        read_api_key(None, tmp_path / "letter")


def test_key_in_the_place_of_its_variable_or_file_is_not_shown() -> None:
    for key in (SECRET, "hf_abcdefghijklmnopqrst", "sk-proj-abcdefghijklmnop" * 12):
        for env, file in ((key, None), (None, Path(key))):
            with pytest.raises(KeyRefusedError, match="not shown: it may be the key itself") as caught:
                read_api_key(env, file)
            assert key not in str(caught.value)


def test_key_is_neither_shown_nor_pickled() -> None:
    key = ApiKey(SECRET, "$MY_KEY")
    assert SECRET not in f"{key!r} {key}" and key.hide_in(f"bad key {SECRET}!") == "bad key [key]!"
    with pytest.raises(TypeError, match="not to be stored"):
        pickle.dumps(key)


def test_plain_http_to_elsewhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    settings = settings_for(tmp_path, base_urls=("http://127.0.0.2:9/v1",), api_key_env="MY_KEY")
    said: list[str] = []
    with pytest.raises(RewriterError):
        look(settings, said)
    assert said == ["http://127.0.0.2:9/v1 is plain HTTP: the API key and the prompts travel unencrypted"]


def test_own_server_kind_without_an_address(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"rewriter vllm: no server to ask"):
        look(settings_for(tmp_path, kind="vllm"))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the test's certificate, is not installed")
    path = tmp_path / "server.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_tls_is_verified_and_own_authorities_can_be_named(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunningServer(certificate=certificate) as server:
        with pytest.raises(PreflightError, match=r"its certificate is not trusted .*SSL_CERT_FILE"):
            look(settings_for(tmp_path, server))
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        assert look(settings_for(tmp_path, server)).structured
