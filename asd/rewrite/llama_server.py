"""A llama.cpp server of our own, for a model in a GGUF file: no GPU needed, nothing to build (package xllamacpp)."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from asd.errors import ServerError, UsageError
from asd.rewrite import llama_child
from asd.rewrite.gguf_file import gguf_bytes, require_gguf
from asd.rewrite.own_server import HOST, ServerProgram, own_server
from asd.rewrite.settings import RewriterSettings

START_S = 600.0
"""A first read of many gigabytes from a slow disk."""
TIMEOUT_S = 900.0
"""Of one request, unless the settings say otherwise: a large model on a small machine writes a few tokens a second."""
SLOTS, CONTEXT = 4, 4096
"""Requests at once, and tokens of prompt and reply of each. Requests at once share the reading of the weights, which is
what a CPU waits for; the long ones among the rewriter's prompts have some 3,000 tokens."""
RESERVED = {
    "model": "it is the rewriter's `model`",
    "model_alias": "it is the rewriter's `model`",
    "hostnames": "the server listens on this machine alone",
    "port": "a free one is chosen",
    "api_keys": "the server listens on this machine alone",
    "n_ctx": "say `context`, the tokens of one request; there are `slots` of them",
    "n_parallel": "say `slots`",
}
"""Parameters that are not the user's to set here, each with its reason."""
_OWN = ("threads", "slots", "context")


@asynccontextmanager
async def llama_server(
    settings: RewriterSettings, *, say: Callable[[str], None] | None = None
) -> AsyncIterator[tuple[str, RewriterSettings]]:
    """Base URL (ending in /v1) of a server that is up, and the settings to ask it with: no more requests at once than it
    has slots, and time for slow machines. It is ended with the block, or with this process.

    Raises: UsageError where the file is no model, the package is missing or a parameter is none; ServerError where the
    model is larger than the memory, and as `own_server`.
    """
    check_llama(settings)
    program = llama_program(settings)
    await _try_parameters(settings)
    async with own_server(program, say or (lambda text: None)) as base_url:
        yield base_url, _as_asked(settings)


def check_llama(settings: RewriterSettings) -> None:
    """What can be told without starting anything. Raises: UsageError, ServerError."""
    require_gguf(settings.model)
    if importlib.util.find_spec("xllamacpp") is None:
        raise _package_missing()
    parameters = _parameters(settings)
    size, memory = gguf_bytes(Path(settings.model)), usable_memory()
    if memory is not None and size > memory and "n_gpu_layers" not in parameters:
        raise ServerError(
            f"{settings.model} has {size / 2**30:.1f} GiB and this machine {memory / 2**30:.1f} GiB of memory: take a "
            f"smaller model or a smaller quantisation (a model of 7 billion weights has about 4.5 GiB as Q4_K_M). If a GPU "
            f"is to hold it, say so: --server-arg n_gpu_layers=999"
        )


def llama_program(settings: RewriterSettings) -> ServerProgram:
    """Raises: UsageError for a parameter that is not the user's to set."""
    parameters = _parameters(settings)

    def command(port: int) -> list[str]:
        return [*_CHILD, "serve", _asked(settings, port, parameters)]

    return ServerProgram(
        "llama.cpp",
        settings.model,
        command,
        settings.cache_path().parent / "llama-logs",
        START_S,
        "ASD_LLAMA_START_S",
        "Check that the file is a whole model for chat, and the memory: fewer slots or a smaller context need less "
        "(--server-arg slots=1 --server-arg context=2048).",
        port_taken=("couldn't bind", "address already in use"),
    )


_CHILD = (sys.executable, "-P", str(Path(llama_child.__file__)))


def _asked(settings: RewriterSettings, port: int, parameters: dict[str, Any]) -> str:
    model = str(Path(settings.model).resolve())
    return json.dumps(
        {"model": model, "alias": settings.model_name, "host": HOST, "port": port, "parameters": parameters}
    )


def _parameters(settings: RewriterSettings) -> dict[str, Any]:
    """Parameters of llama.cpp by name. Raises: UsageError."""
    given = {name.lstrip("-").replace("-", "_"): value for name, value in settings.server_args.items()}
    for name, reason in RESERVED.items():
        if name in given:
            raise UsageError(f"server_args: {name} cannot be set: {reason}")
    own = {name: _count(name, given.pop(name)) for name in _OWN if name in given}
    threads, slots = own.get("threads", usable_cores()), slots_of(settings)
    made = {"n_parallel": slots, "n_ctx": slots * own.get("context", CONTEXT)}
    if threads is not None:
        made |= {"cpuparams.n_threads": threads, "cpuparams_batch.n_threads": threads}
    return {**made, **given}


def slots_of(settings: RewriterSettings) -> int:
    """Requests that the server works on at once. Raises: UsageError."""
    return min(_count("slots", settings.server_args.get("slots", SLOTS)), settings.max_in_flight)


def _count(name: str, value: object) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"server_args: {name} is {value!r}; it must be a whole number from 1 on")
    return number


def _as_asked(settings: RewriterSettings) -> RewriterSettings:
    changes: dict[str, Any] = {"max_in_flight": slots_of(settings)}
    if "timeout_s" not in settings.model_fields_set:
        changes["timeout_s"] = TIMEOUT_S
    return settings.model_copy(update=changes)


async def _try_parameters(settings: RewriterSettings) -> None:
    """A process tries them on, as one that serves would. Raises: UsageError."""
    asked = _asked(settings, 0, _parameters(settings))
    probe = await asyncio.create_subprocess_exec(
        *_CHILD, "check", asked, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await probe.communicate()
    if probe.returncode == llama_child.NO_PACKAGE:
        raise _package_missing()
    if probe.returncode == llama_child.BAD_PARAMETER:
        raise UsageError(out.decode("utf-8", "replace").strip())
    if probe.returncode:
        last = (err.decode("utf-8", "replace").strip().splitlines() or ["no word"])[-1]
        raise ServerError(f"the package xllamacpp does not load: {last}. Install it anew: pip install -U xllamacpp")


def _package_missing() -> UsageError:
    return UsageError(
        "the rewriter llama-cpp needs the package xllamacpp: pip install 'asd-mcit[llama-cpp]' (or use --rewriter openai "
        "with a server that runs already)"
    )


def usable_cores() -> int | None:
    """Cores that this process may use, of which threads beyond their number only get in each other's way; None where
    llama.cpp knows better (it tells fast cores from slow ones on macOS)."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    allowed = os.sched_getaffinity(0)
    siblings = {_read(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") or str(cpu) for cpu in allowed}
    quota, period = (_read("/sys/fs/cgroup/cpu.max") or "max 1").split()[:2]
    limit = max(1, int(quota) // int(period)) if quota.isdigit() else len(siblings)
    return min(len(siblings), limit)


def usable_memory() -> int | None:
    """Bytes that this machine or container has; None where it does not tell."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    limit = _read("/sys/fs/cgroup/memory.max")
    return min(machine, int(limit)) if limit.isdigit() else machine


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
