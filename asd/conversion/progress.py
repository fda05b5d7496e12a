"""Progress of a conversion: a live bar in a terminal, plain lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol


class Progress(Protocol):
    def stage(self, name: str, total: int | None) -> None: ...
    def expect_at_least(self, total: int) -> None:
        """The stage may be longer than it was thought to be; it is never shorter."""

    def advance(self, rows: int) -> None: ...
    def say(self, text: str) -> None: ...
    def close(self) -> None: ...


class SilentProgress:
    def stage(self, name: str, total: int | None) -> None: ...
    def expect_at_least(self, total: int) -> None: ...
    def advance(self, rows: int) -> None: ...
    def say(self, text: str) -> None: ...
    def close(self) -> None: ...


class LineProgress:
    """At most one line every `every_s` seconds, on standard error."""

    def __init__(self, every_s: float = 5.0) -> None:
        self._every_s = every_s
        self._name, self._rows = "", 0
        self._total: int | None = None
        self._start = self._last = time.monotonic()

    def stage(self, name: str, total: int | None) -> None:
        self._name, self._total, self._rows = name, total, 0
        self._start = time.monotonic()  # but not the last line's time: several short stages are a long silence

    def expect_at_least(self, total: int) -> None:
        self._total = max(self._total or 0, total)

    def advance(self, rows: int) -> None:
        self._rows += rows
        now = time.monotonic()
        if now - self._last >= self._every_s:
            self._last = now
            self.say(f"{self._name}: {describe_progress(self._rows, self._total, now - self._start)}")

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None: ...


def describe_progress(rows: int, total: int | None, seconds: float) -> str:
    """ "40,000 of 100,000 rows, 20,000 rows/s, 3 s left"."""
    rate = rows / seconds if seconds > 0 else 0.0
    of = f" of {total:,}" if total else ""
    left = f", {(total - rows) / rate:.0f} s left" if total and rate and rows < total else ""
    return f"{rows:,}{of} rows, {rate:,.0f} rows/s{left}"


class BarProgress:
    """A rich progress bar on standard error."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        from asd.shown_text import open_console

        self._bars = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=open_console(stderr=True),
            transient=True,
        )
        self._bars.start()
        self._task: Any = None
        self._start = 0.0

    def stage(self, name: str, total: int | None) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(name, total=total, rate="")
        self._start = time.monotonic()

    def expect_at_least(self, total: int) -> None:
        self._bars.update(self._task, total=max(self._bars.tasks[-1].total or 0, total))

    def advance(self, rows: int) -> None:
        done = self._bars.tasks[-1].completed + rows
        rate = done / max(time.monotonic() - self._start, 1e-9)
        self._bars.update(self._task, advance=rows, rate=f"{done:,.0f} rows, {rate:,.0f} rows/s")

    def say(self, text: str) -> None:
        self._bars.console.print(text, highlight=False, markup=False)

    def close(self) -> None:
        self._bars.stop()


def progress_for_terminal() -> Progress:
    """A bar where standard error is a terminal, lines elsewhere."""
    return BarProgress() if sys.stderr.isatty() else LineProgress()
