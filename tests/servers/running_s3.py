"""Starts the S3 server in a process of its own, and kills it for real."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import pytest

from tests.servers.server_process import ServerProcess


class RunningS3(ServerProcess):
    """An S3 server with one bucket, "bucket"; its files are gone with its process."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        folder.mkdir(parents=True)

    def __enter__(self) -> RunningS3:
        self.begin("tests.servers.s3_server", str(self.folder))
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

    def requests(self) -> list[str]:
        """ "METHOD PATH STATUS" of all requests since the last call of `forget`."""
        path = self.folder / "requests.txt"
        return path.read_text().splitlines() if path.exists() else []

    def forget(self) -> None:
        (self.folder / "requests.txt").unlink(missing_ok=True)


def require_s3() -> None:
    for name in ("s3fs", "moto.server", "flask_cors"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'asd-mcit[s3-server]'")
