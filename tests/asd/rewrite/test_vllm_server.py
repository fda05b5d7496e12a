"""The server's life, with a stand-in for vLLM that starts at once: real processes, real kills."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from asd.errors import BudgetError, ServerError, UsageError
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.vllm_arguments import as_command_line, as_keywords, engine_arguments
from asd.rewrite.vllm_server import vllm_program, vllm_server

REPO = Path(__file__).resolve().parents[3]
STAND_IN = REPO / "tests" / "servers" / "stand_in"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RewriterSettings:
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    monkeypatch.setenv("ASD_VLLM_PYTHON", sys.executable)
    return RewriterSettings(
        kind="vllm", model="some/model", cache=tmp_path / "cache.sqlite", server_args={"max_model_len": 512}
    )


def ask(base_url: str) -> dict[str, Any]:
    """What the stand-in tells of itself. Raises: OSError while it is down."""
    with urllib.request.urlopen(base_url.removesuffix("/v1"), timeout=5) as response:
        told: dict[str, Any] = json.load(response)
        return told


async def ask_until_new(base_url: str, old: int) -> dict[str, Any]:
    """The same from the first process after process `old`."""
    for _ in range(200):
        await asyncio.sleep(0.05)
        try:
            told = await asyncio.to_thread(ask, base_url)
        except OSError:
            continue
        if told["pids"][0] != old:
            return told
    raise AssertionError("no new server within 10 s")


def assert_gone(pids: list[int]) -> None:
    """Within 5 s; a zombie that nobody has waited for is gone as well."""
    deadline = time.monotonic() + 5
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still running: {[pid for pid in pids if is_running(pid)]}"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def test_up_within_the_block_and_gone_after_it(settings: RewriterSettings) -> None:
    said: list[str] = []

    async def run() -> dict[str, Any]:
        async with vllm_server(settings, say=said.append) as base_url:
            assert base_url.endswith("/v1")
            return await asyncio.to_thread(ask, base_url)

    told = asyncio.run(run())
    assert_gone(told["pids"])
    line = " ".join(told["argv"])
    assert "--host 127.0.0.1" in line and "--served-model-name some/model" in line and "--max-model-len 512" in line
    assert told["env"]["VLLM_NO_USAGE_STATS"] == "1"
    log = Path(said[0].split("log: ")[1].rstrip(")"))
    assert log.parent == settings.cache_path().parent / "vllm-logs" and log.exists()


def test_killed_server_comes_back_at_the_same_address(settings: RewriterSettings) -> None:
    said: list[str] = []

    async def run() -> None:
        async with vllm_server(settings, say=said.append) as base_url:
            first = await asyncio.to_thread(ask, base_url)
            os.kill(first["pids"][0], signal.SIGKILL)
            second = await ask_until_new(base_url, first["pids"][0])
            assert_gone(first["pids"])
            assert all(is_running(pid) for pid in second["pids"])

    asyncio.run(run())
    assert "vLLM ended (killed by SIGKILL); starting it again, 1 of 3" in said


def test_gives_up_after_crashes_in_a_row_and_cancels_the_block(
    settings: RewriterSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "crash")

    async def run() -> None:
        async with vllm_server(settings):
            await asyncio.sleep(60)

    start = time.monotonic()
    with pytest.raises(ServerError, match=r"(?s)vLLM crashed 4 times and is given up.*exit status 7") as caught:
        asyncio.run(run())
    assert time.monotonic() - start < 30
    assert isinstance(caught.value, ServerError) and caught.value.__cause__ is None


def test_reason_of_a_failed_start_is_found_in_the_log(
    settings: RewriterSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "fail")
    with pytest.raises(ServerError, match=r"did not start \(exit status 3\)") as caught:
        asyncio.run(enter(settings))
    text = str(caught.value)
    assert "ValueError: no GPU has 900 GB of memory" in text and "line 39" in text and "line 2\n" not in text
    assert "vllm.entrypoints.openai.api_server" in text


async def enter(settings: RewriterSettings) -> None:
    async with vllm_server(settings):
        raise AssertionError("entered")


def test_hanging_start_ends_at_the_limit(settings: RewriterSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "hang")
    monkeypatch.setenv("ASD_VLLM_START_S", "0.5")
    with pytest.raises(ServerError, match=r"not ready after 0 s|not ready after 1 s"):
        asyncio.run(enter(settings))


def test_start_limit_must_be_a_number(settings: RewriterSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASD_VLLM_START_S", "soon")
    with pytest.raises(ServerError, match="ASD_VLLM_START_S is 'soon'; it must be a number of seconds"):
        asyncio.run(enter(settings))


def test_another_port_is_taken_when_somebody_was_faster(
    settings: RewriterSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STAND_IN", "port_taken")
    monkeypatch.setenv("STAND_IN_MARK", str(tmp_path / "mark"))

    async def run() -> None:
        async with vllm_server(settings) as base_url:
            await asyncio.to_thread(ask, base_url)

    asyncio.run(run())
    assert (tmp_path / "mark").exists()


def test_interpreter_without_vllm_is_told_how_to_get_it(
    settings: RewriterSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = tmp_path / "bare-python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setenv("ASD_VLLM_PYTHON", str(bare))
    with pytest.raises(UsageError, match=r"vLLM is not installed for .*bare-python: .* -m pip install vllm"):
        asyncio.run(enter(settings))


def test_interpreter_that_is_not_there(settings: RewriterSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASD_VLLM_PYTHON", "/nowhere/python")
    with pytest.raises(ServerError, match=r"cannot be run: /nowhere/python: No such file.*set ASD_VLLM_PYTHON"):
        asyncio.run(enter(settings))


def test_the_blocks_own_error_comes_out_as_it_is(settings: RewriterSettings) -> None:
    pids: list[int] = []

    async def run() -> None:
        async with vllm_server(settings) as base_url:
            pids.extend((await asyncio.to_thread(ask, base_url))["pids"])
            raise BudgetError("spent")

    with pytest.raises(BudgetError, match="spent"):
        asyncio.run(run())
    assert_gone(pids)


def test_server_goes_with_a_killed_owner(settings: RewriterSettings) -> None:
    script = (
        "import asyncio, sys, urllib.request\n"
        "from asd.rewrite.settings import RewriterSettings\n"
        "from asd.rewrite.vllm_server import vllm_server\n"
        "async def main():\n"
        "    settings = RewriterSettings(kind='vllm', model='m', cache=sys.argv[1])\n"
        "    async with vllm_server(settings) as url:\n"
        "        print(url, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    path = f"{STAND_IN}{os.pathsep}{REPO}"
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(settings.cache)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert owner.stdout is not None
    with owner.stdout:
        pids = ask(owner.stdout.readline().decode().strip())["pids"]
        owner.kill()
        owner.wait()
    assert_gone(pids)


def test_arguments_that_are_not_the_users() -> None:
    settings = RewriterSettings(kind="vllm", model="m", server_args={"--served-model-name": "x"})
    with pytest.raises(UsageError, match="server_args: served_model_name cannot be set: it is the rewriter's `model`"):
        vllm_program(settings)


def test_arguments_on_the_command_line_and_as_keywords(tmp_path: Path) -> None:
    given: dict[str, str | int | float | bool] = {
        "enforce-eager": True,
        "enable_prefix_caching": False,
        "limit_mm_per_prompt": '{"image": 2}',
        "gpu_memory_utilization": 0.5,
    }
    settings = RewriterSettings(kind="vllm", model=str(tmp_path), server_args=given)
    arguments = engine_arguments(settings)
    line = as_command_line(arguments)
    assert line[line.index("--model") + 1] == str(tmp_path)
    assert "--enforce-eager" in line and "--no-enable-prefix-caching" in line
    assert line[line.index("--gpu-memory-utilization") + 1] == "0.5"
    keywords = as_keywords(arguments)
    assert keywords["limit_mm_per_prompt"] == {"image": 2} and keywords["enforce_eager"] is True
    assert keywords["structured_outputs_config"] == {"backend": "guidance", "disable_any_whitespace": True}


def test_a_commit_is_passed_on_as_revision_and_nothing_else_is() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert engine_arguments(RewriterSettings(kind="vllm", model="m", revision=commit))["revision"] == commit
    assert "revision" not in engine_arguments(RewriterSettings(kind="vllm", model="m", revision="int4 of June"))


def test_argument_that_looks_like_json_and_is_none() -> None:
    settings = RewriterSettings(kind="vllm-offline", model="m", server_args={"limit_mm_per_prompt": "{image: 2}"})
    with pytest.raises(UsageError, match=r"server_args: '\{image: 2\}' is not JSON"):
        as_keywords(engine_arguments(settings))
