"""Elements of a large JSON collection, one after the other, in bounded memory.

Works on blocks: a block is cut at a place that looks like the boundary between two elements and is parsed as
a whole by orjson. Brackets balance only if the cut was a real boundary, so a wrong guess is noticed and
never gives a wrong element; then (and at the ends) elements are found one by one by their brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from asd.errors import SourceError
from asd.lazy_regex import regex
from asd.schemas.layout import near_names
from asd.sources.line_spans import MAX_RECORD_BYTES

BLOCK_BYTES = 1 << 20
_FIRST_VALUE_BYTES = 4 << 20
_TAIL_WINDOWS = (1 << 13, 1 << 16, 1 << 20)
_CUT_TRIES = 4

# A string that the buffer cuts short leaves group 1 empty, so the caller knows to read on.
_TOKEN = regex(rb'"(?:[^"\\]++|\\.)*+(?:(")|\\?\Z)|[{}\[\]]', re.DOTALL)
_SCALAR = regex(rb"[^,\]}\s]*")
_SPACE = regex(rb"[\s]*")
_FIRST_KEY = regex(rb'\{\s*("(?:[^"\\]|\\.)*")\s*:')
_KEY = rb'"(?:[^"\\]|\\.)*"\s*:\s*'
_OPEN = {ord("{"): ord("}"), ord("["): ord("]")}


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be read, in the place where it would have stood."""

    reason: str
    detail: str


Item = tuple[str | None, Any]


class PathError(SourceError):
    """The collection that was asked for is not in the file."""


class UnusableValueError(ValueError):
    """JSON by its form that no text column or program can hold; what stands around it can be read."""


def parse_json(text: bytes) -> Any:
    """One JSON value; NaN and Infinity, which pandas and Python write, are nulls.

    Raises: ValueError; UnusableValueError for half a surrogate pair, and for what nests too deeply.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            value = json.loads(text, parse_constant=lambda name: None)
            if b"\\u" in text or b"\xed" in text:  # escaped, or as the three bytes that UTF-8 does not allow
                json.dumps(value, ensure_ascii=False).encode()
        except RecursionError:
            raise UnusableValueError("nested too deeply") from None
        except UnicodeEncodeError as exc:
            half = ascii(exc.object[exc.start])
            raise UnusableValueError(f"{half} is half of a surrogate pair and no character") from None
        return value


def iterate_values(stream: BinaryIO, where: str, is_record: Callable[[dict[str, Any]], bool] | None) -> Iterator[Item]:
    """(key, value) of each record, wherever it is: in a list, as an object's value, one after the other, alone, or in a
    list inside an object.

    is_record: tells a record from an object that holds some; None: an object holds some, unless another one follows.
    Raises: SourceError as `iterate_collection`.
    """
    return _Scanner(stream, where).values(is_record)


def iterate_collection(stream: BinaryIO, where: str, path: tuple[str, ...] = ()) -> Iterator[Item]:
    """(key, value) of each element of the list (key None) or dict at `path`.

    Raises: SourceError naming `where`, the record and the byte if the text is cut off or no JSON; PathError
    if there is no collection at `path`.
    """
    return _Scanner(stream, where).collection(path)


class _Scanner:
    """A window on the stream. `pos` is in `buf`; `base` is the place of `buf[0]` in the stream."""

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self.stream, self.where = stream, where
        self.buf = b""
        self.pos = 0
        self.base = 0
        self.ended = False
        self.record = 0
        self.more()
        if self.buf.startswith(b"\xef\xbb\xbf"):
            self.pos = 3

    def more(self) -> bool:
        """Reads on, dropping what is behind `pos`; False at the end of the stream."""
        if self.ended:
            return False
        keep = self.buf[self.pos :]
        if len(keep) > MAX_RECORD_BYTES:
            raise self.fail(f"more than {MAX_RECORD_BYTES >> 20} MiB without an end of the record")
        chunk = self.stream.read(max(BLOCK_BYTES, len(keep)))  # doubles for a huge element, so growth stays linear
        self.base += self.pos
        self.buf, self.pos = keep + chunk, 0
        self.ended = not chunk
        return bool(chunk)

    def fail(self, what: str, at: int | None = None) -> SourceError:
        byte = self.base + (self.pos if at is None else at)
        return SourceError(f"{self.where}: {what} at byte {byte}, in record {self.record} (counted from 0)")

    def cut_off(self) -> SourceError:
        return SourceError(
            f"{self.where}: the JSON text ends at byte {self.base + len(self.buf)} in the middle of record "
            f"{self.record} (counted from 0); the file is truncated: fetch it again"
        )

    def peek(self) -> int:
        """The next byte that is no white space. Raises: SourceError at the end."""
        while True:
            match = _SPACE.match(self.buf, self.pos)
            self.pos = match.end() if match else self.pos
            if self.pos < len(self.buf):
                return self.buf[self.pos]
            if not self.more():
                raise self.cut_off()

    def value(self) -> bytes:
        """The text of the value that starts here; moves behind it."""
        start = self.peek()
        if start in _OPEN:
            end = self.bracket_end()
        elif start == ord('"'):
            end = self.string_end()
        else:
            end = self.scalar_end()
        text = self.buf[self.pos : end]
        self.pos = end
        return text

    def string_end(self) -> int:
        while True:
            match = _TOKEN.match(self.buf, self.pos)
            if match and match.group(1):
                return match.end()
            if not self.more():
                raise self.cut_off()

    def scalar_end(self) -> int:
        while True:
            match = _SCALAR.match(self.buf, self.pos)
            end = match.end() if match else self.pos
            if end < len(self.buf) or self.ended:
                if end == self.pos:
                    raise self.fail(f"expected a JSON value, found {self.buf[end : end + 1]!r}")
                return end
            self.more()

    def bracket_end(self, limit: int | None = None, ahead: int = 0) -> int:
        """Behind the bracket that closes the first one from `ahead` on; with a limit, -1 where it is not within it."""
        depth, seen = 0, ahead  # seen: how far behind pos is scanned, kept over refills that move pos to 0
        while True:
            if limit is not None and seen > limit:
                return -1
            match = _TOKEN.search(self.buf, self.pos + seen)
            if match is None or (self.buf[match.start()] == 0x22 and not match.group(1)):
                seen = (match.start() if match else len(self.buf)) - self.pos
                if not self.more():
                    if limit is not None:
                        return -1
                    raise self.cut_off()
                continue
            token = self.buf[match.start()]
            if token in (0x7B, 0x5B):
                depth += 1
            elif token in (0x7D, 0x5D):
                depth -= 1
                if depth == 0:
                    return match.end()
            seen = match.end() - self.pos

    def decode(self, text: bytes, at: int) -> Any:
        try:
            return parse_json(text)
        except ValueError as exc:
            raise self.fail(f"not valid JSON ({exc})", at) from exc

    def decode_record(self, text: bytes, at: int) -> Any:
        """The value, or a BadRecord for one that can be told from its neighbours and not be used."""
        try:
            return self.decode(text, at)
        except SourceError as exc:
            if isinstance(exc.__cause__, UnusableValueError):
                return BadRecord("bad_json", f"record {self.record} (counted from 0): {exc.__cause__}")
            raise

    def key(self) -> str:
        if self.peek() != 0x22:
            raise self.fail(f"expected a key in quotes, found {self.buf[self.pos : self.pos + 1]!r}")
        at = self.pos
        name = str(self.decode(self.value(), at))
        if self.peek() != 0x3A:
            raise self.fail(f"expected ':' after the key {name!r}")
        self.pos += 1
        return name

    def enter(self, path: tuple[str, ...]) -> None:
        """Moves to the value at `path`."""
        for depth, wanted in enumerate(path):
            inside = ".".join(path[:depth]) or "the file"
            if self.peek() != 0x7B:
                raise PathError(f"{self.where}: looked for {wanted!r}, but {inside} is not a JSON object")
            self.pos += 1
            seen: list[str] = []
            while True:
                if self.peek() == 0x7D:
                    raise PathError(
                        f"{self.where}: no key {wanted!r} in {inside} "
                        f"(keys: {', '.join(seen[:12]) or 'none'}){near_names(wanted, seen)}"
                    )
                name = self.key()
                if name == wanted:
                    break
                if len(seen) < 1000:
                    seen.append(name)
                self.value()
                if self.peek() == 0x2C:
                    self.pos += 1

    # -- records in any shape

    def values(self, is_record: Callable[[dict[str, Any]], bool] | None) -> Iterator[Item]:
        if self.peek() != 0x7B:
            return self.collection(())
        if self._is_followed():
            return self._one_after_the_other()
        return self.collection(()) if is_record is None else self._inside(is_record)

    def _is_followed(self) -> bool:
        """Whether another value stands behind the first one, which is looked at no farther than `_FIRST_VALUE_BYTES`."""
        while len(self.buf) - self.pos <= _FIRST_VALUE_BYTES and self.more():
            pass
        if self.ended and _is_json(self.buf[self.pos :]):  # parsing all of it is quicker than finding the one bracket
            return False
        end = self.bracket_end(_FIRST_VALUE_BYTES)
        if end < 0:
            return False
        while not (rest := self.buf[end:].strip()) and not self.ended:
            end -= self.pos
            self.more()
        return rest.lstrip(b", \t\r\n")[:1] in (b"{", b"[")

    def _one_after_the_other(self) -> Iterator[Item]:
        """Values with blanks between them, or commas."""
        while True:
            self.peek()
            at = self.pos
            text = self.value()
            yield None, self.decode(text, at if at < self.pos else 0)
            self.record += 1
            try:
                if self.peek() == 0x2C:
                    self.pos += 1
                    self.peek()
            except SourceError:
                return

    def _inside(self, is_record: Callable[[dict[str, Any]], bool]) -> Iterator[Item]:
        """Of an object: its values, or those of the one list in it, that are records; else itself."""
        self.pos += 1
        members: dict[str, Any] = {}
        list_name = ""
        while self.peek() != 0x7D:
            name = self.key()
            start = self.peek()
            if start in _OPEN and self._holds(is_record):
                if list_name:
                    raise SourceError(
                        f"{self.where}: records stand under {list_name!r} and under {name!r}; save each list as a file of "
                        "its own, so that what is train and what is test stays apart"
                    )
                list_name = name
                self.pos += 1
                yield from self.elements(_OPEN[start], keyed=start == 0x7B)
                self.pos += 1
            else:
                at, value = self.pos, None
                if not list_name and start in _OPEN and self.bracket_end(_FIRST_VALUE_BYTES) < 0:
                    break  # whatever it is, it is large, and no list of records
                value = self.decode(self.value(), at)
                if isinstance(value, dict) and not members and is_record(value):
                    yield name, value
                    self.record += 1
                    if self.peek() == 0x2C:
                        self.pos += 1
                    yield from self.elements(0x7D, keyed=True)
                    return
                members[name] = value
            if self.peek() == 0x2C:
                self.pos += 1
        if not list_name:
            yield None, members

    def _holds(self, is_record: Callable[[dict[str, Any]], bool]) -> bool:
        """Whether the first element of the collection that starts here is a record; nothing is passed over."""
        ahead = self._behind_blanks(1)
        if ahead > 0 and self.buf[self.pos] == 0x7B and (key := _FIRST_KEY.match(self.buf, self.pos)):
            ahead = self._behind_blanks(key.end() - self.pos)
        if ahead < 0 or self.buf[self.pos + ahead] != 0x7B:
            return False
        end = self.bracket_end(_FIRST_VALUE_BYTES, ahead)
        try:
            first = parse_json(self.buf[self.pos + ahead : end]) if end > 0 else None
        except ValueError:
            return False
        return isinstance(first, dict) and is_record(first)

    def _behind_blanks(self, ahead: int) -> int:
        """How far ahead the next byte stands that is no white space, from `ahead` on; -1 at the end."""
        while True:
            match = _SPACE.match(self.buf, self.pos + ahead)
            if match and match.end() < len(self.buf):
                return match.end() - self.pos
            if not self.more():
                return -1

    def collection(self, path: tuple[str, ...]) -> Iterator[Item]:
        self.enter(path)
        start = self.peek()
        if start not in _OPEN:
            raise PathError(f"{self.where}: {'.'.join(path) or 'the outermost value'} is neither a list nor an object")
        self.pos += 1
        yield from self.elements(_OPEN[start], keyed=start == 0x7B)
        self.pos += 1
        if not path:
            self.expect_end()

    def elements(self, close: int, *, keyed: bool) -> Iterator[Item]:
        """Up to the closing bracket."""
        boundary: re.Pattern[bytes] | None = None
        tried = False
        while self.peek() != close:
            block = self.block(boundary, keyed) if boundary else None
            if block:
                yield from block
                self.record += len(block)
            else:
                if tried and boundary and len(self.buf) - self.pos > BLOCK_BYTES:
                    boundary = None  # guesses fail on this file: stay with the exact scan
                key = self.key() if keyed else None
                self.peek()
                at = self.pos
                text = self.value()
                yield key, self.decode_record(text, at if at < self.pos else 0)
                self.record += 1
                if not tried:
                    boundary, tried = _boundary(text, keyed), True
            if self.peek() == 0x2C:
                self.pos += 1
            elif self.buf[self.pos] != close:
                raise self.fail(f"expected ',' between records, found {self.buf[self.pos : self.pos + 1]!r}")

    def expect_end(self) -> None:
        try:
            self.peek()
        except SourceError:
            return
        raise self.fail("something follows the end of the JSON value")

    def block(self, boundary: re.Pattern[bytes], keyed: bool) -> list[Item] | None:
        """Many elements at once, or None where no cut could be found."""
        while len(self.buf) - self.pos < BLOCK_BYTES and self.more():
            pass
        for cut in _cuts(boundary, self.buf, self.pos):
            inner = self.buf[self.pos : cut]
            try:
                if keyed:
                    items: list[Item] = list(orjson.loads(b"{" + inner + b"}").items())
                else:
                    items = [(None, value) for value in orjson.loads(b"[" + inner + b"]")]
            except orjson.JSONDecodeError:
                continue
            self.pos = cut
            return items
        return None


def _is_json(text: bytes) -> bool:
    """Whether this is one JSON value and nothing more."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _boundary(first: bytes, keyed: bool) -> re.Pattern[bytes] | None:
    """What stands between two elements that look like the first one. Group 1 starts where the cut is."""
    between = rb"(\s*,\s*)" + (_KEY if keyed else b"")
    if first.startswith(b"["):
        return re.compile(rb"\]" + between + rb"\[")
    match = _FIRST_KEY.match(first)
    return re.compile(rb"\}" + between + rb"\{\s*" + re.escape(match.group(1))) if match else None


def _cuts(boundary: re.Pattern[bytes], buf: bytes, start: int) -> Iterator[int]:
    """Likely ends of an element, the last ones of the buffer first; few, because each costs a parse."""
    for window in _TAIL_WINDOWS:
        low = max(start, len(buf) - window)
        cuts = [match.start(1) for match in boundary.finditer(buf, low)]
        if cuts:
            yield from reversed(cuts[-_CUT_TRIES:])
            return
        if low == start:
            return
