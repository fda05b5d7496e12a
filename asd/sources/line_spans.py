"""Stretches of a file of lines that can be read without what stands before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from asd.errors import SourceError
from asd.plain_files import require_regular

_BLOCK_BYTES = 1 << 20
MAX_RECORD_BYTES = 64 << 20
"""A record this large is no record: it is a string, a line or a bracket that never ends."""


@dataclass(frozen=True, slots=True)
class LineSpan:
    """Whole lines: bytes from `start` to before `stop`."""

    start: int
    stop: int
    line: int
    """Number of the first of them in the file."""

    def lines(self, stream: BinaryIO, where: str) -> Iterator[bytes]:
        """Raises: SourceError as `whole_lines`."""
        stream.seek(self.start)
        left = self.stop - self.start
        lines = whole_lines(stream, where) if left > 0 else iter(())
        for line in lines:
            yield line
            left -= len(line)
            if left <= 0:
                return


def whole_lines(stream: BinaryIO, where: str) -> Iterator[bytes]:
    """The lines of a stream. Raises: SourceError for one that does not end within MAX_RECORD_BYTES."""
    number = 0
    while line := stream.readline(MAX_RECORD_BYTES + 1):
        number += 1
        if len(line) > MAX_RECORD_BYTES:
            raise SourceError(
                f"{where}: a line longer than {MAX_RECORD_BYTES >> 20} MiB (number {number} of those read); "
                "most likely the file is damaged, or is no text"
            )
        yield line


def spans_of_lines(path: Path, span_bytes: int) -> list[LineSpan]:
    """The file in spans of about `span_bytes`. Raises: SourceError if it cannot be read."""
    try:
        require_regular(path)
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            cuts = [0]
            while cuts[-1] < size:
                cuts.append(_line_end(stream, min(cuts[-1] + span_bytes, size)))
            return _numbered(stream, cuts)
    except OSError as exc:
        raise SourceError(f"{path}: cannot be read ({exc.strerror or exc})") from exc


def _line_end(stream: BinaryIO, position: int) -> int:
    """Where the line ends that the byte before `position` is of."""
    stream.seek(position - 1)
    while (part := stream.readline(_BLOCK_BYTES)) and not part.endswith(b"\n"):
        pass
    return stream.tell()


def _numbered(stream: BinaryIO, cuts: list[int]) -> list[LineSpan]:
    spans, line = [], 0
    for start, stop in pairwise(cuts):
        spans.append(LineSpan(start, stop, line))
        stream.seek(start)
        for first in range(start, stop, _BLOCK_BYTES):
            line += stream.read(min(_BLOCK_BYTES, stop - first)).count(b"\n")
    return spans
