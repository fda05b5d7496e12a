"""Events of a run as JSON Lines, for dashboards: what begins, how far it is, what is said, how it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from asd.conversion.progress import Progress
from asd.errors import StorageError
from asd.plain_files import require_replaceable

EVERY_S = 1.0
"""Between two events of progress of one stage, at least."""


class EventLog:
    """A progress that writes events and passes everything on to another progress.

    Every line has `time` (UTC, ISO 8601), `event` and `task`: `begin`, `stage` (name, total), `progress` (stage, rows,
    total, rows_per_s), `note` (text), `end` (what the run tells of its result), `error` (kind, text). Lines are added to what
    the file holds, and written at once.
    """

    def __init__(self, file: BinaryIO, task: str, shown: Progress) -> None:
        self._file, self._task, self._shown = file, task, shown
        self._stage, self._rows = "", 0
        self._total: int | None = None
        self._start = self._last = time.monotonic()

    def write(self, event: str, **content: Any) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._file.write(orjson.dumps({"time": at, "event": event, "task": self._task, **content}) + b"\n")
        self._file.flush()

    def stage(self, name: str, total: int | None) -> None:
        self._tell_progress(final=True)
        self._stage, self._total, self._rows = name, total, 0
        self._start = self._last = time.monotonic()
        self.write("stage", name=name, total=total)
        self._shown.stage(name, total)

    def expect_at_least(self, total: int) -> None:
        self._total = max(self._total or 0, total)
        self._shown.expect_at_least(total)

    def advance(self, rows: int) -> None:
        self._rows += rows
        self._tell_progress()
        self._shown.advance(rows)

    def say(self, text: str) -> None:
        self.write("note", text=text)
        self._shown.say(text)

    def close(self) -> None:
        self._tell_progress(final=True)
        self._shown.close()

    def _tell_progress(self, *, final: bool = False) -> None:
        now = time.monotonic()
        if not self._rows or (now - self._last < EVERY_S and not final):
            return
        self._last = now
        rate = self._rows / max(now - self._start, 1e-9)
        self.write("progress", stage=self._stage, rows=self._rows, total=self._total, rows_per_s=round(rate, 1))


@contextmanager
def logged(path: Path | None, task: str, shown: Progress) -> Iterator[tuple[Progress, dict[str, Any]]]:
    """The progress to hand to a run, and what is to be told of its result: put it there before the block ends.

    path: the file of the events; None: none are written. Raises: StorageError if it cannot be written.
    """
    ending: dict[str, Any] = {}
    if path is None:
        yield shown, ending
        return
    try:
        if path.exists():
            require_replaceable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as exc:
        raise StorageError(f"--events {path} cannot be written ({exc.strerror or exc}). Choose another file.") from exc
    with file:
        log = EventLog(file, task, shown)
        log.write("begin")
        try:
            yield log, ending
        except BaseException as exc:
            log.write("error", kind=type(exc).__name__, text=str(exc) or "stopped")
            raise
        log.write("end", **ending)
