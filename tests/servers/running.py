"""Starts the scripted server in a process of its own, and kills it for real."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.servers.server_process import ServerProcess


class RunningServer(ServerProcess):
    """A scripted server. `script`: fields of `scripted_server.Script`. Its address outlives its process."""

    def __init__(self, log: Path | None = None, certificate: Path | None = None, **script: Any) -> None:
        super().__init__()
        self.log, self._certificate, self._script = log, certificate, script
        self._starts = 0

    def __enter__(self) -> RunningServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    @property
    def base_url(self) -> str:
        return f"{'http' if self._certificate is None else 'https'}://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """At the same port as before, if there was one. Returns when it listens."""
        options = ["--port", str(self.port), "--script", json.dumps({"first_try": 7 * self._starts, **self._script})]
        self._starts += 1
        options += [] if self.log is None else ["--log", str(self.log)]
        options += [] if self._certificate is None else ["--certificate", str(self._certificate)]
        self.begin("tests.servers.scripted_server", *options)

    def control(self, **changes: Any) -> None:
        """Change the script of the running server."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/control", json.dumps(changes).encode())
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request, timeout=10).close()

    def told(self) -> dict[str, Any]:
        """`counts` of answers by kind, `peak` of requests at once, `running`, `waiting`; since the last start."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/control", timeout=10) as response:
            told: dict[str, Any] = json.load(response)
            return told

    def answered(self) -> Counter[str]:
        """How often each request was answered well, over all starts; without those of the preflight."""
        assert self.log is not None
        if not self.log.exists():
            return Counter()
        lines = map(json.loads, self.log.read_text().splitlines())
        return Counter(line["request"] for line in lines if line["schema"] != "asd_preflight")
