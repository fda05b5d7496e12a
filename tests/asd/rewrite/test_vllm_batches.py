"""Batches for vLLM's in-process engine and what becomes of its errors, with a stand-in for the engine."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from asd.errors import PreflightError, ServerError
from asd.rewrite.request import Completion, CompletionRequest, ImageInput, Refusal, Sampling
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.vllm_offline import load_engine, messages_of, open_offline

STAND_IN = Path(__file__).resolve().parents[2] / "servers" / "stand_in"


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def forget() -> None:
        for name in [name for name in sys.modules if name.split(".")[0] == "vllm"]:
            del sys.modules[name]

    for name in ("VLLM_LOGGING_STREAM", "VLLM_LOGGING_LEVEL", "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "1")  # so that it is taken back
    monkeypatch.syspath_prepend(str(STAND_IN))
    forget()
    yield
    forget()


def make_settings(folder: Path, model: str = "m", **server_args: Any) -> RewriterSettings:
    cache = folder / "cache.sqlite"
    return RewriterSettings(kind="vllm-offline", model=model, cache=cache, server_args=server_args)


def make_request(text: str) -> CompletionRequest:
    return CompletionRequest("system", text, (), {"type": "object"}, "reply", "test", Sampling())


def ask(settings: RewriterSettings, texts: Sequence[str]) -> list[Completion | Refusal]:
    async def run() -> list[Completion | Refusal]:
        async with open_offline(settings, lambda text: None) as complete:
            return list(await asyncio.gather(*(complete(make_request(text)) for text in texts)))

    return asyncio.run(run())


def test_requests_at_once_are_one_batch_and_the_next_run_asks_nothing(tmp_path: Path) -> None:
    import vllm  # the stand-in

    made: list[Any] = []
    plain = vllm.LLM
    vllm.LLM = lambda **keywords: made.append(plain(**keywords)) or made[-1]
    texts = [f"q{number}" for number in range(50)]
    results = ask(make_settings(tmp_path), texts)
    assert [result.text for result in results if isinstance(result, Completion)] == [f'{{"text":"{t}"}}' for t in texts]
    assert made[0].batches == [50] and made[0].ended
    first = results[0]
    assert isinstance(first, Completion) and (first.prompt_tokens, first.completion_tokens) == (7, 5)
    again = ask(make_settings(tmp_path), texts)
    assert all(isinstance(result, Completion) and result.cached for result in again) and made[1].batches == []


def test_bad_requests_spoil_no_others(tmp_path: Path) -> None:
    texts = [*map(str, range(20)), "too long", *map(str, range(20, 30)), "bad", "last"]
    results = dict(zip(texts, ask(make_settings(tmp_path), texts), strict=True))
    refused = {text: result.reason for text, result in results.items() if isinstance(result, Refusal)}
    assert refused == {"too long": "context_too_long", "bad": "bad_request"}


def test_a_broken_engine_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"vLLM's engine failed: EngineDeadError: EngineCore encountered an issue"):
        ask(make_settings(tmp_path), ["a", "die"])


def test_an_engine_that_refuses_everything_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"refuses every request: this grammar is not supported. Check the model"):
        ask(make_settings(tmp_path), [f"bad {number}" for number in range(25)])


def test_a_model_that_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"cannot load broken: RuntimeError: Engine core initialization failed"):
        load_engine(make_settings(tmp_path, "broken"))


def test_a_context_that_is_too_small(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match=r"context of m is too small: 600 tokens, at least 1024 are needed"):
        load_engine(make_settings(tmp_path, max_model_len=600))


def test_a_vllm_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "__init__.py").write_text("import a_module_it_needs\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ServerError, match="vLLM is installed but does not start: No module named 'a_module_it_needs'"):
        load_engine(make_settings(tmp_path))


def test_images_come_before_the_text() -> None:
    image = ImageInput("aa", "data:image/png;base64,AAAA")
    request = CompletionRequest("", "what?", (image,), {}, "reply", "test", Sampling())
    assert messages_of(request) == [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "text", "text": "what?"},
            ],
        }
    ]


def test_processes_of_the_engine_end_with_a_killed_owner(tmp_path: Path) -> None:
    """The engine's processes are not the server's: nothing but the watch ends them."""
    script = (
        "import subprocess, sys\n"
        "from asd.rewrite.vllm_offline import start_watch\n"
        "engine = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'])\n"
        "watch = start_watch([engine.pid])\n"
        "print(engine.pid, watch.pid, flush=True)\n"
        "input()\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        engine, watch = map(int, owner.stdout.readline().split())
        owner.kill()
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in (engine, watch)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
