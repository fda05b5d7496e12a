"""A JSON array or JSON Lines file as blocks of whole records, for readers that parse many records at once.

Nothing is parsed here. A block of JSON Lines ends at a line end. A block of an array ends where the bracket
depth is back to that of the array, which is worked out exactly (strings and escapes included) with NumPy over
the few bytes that matter. Memory stays at a few blocks, whatever the size of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from asd.errors import SourceError

BLOCK_BYTES = 4 << 20
MAX_RECORD_BYTES = 64 << 20
"""A record this large is no record: it is a string or a bracket that was never closed."""

Form = Literal["array", "lines"]

_SPACE = b" \t\r\n"
_SEPARATOR = re.compile(rb"[ \t\r\n]*(,)?[ \t\r\n]*")
_QUOTE, _BACKSLASH = 0x22, 0x5C
_MARKS = bytes(1 if byte in b'"\\{}[]' else 0 for byte in range(256))
"""Translation of a byte to "can change the nesting"."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records. `data` is lines, or array elements with the commas between them
    (none before or after, blanks perhaps). A view where that saves a copy of the block."""

    form: Form
    data: bytes | memoryview
    first_row: int
    """Lines: number of the first line. Array: number of elements before this block."""
    rows: int
    """Lines (blank ones too), or elements that are objects or lists."""


def iterate_blocks(stream: BinaryIO, form: Form, where: str, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Raises: SourceError naming `where` and byte if an array is cut off or goes on behind its end."""
    return _line_blocks(stream, where, block_bytes) if form == "lines" else _array_blocks(stream, where, block_bytes)


def _line_blocks(stream: BinaryIO, where: str, block_bytes: int) -> Iterator[Block]:
    row, at, carry = 0, 0, b""
    while chunk := stream.read(block_bytes):
        if not at:
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
        at += len(chunk)
        end = chunk.rfind(b"\n") + 1
        if not end:
            carry += chunk
            _check_record_size(carry, where, row, at - len(carry))
            continue
        rows = chunk.count(b"\n")
        whole, end = carry + chunk, len(carry) + end
        carry = whole[end:]
        yield Block("lines", memoryview(whole)[:end], row, rows)
        row += rows
    if carry.strip(_SPACE):
        yield Block("lines", carry + b"\n", row, 1)


def _array_blocks(stream: BinaryIO, where: str, block_bytes: int) -> Iterator[Block]:
    row, (buffer, at) = (
        0,
        _after_opening_bracket(stream, where),
    )  # at: place of buffer[0] in the unpacked file
    while True:
        chunk = stream.read(max(block_bytes, len(buffer)))  # doubles for a huge record, so work stays linear
        buffer += chunk
        ends, close = element_ends(buffer)
        if close >= 0 or len(ends):
            cut = close if close >= 0 else int(ends[-1])
            start = _behind_separator(buffer, cut, row, where, at)
            if start < cut:
                yield Block("array", memoryview(buffer)[start:cut], row, len(ends))
            row += len(ends)
            if close >= 0:
                _expect_end(stream, buffer[close + 1 :], where, at + close + 1)
                return
            buffer, at = buffer[cut:], at + cut
        if not chunk:
            break
        _check_record_size(buffer, where, row, at)
    raise SourceError(
        f"{where}: the JSON array ends at byte {at + len(buffer)} in the middle of record {row} "
        "(counted from 0); expected the closing ']': the file is truncated, fetch it again"
    )


def _after_opening_bracket(stream: BinaryIO, where: str) -> tuple[bytes, int]:
    """What was read behind the '[', and the offset where that starts."""
    head, at = b"", 0
    while not head and (chunk := stream.read(1 << 12)):
        at += len(chunk)
        head = chunk.removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE)
    if not head.startswith(b"["):
        raise SourceError(f"{where}: expected a JSON array, found {head[:20]!r}")
    return head[1:], at - len(head) + 1


def _behind_separator(buffer: bytes, cut: int, row: int, where: str, at: int) -> int:
    """Where the first record before `cut` starts; `cut` itself if there is none."""
    found = _SEPARATOR.match(buffer, 0, cut)
    comma, start = (found.start(1), found.end()) if found else (-1, 0)
    if row and comma < 0 and start < cut:
        found_text = buffer[start : start + 20]
        raise SourceError(f"{where}: expected ',' after record {row - 1} at byte {at}, found {found_text!r}")
    return start if row or comma < 0 else comma


def _expect_end(stream: BinaryIO, rest: bytes, where: str, at: int) -> None:
    while not (found := rest.strip(_SPACE)):
        at += len(rest)
        rest = stream.read(1 << 16)
        if not rest:
            return
    raise SourceError(f"{where}: something follows the end of the JSON array near byte {at}: {found[:40]!r}")


def _check_record_size(data: bytes, where: str, row: int, at: int) -> None:
    if len(data) > MAX_RECORD_BYTES:
        raise SourceError(
            f"{where}: record {row} (counted from 0, near byte {at}) is larger than "
            f"{MAX_RECORD_BYTES >> 20} MiB; most likely a quote or a bracket is missing there"
        )


def element_ends(data: bytes) -> tuple[npt.NDArray[np.int64], int]:
    """Offsets just behind each object or list that stands directly in the array, and of its own ']'.

    `data` starts between two elements. The second value is -1 if the array does not end in `data`.
    """
    positions = np.flatnonzero(np.frombuffer(data.translate(_MARKS), np.bool_))
    codes = np.frombuffer(data, np.uint8)[positions]
    is_backslash = codes == _BACKSLASH
    is_quote = codes == _QUOTE
    if is_backslash.any():
        is_quote &= ~_is_escaped(positions, is_backslash)
    is_inside = np.logical_xor.accumulate(is_quote)
    brackets = np.flatnonzero(~(is_inside | is_quote | is_backslash))
    steps = (codes[brackets] & 2).astype(np.int32) - 1  # '{' and '[' have bit 1 set, '}' and ']' have not
    depth = np.cumsum(steps, dtype=np.int32)
    below = np.flatnonzero(depth < 0)
    last = int(below[0]) if len(below) else len(depth)
    closes = np.flatnonzero((depth[:last] == 0) & (steps[:last] < 0))
    ends = positions[brackets[closes]] + 1
    return ends, int(positions[brackets[last]]) if len(below) else -1


def _is_escaped(positions: npt.NDArray[np.int64], is_backslash: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of the marked bytes stand right behind a backslash that is not itself escaped."""
    follows = np.zeros(len(positions), np.bool_)
    follows[1:] = is_backslash[:-1] & (positions[1:] == positions[:-1] + 1)
    in_run = follows & is_backslash
    if not in_run.any():
        return follows
    starts = np.where(is_backslash & ~in_run, positions, 0)
    place_in_run = positions - np.maximum.accumulate(starts)
    is_active = is_backslash & (place_in_run % 2 == 0)
    escaped = np.zeros(len(positions), np.bool_)
    escaped[1:] = is_active[:-1] & follows[1:]
    return escaped
