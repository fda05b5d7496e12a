"""Starts the S3 server in a process of its own, and kills it for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import pytest

from tests.servers.running import REPO


class RunningS3:
    """An S3 server with one bucket, "bucket"; its files are gone with its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> RunningS3:
        command = [sys.executable, "-m", "tests.servers.s3_server", str(self.folder)]
        environment = {**os.environ, "PYTHONPATH": str(REPO)}
        self._process = subprocess.Popen(command, cwd=REPO, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The usual variables, without retries that would only make a test slow."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        }  # fmt: skip

    def kill(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def requests(self) -> list[str]:
        """ "METHOD PATH STATUS" of all requests since the last call of `forget`."""
        path = self.folder / "requests.txt"
        return path.read_text().splitlines() if path.exists() else []

    def forget(self) -> None:
        (self.folder / "requests.txt").unlink(missing_ok=True)


def require_s3() -> None:
    for name in ("s3fs", "moto.server", "flask_cors"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'asd-mcit[s3-server]'")
