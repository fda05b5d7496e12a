"""A llama.cpp server of our own: what is said before it starts, and its life with a real small model."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from asd.errors import ServerError, UsageError
from asd.rewrite import llama_server as module
from asd.rewrite.completions import Completions
from asd.rewrite.gguf_file import gguf_parts
from asd.rewrite.llama_server import check_llama, llama_program, llama_server
from asd.rewrite.open_model import look_at_model, open_model
from asd.rewrite.reply_text import Unparsed, parse_reply
from asd.rewrite.request import Completion, CompletionRequest, Refusal, Sampling
from asd.rewrite.settings import RewriterSettings
from asd.schemas.reply_models import SupportVerdict, ThreeDistractors, letter_reply, schema_of
from tests.asd.rewrite.test_vllm_server import assert_gone
from tests.servers.small_model import find_gguf

REPO = Path(__file__).resolve().parents[3]
needs_package = pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="needs the extra llama-cpp")


def made_gguf(folder: Path, name: str = "toy.gguf", content: bytes = b"GGUF and no more") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def settings_for(model: Path | str, cache: Path, **server_args: Any) -> RewriterSettings:
    return RewriterSettings(kind="llama-cpp", model=str(model), cache=cache, server_args=server_args)


def test_the_file_tells_model_and_revision(tmp_path: Path) -> None:
    path = made_gguf(tmp_path)
    for kind in ("llama-cpp", "cache"):
        settings = RewriterSettings.model_validate({"kind": kind, "model": str(path)})
        assert settings.model_name == "toy.gguf"
        assert settings.model_revision == f"sha256:{hashlib.sha256(b'GGUF and no more').hexdigest()}"
    path.write_bytes(b"GGUF of another size")
    assert settings.model_revision == f"sha256:{hashlib.sha256(b'GGUF of another size').hexdigest()}"
    assert settings.identity()["model"] == "toy.gguf" and str(tmp_path) not in str(settings.identity())


def test_a_model_of_several_files_is_hashed_as_one(tmp_path: Path) -> None:
    first = made_gguf(tmp_path, "big-00001-of-00002.gguf", b"GGUF one")
    with pytest.raises(UsageError, match=r"its part big-00002-of-00002.gguf is missing"):
        look_at_model(settings_for(first, tmp_path / "c"))
    second = made_gguf(tmp_path, "big-00002-of-00002.gguf", b"GGUF two")
    assert gguf_parts(first) == [first, second]
    whole = hashlib.sha256(b"GGUF oneGGUF two").hexdigest()
    assert settings_for(first, tmp_path / "c").model_revision == f"sha256:{whole}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.gguf", r"nowhere.gguf: there is no such file"),
        (".", r"is a folder \(it holds junk.gguf\); --model of llama-cpp is one GGUF file"),
        ("junk.gguf", r"junk.gguf is no GGUF file: it begins with b'PK\\x03\\x04', expected b'GGUF'"),
    ],
)
def test_what_is_no_model_is_told_before_any_row(tmp_path: Path, name: str, message: str) -> None:
    made_gguf(tmp_path, "junk.gguf", b"PK\x03\x04 a zip")
    with pytest.raises(UsageError, match=message):
        look_at_model(settings_for(tmp_path / name, tmp_path / "c"))


def test_missing_package_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # as if it were not installed
    with pytest.raises(UsageError, match=r"needs the package xllamacpp: pip install 'asd-mcit\[llama-cpp\]'"):
        check_llama(settings_for(made_gguf(tmp_path), tmp_path / "c"))


@needs_package
def test_model_larger_than_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "usable_memory", lambda: 10)
    path = made_gguf(tmp_path)
    with pytest.raises(ServerError, match=r"GiB of memory: take a smaller model or a smaller quantisation"):
        check_llama(settings_for(path, tmp_path / "c"))
    check_llama(settings_for(path, tmp_path / "c", n_gpu_layers=999))


def test_threads_slots_and_context(tmp_path: Path) -> None:
    cores, memory = module.usable_cores(), module.usable_memory()
    assert (cores is None or 1 <= cores <= len(os.sched_getaffinity(0))) and (memory is None or memory > 1 << 28)
    settings = settings_for(made_gguf(tmp_path), tmp_path / "c", threads=3, slots="2", context=1024)
    line = llama_program(settings).command(8000)[-1]
    assert '"n_parallel": 2, "n_ctx": 2048, "cpuparams.n_threads": 3, "cpuparams_batch.n_threads": 3' in line
    few = settings.model_copy(update={"max_in_flight": 1})
    assert module.slots_of(few) == 1, "more slots than requests would only take memory"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("port", 80, r"server_args: port cannot be set: a free one is chosen"),
        ("n_ctx", 80, r"server_args: n_ctx cannot be set: say `context`"),
        ("slots", 0, r"server_args: slots is 0; it must be a whole number from 1 on"),
        ("threads", "many", r"server_args: threads is 'many'"),
    ],
)
def test_parameters_that_are_not_the_users(tmp_path: Path, name: str, value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        llama_program(settings_for(made_gguf(tmp_path), tmp_path / "c", **{name: value}))


@needs_package
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_gpu_layer", 3, r"llama.cpp has no parameter 'n_gpu_layer'; did you mean n_gpu_layers"),
        ("mmproj.pat", "x", r"llama.cpp has no parameter 'mmproj.pat'; did you mean path"),
        ("mmproj", "x", r"mmproj cannot be set as a whole; its fields are: .*mmproj.path"),
        ("n_batch", "big", r"n_batch is 'big'; expected int"),
        ("warmup", "maybe", r"warmup is 'maybe'; expected bool"),
        ("cache_type_k", "q8", r"cache_type_k is 'q8'; expected GGML_TYPE_F32 or"),
    ],
)
def test_parameters_that_llama_does_not_have(tmp_path: Path, name: str, value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asyncio.run(enter(settings_for(made_gguf(tmp_path), tmp_path / "c", **{name: value})))


@needs_package
def test_a_broken_file_quotes_the_log(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"llama.cpp did not start \(exit status 1\)") as caught:
        asyncio.run(enter(settings_for(made_gguf(tmp_path), tmp_path / "c")))
    assert "failed to load model" in str(caught.value) and "slots=1" in str(caught.value)
    assert list((tmp_path / "llama-logs").glob("server-*.log"))


async def enter(settings: RewriterSettings) -> None:
    async with llama_server(settings):
        raise AssertionError("entered")


@pytest.fixture
def small(tmp_path: Path) -> RewriterSettings:
    return settings_for(find_gguf(), tmp_path / "cache.sqlite", threads=1, slots=2, context=2048)


@pytest.mark.llm
def test_replies_keep_to_their_schema(small: RewriterSettings) -> None:
    said: list[str] = []

    async def run() -> None:
        async with open_model(small, said.append) as complete:
            assert complete.structured and not complete.images and complete.context == 2048
            await replies_parse(complete)
            result = await complete(request_for(SupportVerdict, "word " * 4000))
            assert isinstance(result, Refusal) and result.reason == "context_too_long"

    asyncio.run(run())
    assert said[0].startswith("starting llama.cpp with ") and "is up after" in said[1]


def request_for(reply: type[BaseModel], user: str) -> CompletionRequest:
    return CompletionRequest("Reply in JSON.", user, (), schema_of(reply), "s", "test", Sampling(max_tokens=120))


async def replies_parse(complete: Completions) -> None:
    """A word of a list, a letter, three strings: what guided decoding is for."""
    asked = {
        SupportVerdict: "Is the sky blue?", letter_reply("ABCD"): "Which letter is third? A, B, C, D",
        ThreeDistractors: "Name three animals.",
    }  # fmt: skip
    results = await asyncio.gather(*(complete(request_for(reply, user)) for reply, user in asked.items()))
    for reply, result in zip(asked, results, strict=True):
        assert isinstance(result, Completion) and result.finish_reason == "stop" and result.prompt_tokens > 0
        assert not isinstance(parse_reply(result.text, reply), Unparsed), result.text


@pytest.mark.llm
def test_killed_server_comes_back_and_a_killed_owner_takes_it_along(small: RewriterSettings) -> None:
    said: list[str] = []

    async def run() -> None:
        async with llama_server(small, say=said.append) as (url, asked):
            assert asked.max_in_flight == 2 and asked.timeout_s == module.TIMEOUT_S
            port = url.split(":")[2].removesuffix("/v1")
            (pid,) = servers(port)
            os.kill(pid, signal.SIGKILL)
            while len(said) < 4:
                await asyncio.sleep(0.05)
            assert servers(port) not in ([], [pid])

    asyncio.run(asyncio.wait_for(run(), 120))
    assert said[2] == "llama.cpp ended (killed by SIGKILL); starting it again, 1 of 3"
    owner_is_killed(small)


def owner_is_killed(small: RewriterSettings) -> None:
    script = (
        "import asyncio, sys\n"
        "from asd.rewrite.llama_server import llama_server\n"
        "from asd.rewrite.settings import RewriterSettings\n"
        "async def main():\n"
        "    async with llama_server(RewriterSettings.model_validate_json(sys.argv[1])) as (url, _):\n"
        "        print(url, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, small.model_dump_json()],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(REPO)},
    )
    assert owner.stdout is not None
    with owner.stdout:
        port = owner.stdout.readline().decode().strip().split(":")[2].removesuffix("/v1")
        pids = servers(port)
        assert len(pids) == 1
        owner.kill()
        owner.wait()
    assert_gone(pids)


def servers(port: str) -> list[int]:
    """Processes that serve at `port`; guards have the same words behind others."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if line[2:4] == [str(Path(module.llama_child.__file__)), "serve"] and f'"port": {port}' in line[4]:
            found.append(int(folder.name))
    return found
