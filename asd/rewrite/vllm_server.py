"""A vLLM server of our own, under the interpreter that has vLLM."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from asd.errors import ServerError, UsageError
from asd.rewrite.own_server import HOST, ServerProgram, own_server
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.vllm_arguments import as_command_line, engine_arguments, quiet_environment

START_S = 1800.0
"""A first start may download the model."""

HAS_VLLM = "import importlib.util, sys; sys.exit(importlib.util.find_spec('vllm') is None)"
"""A program that ends well where vLLM can be imported."""


def vllm_python() -> str:
    """The interpreter that has vLLM: $ASD_VLLM_PYTHON, else this one."""
    return os.environ.get("ASD_VLLM_PYTHON") or sys.executable


@asynccontextmanager
async def vllm_server(settings: RewriterSettings, *, say: Callable[[str], None] | None = None) -> AsyncIterator[str]:
    """Base URL (ending in /v1) of a vLLM that is up; it is ended with the block, or with this process.

    Raises: UsageError where vLLM is missing, or for an argument that is not the user's to set; ServerError as
    `own_server`.
    """
    program = vllm_program(settings)
    await _require_vllm(vllm_python())
    async with own_server(program, say or (lambda text: None)) as base_url:
        yield base_url


def vllm_program(settings: RewriterSettings) -> ServerProgram:
    """Raises: UsageError for an argument that is not the user's to set."""
    arguments = as_command_line({"disable_uvicorn_access_log": True, **engine_arguments(settings)})
    names = dict.fromkeys((settings.model_name, settings.model))

    def command(port: int) -> list[str]:
        place = ["--host", HOST, "--port", str(port), "--served-model-name", *names]
        return [vllm_python(), "-m", "vllm.entrypoints.openai.api_server", *arguments, *place]

    return ServerProgram(
        "vLLM",
        settings.model,
        command,
        settings.cache_path().parent / "vllm-logs",
        START_S,
        "ASD_VLLM_START_S",
        "Check the model's name and the memory it needs; server_args passes arguments on to vLLM.",
        quiet_environment(),
    )


async def _require_vllm(python: str) -> None:
    try:
        probe = await asyncio.create_subprocess_exec(python, "-c", HAS_VLLM)
    except OSError as exc:
        raise ServerError(
            f"the interpreter for vLLM cannot be run: {python}: {exc.strerror}; "
            f"set ASD_VLLM_PYTHON to the python of an environment that has vLLM"
        ) from None
    if await probe.wait():
        raise UsageError(
            f"vLLM is not installed for {python}: `{python} -m pip install vllm`, or set ASD_VLLM_PYTHON to the python "
            f"of an environment that has it, or use --rewriter openai with a server that runs already"
        )
