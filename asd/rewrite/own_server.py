"""A model server of our own: started, watched, restarted after a crash, and gone when we are.

The server is another program: it listens on this machine alone and writes to a log file. Its address stays the same over
restarts, so a client that tries again needs to know nothing of them. Which program it is, a `ServerProgram` says.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import shlex
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from asd.errors import ServerError
from asd.rewrite import child_guard
from asd.rewrite.process_log import ProcessLog

HOST = "127.0.0.1"
MAX_RESTARTS = 3
"""Crashes in a row; a server that was up for STEADY_S starts a new row."""
STEADY_S = 600.0
_POLL_S = 0.25


@dataclass(frozen=True)
class ServerProgram:
    """A program that serves one model over HTTP, with OpenAI's API below /v1 and a 200 at /health once it is up."""

    name: str
    """What users call it."""
    model: str
    command: Callable[[int], list[str]]
    """Command line for a port."""
    log_folder: Path
    start_s: float
    """How long a start may take; `start_variable` of the environment says otherwise."""
    start_variable: str
    advice: str
    """What to look at when it does not start."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    port_taken: tuple[str, ...] = ("address already in use",)
    """What its log says, in lower case, where somebody else took the port."""

    def start_limit(self) -> float:
        """Raises: ServerError where the variable is no number."""
        given = os.environ.get(self.start_variable, "")
        try:
            return float(given) if given else self.start_s
        except ValueError:
            raise ServerError(f"{self.start_variable} is {given!r}; it must be a number of seconds") from None


@asynccontextmanager
async def own_server(program: ServerProgram, say: Callable[[str], None]) -> AsyncIterator[str]:
    """Base URL (ending in /v1) of a server that is up; it is ended with the block, or with this process.

    Raises: ServerError where it does not start or crashes too often (the block is then cancelled).
    """
    server = OwnServer(program, say)
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


class OwnServer:
    """One server process after the other at one address."""

    def __init__(self, program: ServerProgram, say: Callable[[str], None]) -> None:
        self._program, self._say = program, say
        self._process: asyncio.subprocess.Process | None = None
        self._lifeline = -1
        self._started = 0.0
        self.port = free_port()
        self.log = ProcessLog(program.log_folder, f"server-{os.getpid()}-{self.port}")
        self.lost: ServerError | None = None
        """Why there is no server any more; None as long as there is hope."""

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}/v1"

    async def start(self) -> None:
        """Raises: as `own_server`."""
        self._say(f"starting {self._program.name} with {self._program.model} (log: {self.log.path})")
        try:
            await self._start_once()
        except ServerError:
            if not any(map(self.log.mentions, self._program.port_taken)):
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
        name = self._program.name
        if crashes > MAX_RESTARTS:
            self.lost = ServerError(f"{name} crashed {crashes} times and is given up. {self._evidence()}")
            raise self.lost
        self._say(f"{name} ended ({self.log.last_status()}); starting it again, {crashes} of {MAX_RESTARTS}")
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
        self._say(f"{self._program.name} is up after {self._started - begin:.0f} s at {self.base_url}")

    async def _spawn(self) -> None:
        reader, self._lifeline = os.pipe()
        guard = [sys.executable, "-I", str(Path(child_guard.__file__)), "run", *self._program.command(self.port)]
        try:
            with self.log.open_for_process() as log:
                self._process = await asyncio.create_subprocess_exec(
                    *guard, stdin=reader, stdout=log, stderr=log, env=self._program.environment, start_new_session=True
                )
        finally:
            os.close(reader)

    async def _wait_until_healthy(self, begin: float) -> None:
        assert self._process is not None
        name, limit = self._program.name, self._program.start_limit()
        while self._process.returncode is None:
            if await asyncio.to_thread(_is_healthy, self.port):
                return
            if time.monotonic() - begin > limit:
                raise ServerError(
                    f"{name} was not ready after {limit:.0f} s (${self._program.start_variable} sets the limit). "
                    f"{self._evidence()}"
                )
            await asyncio.sleep(_POLL_S)
        raise ServerError(f"{name} did not start ({self.log.last_status()}). {self._evidence()}")

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

    def _evidence(self) -> str:
        return (
            f"Its log, {self.log.path}, ends with:\n{self.log.tail()}\n"
            f"Command: {shlex.join(self._program.command(self.port))}\n"
            f"{self._program.advice}"
        )


def free_port() -> int:
    """A port of this machine that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5.0)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
