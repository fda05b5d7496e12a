"""The log file of a program that this one runs, and what of it belongs into an error message."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from asd.errors import StorageError
from asd.rewrite.child_guard import STATUS_MARK

KEPT = 5
"""Log files of earlier runs that are left in the folder."""
_TAIL_BYTES = 64 * 1024
_TAIL_LINES = 12
_ERROR_LINE = re.compile(r"\b[A-Z]\w*(?:Error|Exception): \S")


class ProcessLog:
    """One file per name in a folder; all but the newest few are removed."""

    def __init__(self, folder: Path, name: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _remove_oldest(folder)
        except OSError as exc:
            raise StorageError(f"{folder}: cannot keep logs there: {exc.strerror}; set another cache folder") from None
        self.path = folder / f"{name}.log"

    def open_for_process(self) -> BinaryIO:
        return self.path.open("ab")

    def tail(self) -> str:
        return tail_of(self.path)

    def mentions(self, words: str) -> bool:
        return words in _end_of(self.path).lower()

    def last_status(self) -> str:
        """How the program last ended: "exit status 1", "killed by SIGKILL"."""
        marked = [line for line in _end_of(self.path).splitlines() if line.startswith(STATUS_MARK)]
        return marked[-1].removeprefix(STATUS_MARK) if marked else "its guard was killed"


def tail_of(log: Path) -> str:
    """Lines that name an error (the cause is seldom last), then the last lines, indented."""
    lines = [line for line in _end_of(log).splitlines() if line.strip()]
    last = lines[-_TAIL_LINES:]
    errors = [line for line in lines[:-_TAIL_LINES] if _ERROR_LINE.search(line) and "WARNING" not in line]
    shown = [*dict.fromkeys(errors), *last][-2 * _TAIL_LINES :]
    return "\n".join(f"    {line[:500]}" for line in shown) or "    (nothing)"


def _end_of(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _remove_oldest(folder: Path) -> None:
    logs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    for path in logs[:-KEPT]:
        path.unlink(missing_ok=True)
