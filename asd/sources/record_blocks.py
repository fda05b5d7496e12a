"""A JSON array or JSON Lines file as blocks of whole records, for readers that parse many records at once.

Nothing is parsed here. A block of JSON Lines ends at a line end. A block of an array ends where the bracket
depth is back to that of the array, which is worked out exactly (strings and escapes included) with NumPy over
the few bytes that matter; or, several times faster, where text stands that looks like the boundary between the
first two records, which whoever parses the block must check (`Block.is_guess`). Where blocks end depends on the
file and on `block_bytes` alone, not on who found it out how. Memory stays at a few blocks, whatever the size of the
file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from asd.errors import SourceError
from asd.sources.line_spans import MAX_RECORD_BYTES

BLOCK_BYTES = 4 << 20

Form = Literal["array", "lines"]
Offsets = npt.NDArray[np.int64]

_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_HEAD_BYTES = 1 << 12
_FIRST_RECORDS_BYTES = 1 << 16
_FIRST_KEY = re.compile(rb'\{[ \t\r\n]*"[^"\\]*"')
_SEPARATOR = re.compile(rb"[ \t\r\n]*(,)?[ \t\r\n]*")
_BLANK, _COMMA = re.compile(rb"[ \t\r\n]*"), re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_BETWEEN = re.compile(rb',|(?:[^,"]++|"(?:[^"\\]|\\.)*+")++', re.DOTALL)
_LONGEST_ALIKE = 64
_NEWLINE, _QUOTE, _BACKSLASH = 0x0A, 0x22, 0x5C
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
    """Lines (blank ones too), or elements, whatever they are."""
    is_guess: bool = False
    """Array: the block is right if and only if it is `rows` elements of valid JSON; else see `ArrayBlocks.take_back`."""
    line_ends: npt.NDArray[np.int64] | None = field(default=None, compare=False, repr=False)
    """Lines: the offset behind each line's newline, where it is known."""
    whole: memoryview = field(default=memoryview(b""), compare=False, repr=False)
    """Array: `data` with what stands between it and the block before."""
    window_end: int = field(default=0, compare=False, repr=False)
    """Array: up to which place in the file the block was looked for."""


def iterate_blocks(stream: BinaryIO, form: Form, where: str, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Raises: SourceError naming `where` and byte if an array is cut off or goes on behind its end."""
    if form == "lines":
        return _line_blocks(stream, where, block_bytes)
    return ArrayBlocks(stream, where, block_bytes, may_guess=False)


def _read_on(stream: BinaryIO, kept: memoryview, size: int) -> tuple[memoryview, bool]:
    """`kept` and the next `size` bytes in one buffer, and whether the stream has ended before."""
    joined = memoryview(bytearray(len(kept) + size))
    filled = len(kept)
    joined[:filled] = kept
    while filled < len(joined) and (count := stream.readinto(joined[filled:])):  # type: ignore[attr-defined]
        filled += count
    return joined[:filled], filled < len(joined)


def _line_blocks(stream: BinaryIO, where: str, block_bytes: int) -> Iterator[Block]:
    row = at = 0
    carry, has_ended = memoryview(b""), False
    while not has_ended:
        whole, has_ended = _read_on(stream, carry, block_bytes)
        if not at and whole[:3] == _BOM:
            whole = whole[3:]
        at += len(whole) - len(carry)
        ends = np.flatnonzero(np.frombuffer(whole, np.uint8) == _NEWLINE) + 1
        cut = int(ends[-1]) if len(ends) else 0
        carry = whole[cut:]
        if len(ends):
            yield Block("lines", whole[:cut], row, len(ends), line_ends=ends)
            row += len(ends)
        else:
            _check_record_size(carry, where, row, at - len(carry))
    if bytes(carry).strip(_SPACE):
        yield Block("lines", bytes(carry) + b"\n", row, 1)


class ArrayBlocks(Iterator[Block]):
    """The blocks of a JSON array. With `may_guess`, whoever reads them says which one was guessed wrong."""

    def __init__(self, stream: BinaryIO, where: str, block_bytes: int = BLOCK_BYTES, *, may_guess: bool = True) -> None:
        self._stream, self._where, self._block_bytes = stream, where, block_bytes
        self._may_guess = may_guess
        self._data = memoryview(b"")
        """What has been read and not been handed on."""
        self._at = self._row = 0
        self._window_end = 0
        """Place in the unpacked file up to where blocks are looked for now; more than that may have been read."""
        self._again: int | None = None
        self._has_ended = self._is_open = self._is_closed = False
        self._boundary: bytes | None = None

    def __next__(self) -> Block:
        """Raises: SourceError if the array is cut off or goes on behind its end."""
        if not self._is_open:
            self._open()
        while not self._is_closed:
            self._widen()
            block = self._exact() if self._boundary is None or self._has_ended else self._guess(self._boundary)
            if block is not None:
                return block
        raise StopIteration

    def take_back(self, blocks: Sequence[Block]) -> None:
        """Put back the last blocks that were given, all from a wrong guess on; no more guesses are made."""
        self._data = memoryview(b"".join((*(block.whole for block in blocks), self._data)))
        self._at -= sum(len(block.whole) for block in blocks)
        self._row, self._again = blocks[0].first_row, blocks[0].window_end
        self._boundary, self._is_closed = None, False

    def _open(self) -> None:
        """Move behind the '['."""
        head = b""
        while not head and not self._has_ended:
            self._at += len(self._data)
            self._data, self._has_ended = _read_on(self._stream, memoryview(b""), _HEAD_BYTES)
            head = bytes(self._data).removeprefix(_BOM).lstrip(_SPACE)
        if not head.startswith(b"["):
            raise SourceError(f"{self._where}: expected a JSON array, found {head[:20]!r}")
        self._window_end = self._at + len(self._data)
        self._cut(len(self._data) - len(head) + 1, 0)
        self._is_open = True

    def _widen(self) -> None:
        """Move the window's end on, and see that all of it has been read."""
        is_first = self._row == 0 and self._boundary is None and self._may_guess
        kept = self._window_end - self._at
        # Doubles for a huge record, so that the work stays linear.
        self._window_end = self._again or self._window_end + max(self._block_bytes, kept)
        self._again = None
        missing = self._window_end - self._at - len(self._data)
        if missing > 0 and not self._has_ended:
            self._data, self._has_ended = _read_on(self._stream, self._data, missing)
        if is_first:
            self._boundary = _boundary(bytes(self._data[:_FIRST_RECORDS_BYTES]))
            self._may_guess = False

    def _guess(self, boundary: bytes) -> Block | None:
        window = self._data[: self._window_end - self._at]
        ends = _find_all(window, boundary) + 1
        cut = int(ends[-1]) if len(ends) else 0
        rest, close = element_ends(bytes(window[cut:]), is_first=not cut)
        if not cut or close >= 0:
            self._boundary = None  # the end of the array, or records that are joined otherwise than the first two
            return self._exact()
        return self._block(cut + (int(rest[-1]) if len(rest) else 0), len(ends) + len(rest), is_guess=True)

    def _exact(self) -> Block | None:
        window = bytes(self._data[: self._window_end - self._at])
        elements = find_elements(window, is_first=self._row == 0)
        ends, close = elements.ends, elements.close
        if elements.unseparated >= 0:
            raise self._no_comma(window, elements)
        if close >= 0:
            block = self._block(close, len(ends)) if close else None
            self._is_closed = True
            self._expect_end()
            return block
        if len(ends):
            return self._block(int(ends[-1]), len(ends))
        if self._has_ended and len(window) == len(self._data):
            raise SourceError(
                f"{self._where}: the JSON array ends at byte {self._at + len(window)} in the middle of record "
                f"{self._row} (counted from 0); expected the closing ']': the file is truncated, fetch it again"
            )
        _check_record_size(window, self._where, self._row, self._at)
        return None

    def _no_comma(self, window: bytes, elements: Elements) -> SourceError:
        record = self._row + int(np.searchsorted(elements.ends, elements.unseparated, side="right")) - 1
        return _no_comma(self._where, record, self._at + elements.unseparated, window[elements.unseparated :])

    def _block(self, cut: int, rows: int, *, is_guess: bool = False) -> Block | None:
        """What stands before `cut`; None if that is no record."""
        start = _behind_separator(self._data, cut, self._row, self._where, self._at)
        first_row = self._row
        whole = self._cut(cut, rows)
        if start >= cut:
            return None
        return Block("array", whole[start:], first_row, rows, is_guess, whole=whole, window_end=self._window_end)

    def _cut(self, size: int, rows: int) -> memoryview:
        taken, self._data = self._data[:size], self._data[size:]
        self._at += size
        self._row += rows
        return taken

    def _expect_end(self) -> None:
        """Nothing but blanks may follow the ']' that comes next."""
        seen = 1
        while not (rest := bytes(self._data[seen:]).strip(_SPACE)):
            if self._has_ended:
                return
            seen = len(self._data)
            self._data, self._has_ended = _read_on(self._stream, self._data, 1 << 16)
        raise SourceError(
            f"{self._where}: something follows the end of the JSON array near byte {self._at + seen}: {rest[:40]!r}"
        )


def _boundary(head: bytes) -> bytes | None:
    """What stands between the first two records, from the closing bracket to the second one's first key."""
    ends, _ = element_ends(head)
    if len(ends) < 2 or head[ends[0] - 1 : ends[0]] != b"}":
        return None
    separator = _SEPARATOR.match(head, int(ends[0]))
    key = _FIRST_KEY.match(head, separator.end()) if separator else None
    return head[int(ends[0]) - 1 : key.end()] if key else None


def _find_all(data: memoryview, text: bytes) -> Offsets:
    """Where `text` stands in `data`."""
    octets = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(octets[: max(len(octets) - len(text) + 1, 0)] == text[0])
    for number in range(len(text) - 1, 0, -1):  # the key first: it tells most
        places = places[octets[places + number] == text[number]]
    return places


def _behind_separator(data: memoryview, cut: int, row: int, where: str, at: int) -> int:
    """Where the first record before `cut` starts; `cut` itself if there is none."""
    match = _SEPARATOR.match(data, 0, cut)
    comma, start = (match.start(1), match.end()) if match else (-1, 0)
    if row and comma < 0 and start < cut:
        raise _no_comma(where, row - 1, at + start, bytes(data[start : start + 20]))
    return start if row or comma < 0 else comma


def _no_comma(where: str, record: int, at: int, instead: bytes) -> SourceError:
    return SourceError(f"{where}: expected ',' after record {record} at byte {at}, found {instead[:20]!r}")


def _check_record_size(data: bytes | memoryview, where: str, row: int, at: int) -> None:
    if len(data) > MAX_RECORD_BYTES:
        raise SourceError(
            f"{where}: record {row} (counted from 0, near byte {at}) is larger than "
            f"{MAX_RECORD_BYTES >> 20} MiB; most likely a quote or a bracket is missing there"
        )


@dataclass(frozen=True, slots=True)
class Elements:
    """Where the elements of an array are in a text that starts between two of them."""

    ends: Offsets
    """Just behind each element; of the elements behind the last object or list only where the array ends here too."""
    close: int
    """The array's own ']'; -1 if it is not in the text."""
    unseparated: int = -1
    """The first element that no comma parts from the one before it; -1 if there is none. What follows is not looked at."""


def element_ends(data: bytes, *, is_first: bool = True) -> tuple[Offsets, int]:
    """`ends` and `close` of `find_elements`."""
    elements = find_elements(data, is_first=is_first)
    return elements.ends, elements.close


def find_elements(data: bytes, *, is_first: bool = True) -> Elements:
    """The elements of an array; is_first: none stands before `data`, so no comma is expected first."""
    starts, ends, close = _bracketed(data)
    if _are_all(data, starts, ends, close, is_first):
        return Elements(ends, close)
    between = _Between(data, is_first)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if between.read(start) and between.is_parted(start):
            between.pass_on(end)
        else:
            break
    else:
        if close >= 0:
            between.read(close)
    return Elements(np.array(between.ends, np.int64), close, between.unseparated)


def _bracketed(data: bytes) -> tuple[Offsets, Offsets, int]:
    """First byte of each whole object or list that stands directly in the array, the byte behind it, and the ']'."""
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
    opens = np.flatnonzero((depth[:last] == 1) & (steps[:last] > 0))[: len(closes)]
    close = int(positions[brackets[last]]) if len(below) else -1
    return positions[brackets[opens]], positions[brackets[closes]] + 1, close


def _are_all(data: bytes, starts: Offsets, ends: Offsets, close: int, is_first: bool) -> bool:
    """Whether nothing but one comma and blanks stands between the objects and lists; one look where all gaps are alike."""
    if not len(ends):
        return close < 0 or not data[:close].strip(_SPACE)
    if not (_BLANK if is_first else _COMMA).fullmatch(data, 0, int(starts[0])):
        return False
    if close >= 0 and not _BLANK.fullmatch(data, int(ends[-1]), close):
        return False
    sizes = starts[1:] - ends[:-1]
    if not len(sizes):
        return True
    if sizes[0] == sizes.min() == sizes.max() <= _LONGEST_ALIKE:
        gaps = np.frombuffer(data, np.uint8)[ends[:-1, None] + np.arange(sizes[0])]
        if (gaps == gaps[0]).all():
            return _COMMA.fullmatch(gaps[0].tobytes()) is not None
    pairs = zip(ends[:-1].tolist(), starts[1:].tolist(), strict=True)
    return all(_COMMA.fullmatch(data, end, start) is not None for end, start in pairs)


class _Between:
    """Reads what stands between objects and lists: commas, and elements that are neither (numbers, strings, null)."""

    def __init__(self, data: bytes, is_first: bool) -> None:
        self._data, self._at, self._wants_comma = data, 0, not is_first
        self.ends: list[int] = []
        self.unseparated = -1

    def read(self, stop: int) -> bool:
        """Up to `stop`; False if a comma is missing. Between two commas that follow each other is an empty element."""
        for token in _BETWEEN.finditer(self._data, self._at, stop):
            text = token.group()
            if text == b",":
                if not self._wants_comma:
                    self.ends.append(token.start())
                self._wants_comma = False
            elif text.strip(_SPACE):
                if not self.is_parted(token.start() + len(text) - len(text.lstrip(_SPACE))):
                    return False
                self.pass_on(token.start() + len(text.rstrip(_SPACE)))
        return True

    def is_parted(self, place: int) -> bool:
        """Whether an element may begin at `place`."""
        if self._wants_comma:
            self.unseparated = place
        return not self._wants_comma

    def pass_on(self, end: int) -> None:
        """An element ends at `end`."""
        self.ends.append(end)
        self._at, self._wants_comma = end, True


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
