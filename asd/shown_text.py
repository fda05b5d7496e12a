"""Text on its way to a terminal: what could act on it (colours, titles, the cursor, the order of letters) is shown, not sent.

Ids, file names, keys and a server's words come from elsewhere, and any message may hold them. So nothing is escaped where
messages are made; all of a command's output goes through one of the two doors here.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from asd.lazy_regex import regex

if TYPE_CHECKING:
    from rich.console import Console

CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Control and direction marks but for tab and line feed, as a character class."""
_CONTROL = regex(f"[{CONTROL}]")
_CONTROL_OR_LINE = regex(f"[{CONTROL}\t\n]")


def shown(text: str) -> str:
    """Control characters as \\u001b, the escape of JSON, so that a document stays one."""
    return _CONTROL.sub(_escaped, text)


def shown_on_line(text: str) -> str:
    """`shown`, with tabs and line ends too: a name or an id that must not look like a line of its own."""
    return _CONTROL_OR_LINE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


class _ShownStream:
    """A text stream that writes `shown` text to another one."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(shown(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextlib.contextmanager
def shown_output() -> Iterator[None]:
    """Standard output and error for the time of a command: control characters are shown, and what the terminal's
    encoding lacks is escaped, too (a terminal without UTF-8 is no reason to stop)."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # None: the stream was closed (`>&-`), and what is printed to it is dropped.
    ours: list[Any] = [None if stream is None else _ShownStream(stream) for stream in before]
    sys.stdout, sys.stderr = ours
    try:
        yield
    finally:
        for name, own, old in (("stdout", ours[0], before[0]), ("stderr", ours[1], before[1])):
            if getattr(sys, name) is own:
                setattr(sys, name, old)


def open_console(*, stderr: bool = False, **options: Any) -> Console:
    """A Rich console. It sends codes of its own, so it is given the bare stream and the text in it is escaped before."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class ShownConsole(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                is_plain = segment.control is None and _CONTROL.search(segment.text)
                yield Segment(shown(segment.text), segment.style) if is_plain else segment

    stream: Any = sys.stderr if stderr else sys.stdout
    return ShownConsole(file=stream.stream if isinstance(stream, _ShownStream) else stream, **options)
