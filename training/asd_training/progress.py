"""What is told while a run works: steps, loss by style, rate, and how long it still takes, per task and over all.

On a terminal one line is written over again; elsewhere (a log file, a cluster's output) a plain line now and then.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from asd_training.processes import writes_files

EVERY_S = 30.0
"""Between plain lines."""
_CLEAR = "\r\x1b[K"


class Voice:
    """Speaks to `stream` for the process that writes files: lines that stay, and a status that is written over."""

    def __init__(self, stream: Callable[[], TextIO] = lambda: sys.stderr) -> None:
        self._stream = stream
        self._has_status = False

    def __call__(self, text: str) -> None:
        if writes_files():
            self._write(f"{text}\n")

    @property
    def is_terminal(self) -> bool:
        return self._stream().isatty()

    def status(self, text: str) -> None:
        """Stands until the next text."""
        if writes_files():
            self._write(text[: _width()])
            self._has_status = True

    def _write(self, text: str) -> None:
        stream = self._stream()
        stream.write((_CLEAR if self._has_status else "") + text)
        stream.flush()
        self._has_status = False


def _width() -> int:
    from shutil import get_terminal_size

    return max(20, get_terminal_size().columns - 1)


class Progress:
    """Of a whole run. examples: training examples by stage; questions: by stage; both of what is still to be done."""

    def __init__(
        self,
        say: Callable[[str], None],
        examples: Mapping[str, int],
        questions: Mapping[str, int],
        *,
        every_s: float = EVERY_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._every_s, self._now = say, every_s, now
        self._examples, self._questions = dict(examples), dict(questions)
        self._pace: dict[str, float] = {}  # seconds an example, seconds a question
        self._began, self._last_told, self._first_done = 0.0, 0.0, 0

    def begin(self, done: int = 0) -> None:
        """Of training or evaluating. done: what an earlier run has done of it."""
        self._began = self._now()
        self._last_told = self._began - self._every_s  # the first line comes at once
        self._first_done = done

    def trained(self, stage: str, step: int, steps: int, line: Mapping[str, Any]) -> None:
        """line: as in the log."""
        examples = self._examples.get(stage, 0)
        self._time("train", step * examples / steps, self._first_done * examples / steps)
        left = self._left("train", examples * (1 - step / steps))
        whole = self._left_in_all(stage, examples * (1 - step / steps))
        loss = "no answer" if line.get("loss") is None else f"{line['loss']:.4g}"
        by_style = ", ".join(f"{style} {value:.4g}" for style, value in line.get("loss_by_style", {}).items())
        rate = "" if line.get("lr") is None else f", rate {line['lr']:.3g}"
        penalty = "" if line.get("penalty") is None else f", penalty {line['penalty']:.3g}"
        text = f"{stage}: step {step:,} of {steps:,}, loss {loss} ({by_style}){penalty}{rate}, {left} left{whole}"
        self._tell(text, last=step == steps)
        if step == steps:
            self._examples.pop(stage, None)

    def answered(self, stage: str, task: str, done: int, of: int) -> None:
        """Questions of one task."""
        self._time("answer", done, 0)
        left = self._left("answer", of - done)
        self._tell(f"{stage}: {task}, {done:,} of {of:,} questions answered, {left} left", last=False)

    def evaluated(self, stage: str) -> None:
        self._questions.pop(stage, None)

    def _time(self, what: str, done: float, before: float) -> None:
        if done > before:
            self._pace[what] = (self._now() - self._began) / (done - before)

    def _left(self, what: str, count: float) -> str:
        return "some time" if what not in self._pace else time_left(self._pace[what] * count)

    def _left_in_all(self, stage: str, of_this: float) -> str:
        """Over all stages; without their evaluation until a pace of that is known."""
        if len(self._examples) + len(self._questions) < 2 or "train" not in self._pace:
            return ""
        others = sum(count for name, count in self._examples.items() if name != stage)
        seconds = self._pace["train"] * (of_this + others)
        if "answer" in self._pace:
            return f", {time_left(seconds + self._pace['answer'] * sum(self._questions.values()))} in all"
        return f", {time_left(seconds)} in all and what evaluation takes"

    def _tell(self, text: str, *, last: bool) -> None:
        if isinstance(self._say, Voice) and self._say.is_terminal and not last:
            self._say.status(text)
        elif last or self._now() - self._last_told >= self._every_s:
            self._last_told = self._now()
            self._say(text)


def time_left(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
