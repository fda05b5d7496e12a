"""The quality figures of a version, measured by a process of their own: on a million rows they take minutes, and the page
must not wait."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


class FiguresInBackground:
    """`asd quality --json` at work. `figures` is empty until `is_done`; `trouble` says what went wrong."""

    def __init__(self, root: Path, version: str) -> None:
        self._out = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  (lives as long as the process)
        self._err = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        command = [sys.executable, "-m", "asd.cli.main", "quality", f"{root.absolute()}@{version}", "--json"]
        self._process = subprocess.Popen(command, stdout=self._out, stderr=self._err, stdin=subprocess.DEVNULL)
        self._figures: dict[str, Any] | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self._process.poll() is not None

    @property
    def figures(self) -> dict[str, Any]:
        """Those of `asd.quality.figures`; empty while they are measured, and where that failed."""
        if self._figures is None and self.is_done:
            self._out.seek(0)
            text = self._out.read()
            self._figures = json.loads(text) if self._process.returncode == 0 else {}
        return self._figures or {}

    @property
    def trouble(self) -> str:
        """What the process said where it failed; empty where it did not."""
        if not self.is_done or self._process.returncode == 0:
            return ""
        self._err.seek(0)
        return self._err.read().strip() or f"exit code {self._process.returncode}"

    def close(self) -> None:
        """End the process if it is still at work."""
        with contextlib.suppress(OSError):
            self._process.terminate()
        self._process.wait()
        self._out.close()
        self._err.close()
