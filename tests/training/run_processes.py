"""Runs in processes of their own: killed for real (SIGKILL) at a chosen call, or two that share the work."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODULES = ["torch", "transformers", "peft", "asd_training.loop", "asd_training.methods.reg_lora_tuning"]


def _run(settings: dict[str, Any], kill_at: tuple[str, int] | None, environment: dict[str, str] | None = None) -> None:
    os.environ.update(environment or {})
    import torch

    from asd_training.config import build_config
    from asd_training.loop import run

    torch.set_num_threads(1)
    if kill_at is not None:
        _die_at(*kill_at)
    run(build_config(settings), lambda text: None)


def _die_at(path: str, call: int) -> None:
    """Replace "module:Class.function" or "module:function" by one that kills this process when called the n-th time."""
    module, _, name = path.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, last = name.split(".")
    for part in outer:
        owner = getattr(owner, part)
    genuine, calls = getattr(owner, last), [0]

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return genuine(*args, **kwargs)

    setattr(owner, last, counted)


def run_in_process(settings: dict[str, Any], kill_at: tuple[str, int] | None = None) -> int:
    """The exit code: 0, or -9 if it was killed. kill_at: (function, number of its call)."""
    return _wait([_start(settings, kill_at)])[0]


def run_limited(settings: dict[str, Any], limit_bytes: int, told: Path) -> int:
    """The exit code of a run that cannot write a file of more bytes; what the RunError said is in `told`."""
    return _wait([_start_process(_run_limited, settings, limit_bytes, told)])[0]


def _run_limited(settings: dict[str, Any], limit_bytes: int, told: Path) -> None:
    import resource

    from asd_training.errors import RunError

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    try:
        _run(settings, None)
    except RunError as exc:
        told.write_text(str(exc))


def run_in_two_processes(settings: dict[str, Any], kill_at: tuple[str, int] | None = None) -> list[int]:
    """Exit codes of two processes that share a run by gloo. kill_at: as for `run_in_process`, in each of them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return _wait([_start(settings, kill_at, shared | {"RANK": rank, "LOCAL_RANK": rank}) for rank in "01"])


def _start(settings: dict[str, Any], *rest: Any) -> Any:
    return _start_process(_run, settings, *rest)


def _start_process(target: Callable[..., None], *arguments: Any) -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    process = context.Process(target=target, args=arguments)
    process.start()
    return process


def _wait(processes: list[Any]) -> list[int]:
    for process in processes:
        process.join(120)
        if process.exitcode is None:
            process.kill()
            process.join()
    return [process.exitcode for process in processes]
