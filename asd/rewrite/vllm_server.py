"""A vLLM server of our own: started, watched, restarted after a crash, and gone when we are.

The server is another program: it runs under the interpreter that has vLLM, listens on this machine alone, and writes
to a log file. Its address stays the same over restarts, so a client that tries again needs to know nothing of them.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import shlex
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from asd.errors import ServerError, UsageError
from asd.rewrite import child_guard
from asd.rewrite.process_log import ProcessLog
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.vllm_arguments import as_command_line, engine_arguments, quiet_environment

HOST = "127.0.0.1"
START_S = 1800.0
"""A first start may download the model; $ASD_VLLM_START_S says otherwise."""
MAX_RESTARTS = 3
"""Crashes in a row; a server that was up for STEADY_S starts a new row."""
STEADY_S = 600.0
_POLL_S = 0.25

_SEARCH = "import importlib.util, sys; sys.exit(importlib.util.find_spec('vllm') is None)"


def vllm_python() -> str:
    """The interpreter that has vLLM: $ASD_VLLM_PYTHON, else this one."""
    return os.environ.get("ASD_VLLM_PYTHON") or sys.executable


@asynccontextmanager
async def vllm_server(settings: RewriterSettings, *, say: Callable[[str], None] | None = None) -> AsyncIterator[str]:
    """Base URL (ending in /v1) of a server that is up; it is ended with the block, or with this process.

    Raises: UsageError where vLLM is missing; ServerError where it does not start or crashes too often (the block is
    then cancelled).
    """
    server = VllmServer(settings, say or (lambda text: None))
    try:
        await server.start()
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(server.keep_up())
            yield server.base_url
            keeper.cancel()
    except BaseExceptionGroup as wrapped:  # by the task group: what the block raised, or the server's end
        error = server.lost or wrapped.exceptions[0]
        raise error from error.__cause__
    finally:
        await server.stop()


class VllmServer:
    """One server process after the other at one address."""

    def __init__(self, settings: RewriterSettings, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._python = vllm_python()
        self._arguments = engine_arguments(settings)
        self._process: asyncio.subprocess.Process | None = None
        self._lifeline = -1
        self._started = 0.0
        self.port = free_port()
        self.log = ProcessLog(settings.cache_path().parent / "vllm-logs", f"server-{os.getpid()}-{self.port}")
        self.lost: ServerError | None = None
        """Why there is no server any more; None as long as there is hope."""

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}/v1"

    async def start(self) -> None:
        """Raises: as `vllm_server`."""
        await self._require_vllm()
        self._say(f"starting vLLM with {self._settings.model} (log: {self.log.path})")
        try:
            await self._start_once()
        except ServerError:
            if not self.log.mentions("address already in use"):
                raise
            await self.stop()
            self.port = free_port()
            await self._start_once()

    async def keep_up(self) -> None:
        """Restarts the server whenever it ends. Raises: ServerError after MAX_RESTARTS crashes in a row."""
        crashes = 0
        while True:
            assert self._process is not None
            await self._process.wait()
            crashes = 1 if time.monotonic() - self._started > STEADY_S else crashes + 1
            while not await self._restarted(crashes):
                crashes += 1

    async def _restarted(self, crashes: int) -> bool:
        if crashes > MAX_RESTARTS:
            self.lost = ServerError(f"vLLM crashed {crashes} times and is given up. {self._evidence()}")
            raise self.lost
        self._say(f"vLLM ended ({self.log.last_status()}); starting it again, {crashes} of {MAX_RESTARTS}")
        await self.stop()
        try:
            await self._start_once()
        except ServerError:
            return False
        return True

    async def _start_once(self) -> None:
        begin = time.monotonic()
        await self._spawn()
        await self._wait_until_healthy(begin)
        self._started = time.monotonic()
        self._say(f"vLLM is up after {self._started - begin:.0f} s at {self.base_url}")

    async def _spawn(self) -> None:
        reader, self._lifeline = os.pipe()
        guard = [sys.executable, "-I", str(Path(child_guard.__file__)), "run", *self._command()]
        try:
            with self.log.open_for_process() as log:
                self._process = await asyncio.create_subprocess_exec(
                    *guard, stdin=reader, stdout=log, stderr=log, env=quiet_environment(), start_new_session=True
                )
        finally:
            os.close(reader)

    async def _wait_until_healthy(self, begin: float) -> None:
        assert self._process is not None
        limit = _start_limit()
        while self._process.returncode is None:
            if await asyncio.to_thread(_is_healthy, self.port):
                return
            if time.monotonic() - begin > limit:
                raise ServerError(
                    f"vLLM was not ready after {limit:.0f} s ($ASD_VLLM_START_S sets the limit). {self._evidence()}"
                )
            await asyncio.sleep(_POLL_S)
        raise ServerError(f"vLLM did not start ({self.log.last_status()}). {self._evidence()}")

    async def stop(self) -> None:
        """Ends the process group. Safe to call at any time, also twice."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), 2 * child_guard.GRACE_S + 5.0)
        except TimeoutError:
            self._process.kill()

    async def _require_vllm(self) -> None:
        try:
            probe = await asyncio.create_subprocess_exec(self._python, "-c", _SEARCH)
        except OSError as exc:
            raise ServerError(
                f"the interpreter for vLLM cannot be run: {self._python}: {exc.strerror}; "
                f"set ASD_VLLM_PYTHON to the python of an environment that has vLLM"
            ) from None
        if await probe.wait():
            raise UsageError(
                f"vLLM is not installed for {self._python}: `{self._python} -m pip install vllm`, or set "
                f"ASD_VLLM_PYTHON to the python of an environment that has it, or use --rewriter openai with a "
                f"server that runs already"
            )

    def _command(self) -> list[str]:
        names = dict.fromkeys((self._settings.model_name, self._settings.model))
        arguments = {"disable_uvicorn_access_log": True, **self._arguments}
        place = ["--host", HOST, "--port", str(self.port), "--served-model-name", *names]
        return [self._python, "-m", "vllm.entrypoints.openai.api_server", *as_command_line(arguments), *place]

    def _evidence(self) -> str:
        return (
            f"Its log, {self.log.path}, ends with:\n{self.log.tail()}\n"
            f"Command: {shlex.join(self._command())}\n"
            f"Check the model's name and the memory it needs; server_args passes arguments on to vLLM."
        )


def free_port() -> int:
    """A port of this machine that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _start_limit() -> float:
    given = os.environ.get("ASD_VLLM_START_S", "")
    try:
        return float(given) if given else START_S
    except ValueError:
        raise ServerError(f"ASD_VLLM_START_S is {given!r}; it must be a number of seconds") from None


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5.0)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
