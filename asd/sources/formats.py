"""Raw records of one file as Python objects, in bounded memory. Knows file formats, knows nothing of data
sets.

The format is found by content: releases name JSON Lines `.json`, gzip `.gzip` or nothing at all. A file that
cannot be read on is a SourceError; a single bad line or row is a `BadRecord`, so that the caller can count
it and go on.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import orjson
import pyarrow as pa

from asd.errors import SourceError
from asd.plain_files import require_regular
from asd.schemas.layout import Format
from asd.sources.csv_text import csv_records
from asd.sources.json_columns import records_of
from asd.sources.json_stream import BadRecord, iterate_collection, iterate_values, parse_json
from asd.sources.line_spans import MAX_RECORD_BYTES, LineSpan, whole_lines
from asd.sources.tar_records import iterate_tar

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["BadRecord", "Format", "ReadOptions", "Record", "detect_format", "iterate_records", "open_bytes"]

COMPRESSION_SUFFIXES = (".gz", ".gzip", ".zst", ".zstd")
_HEAD_BYTES = 1 << 16
_LONGEST_FIRST_LINE = 1 << 24
_LINES_TRIED = 50
_PARQUET_BYTES = 64 << 20
_ARROW_BATCH_ROWS = 4096
MAX_UNPACKED_BYTES = 2 << 30
"""Of a compressed Parquet or Arrow file, which is unpacked in memory (such files are compressed inside already)."""
ARROW_ERRORS = (pa.ArrowException, OSError, ValueError, SystemError, OverflowError, MemoryError)
"""What reading a damaged Parquet or Arrow file raises."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BOM = b"\xef\xbb\xbf"


Record = tuple[int, str | None, Any]
"""Number in the file (0-based), key (in a JSON object) or None, and the record: usually a dict, or a
BadRecord."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What cannot be found by looking at the file."""

    format: Format | None = None
    records: tuple[str, ...] = ()
    whole: bool = False
    """The file is one record."""
    csv_columns: tuple[str, ...] | None = None
    """None: the first row is the header."""
    columns: tuple[str, ...] | None = None
    """Only these columns of a Parquet or Arrow file; None: all."""
    span: LineSpan | None = None
    """Only these lines of an uncompressed JSON Lines file."""
    is_record: Callable[[dict[str, Any]], bool] | None = None
    """Tells a record from an object that holds some, in JSON whose `records` are not said."""
    on_note: Callable[[str], None] = field(default=lambda note: None)
    """Receives what the reader had to do to read the file (another encoding, ...)."""


class _Recoded(io.RawIOBase):
    """UTF-16 or UTF-32 text as UTF-8, which all readers know."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream, self._decoder, self._rest = stream, codecs.getincrementaldecoder(encoding)(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            data = self._stream.read(1 << 16)
            self._rest = self._decoder.decode(data, final=not data).encode()
            if not data:
                break
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32, by the mark that opens the text or by the zeros around its first bracket; None: neither."""
    for mark, encoding in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
                           (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):  # fmt: skip
        if head.startswith(mark):
            return encoding
    for bracket in (b"{", b"["):
        if head[:2] == bracket + b"\0" and head[2:4] != b"\0\0":
            return "utf-16-le"
        if head[:2] == b"\0" + bracket:
            return "utf-16-be"
    return None


class _ArrowStream(io.RawIOBase):
    """A pyarrow input stream as a Python raw stream, for the codecs that the standard library lacks."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a file, plain, gzip or Zstandard, whatever its name; UTF-16 and UTF-32 as UTF-8.

    Raises: SourceError if it is missing, unreadable, cut off or damaged (also for errors while the body
    reads).
    """
    try:
        require_regular(path)
        with path.open("rb") as raw:
            magic = raw.read(4)
            raw.seek(0)
            if magic[:2] == _GZIP:
                with gzip.open(raw) as unzipped:
                    yield cast(BinaryIO, unzipped)
            elif magic == _ZSTD:
                with io.BufferedReader(_ArrowStream(pa.CompressedInputStream(pa.PythonFile(raw), "zstd"))) as out:
                    yield out
            elif (encoding := _wide_encoding(magic)) is not None:
                with io.BufferedReader(_Recoded(raw, encoding)) as recoded:
                    yield recoded
            else:
                yield raw
    except UnicodeError as exc:
        raise SourceError(f"{path}: the text is not what its first bytes say ({exc}); save it as UTF-8") from exc
    except EOFError as exc:
        raise SourceError(f"{path}: the compressed data ends too early; the file is truncated: fetch it again") from exc
    except (gzip.BadGzipFile, zlib.error, pa.ArrowInvalid) as exc:
        raise SourceError(f"{path}: the file is damaged ({exc}); fetch it again") from exc
    except OSError as exc:
        raise SourceError(f"{path}: cannot be read ({exc.strerror or exc})") from exc


def is_recoded(path: Path) -> bool:
    """Whether `open_bytes` gives other bytes than the file's: unpacked, or from UTF-16. Raises: SourceError."""
    try:
        require_regular(path)
        with path.open("rb") as raw:
            magic = raw.read(4)
    except OSError as exc:
        raise SourceError(f"{path}: cannot be read ({exc.strerror or exc})") from exc
    return magic[:2] == _GZIP or magic == _ZSTD or _wide_encoding(magic) is not None


def base_suffix(name: str) -> str:
    """`.json` of `a.json.gz`."""
    path = PurePath(name)
    while path.suffix.lower() in COMPRESSION_SUFFIXES:
        path = path.with_suffix("")
    return path.suffix.lower()


def detect_format(path: Path) -> Format:
    """The format of a file by its content; its name decides only between CSV and plain text, and for a
    single line.

    Raises: SourceError if the file is empty, missing or damaged.
    """
    with open_bytes(path) as stream:
        head = stream.read(_HEAD_BYTES)
        if not head.strip():
            raise SourceError(f"{path}: the file is empty")
        if head.startswith(b"PAR1"):
            return "parquet"
        if head[257:262] == b"ustar":
            return "tar"
        if head.startswith(b"ARROW1"):
            return "arrow_file"
        if head.startswith(b"\xff\xff\xff\xff"):
            return "arrow_stream"
        suffix = base_suffix(path.name)
        text = head.removeprefix(_BOM).lstrip()
        if text[:1] in (b"{", b"["):
            return _json_kind(text, stream, suffix)
    if suffix in (".csv", ".tsv", ".jsonl"):
        return cast(Format, suffix[1:])
    if suffix not in (".txt", "") and _looks_like_csv(head):
        return "csv"
    return "text"


def _json_kind(text: bytes, stream: BinaryIO, suffix: str) -> Format:
    """JSON Lines if the first line is a value of its own and another one follows."""
    while b"\n" not in text and len(text) < _LONGEST_FIRST_LINE:
        chunk = stream.read(len(text))
        if not chunk:
            break
        text += chunk
    first, _, rest = text.partition(b"\n")
    rest = rest.strip() or stream.read(_HEAD_BYTES).strip()
    if suffix in (".jsonl", ".ndjson"):
        return "json" if _is_spread_out(first.strip(), rest) else "jsonl"
    if not rest or first.rstrip()[-1:] not in (b"}", b"]") or _parsed(first) is None:
        return "json"
    return "jsonl"


def _is_spread_out(first: bytes, rest: bytes) -> bool:
    """Whether a file called JSON Lines is a list, or has values that begin or end in the middle of a line."""
    value = _parsed(first)
    if value is not None:
        return isinstance(value, list) and not rest and any(isinstance(item, dict) for item in value)
    if first in (b"[", b"{"):
        return True
    if rest:
        return not any(isinstance(_parsed(line), dict) for line in rest.split(b"\n")[:_LINES_TRIED])
    try:
        text = first.decode()
        end = json.JSONDecoder().raw_decode(text)[1]
    except (ValueError, RecursionError):
        return False
    return text[end:].lstrip(", ").startswith("{")


def _parsed(text: bytes) -> Any:
    """None also for what is no JSON."""
    try:
        return parse_json(text)
    except ValueError:
        return None


def _looks_like_csv(head: bytes) -> bool:
    lines = head.decode("utf-8", "replace").splitlines()[:20]
    try:
        widths = {len(row) for row in csv.reader(lines[:-1] or lines, strict=True)}
    except csv.Error:
        return False
    return len(widths) == 1 and widths.pop() > 1


def iterate_records(path: Path, options: ReadOptions | None = None, *, name: str | None = None) -> Iterator[Record]:
    """The records of a file, whatever its format. `name` is what messages call the file (default: the path).

    Raises: SourceError naming the file and the byte or row where reading had to stop.
    """
    options = options or ReadOptions()
    where = name or str(path)
    kind = "jsonl" if options.span else options.format or detect_format(path)
    if kind in ("parquet", "arrow_file", "arrow_stream"):
        yield from _arrow_records(path, kind, where, options.columns)
        return
    with open_bytes(path) as stream:
        if kind == "tar":
            yield from ((row, None, record) for row, record in enumerate(iterate_tar(stream, where)))
        elif kind == "json":
            yield from _json_records(stream, where, options)
        elif kind == "jsonl":
            yield from _jsonl_records(stream, where, options.span)
        elif kind == "text":
            yield from _text_records(stream, where, options)
        else:
            yield from _csv_records(stream, where, options, "," if kind == "csv" else "\t")


def _json_records(stream: BinaryIO, where: str, options: ReadOptions) -> Iterator[Record]:
    if options.whole:
        try:
            yield 0, None, parse_json(_read_bounded(stream, MAX_RECORD_BYTES, where).removeprefix(_BOM))
        except ValueError as exc:
            raise SourceError(f"{where}: not valid JSON ({exc})") from exc
        return
    if options.records:
        items = iterate_collection(stream, where, options.records)
    else:
        items = iterate_values(stream, where, options.is_record)
    for row, (key, value) in enumerate(items):
        yield row, key, value


def _read_bounded(stream: BinaryIO, most: int, where: str) -> bytes:
    data = stream.read(most + 1)
    if len(data) > most:
        raise SourceError(f"{where}: unpacked it has more than {most >> 20} MiB, the most that is read at once")
    return data


def _jsonl_records(stream: BinaryIO, where: str, span: LineSpan | None) -> Iterator[Record]:
    lines = enumerate(whole_lines(stream, where)) if span is None else enumerate(span.lines(stream, where), span.line)
    for row, raw in lines:
        line = raw.removeprefix(_BOM) if row == 0 else raw
        try:
            yield row, None, orjson.loads(line)
        except orjson.JSONDecodeError:
            if line.strip():
                yield row, None, _second_try(line, row)


def _second_try(line: bytes, row: int) -> Any:
    try:
        return parse_json(line)
    except ValueError as exc:
        return BadRecord("bad_json", f"line {row + 1} is not valid JSON ({getattr(exc, 'msg', exc)}): {line[:60]!r}")


class _Decoder:
    """Lines as text: UTF-8, and Windows-1252 for the lines that are not; counts the latter."""

    def __init__(self, stream: BinaryIO, where: str, on_note: Callable[[str], None]) -> None:
        self.stream, self.where, self.on_note = stream, where, on_note
        self.others: list[int] = []

    def __iter__(self) -> Iterator[str]:
        for number, raw in enumerate(whole_lines(self.stream, self.where)):
            try:
                yield (raw.removeprefix(_BOM) if number == 0 else raw).decode()
            except UnicodeDecodeError:
                self.others.append(number)
                try:
                    yield raw.decode("cp1252")
                except UnicodeDecodeError:  # cp1252 leaves five bytes undefined, Latin-1 none
                    yield raw.decode("latin-1")
        if self.others:
            self.on_note(
                f"{self.where}: lines that are not UTF-8 and were read as Windows-1252: {len(self.others)} "
                f"(first: line {self.others[0] + 1})"
            )


def _text_records(stream: BinaryIO, where: str, options: ReadOptions) -> Iterator[Record]:
    for row, line in enumerate(_Decoder(stream, where, options.on_note)):
        yield row, None, line.rstrip("\r\n")


def _csv_records(stream: BinaryIO, where: str, options: ReadOptions, usual: str) -> Iterator[Record]:
    lines = iter(_Decoder(_with_line_feeds(stream), where, options.on_note))
    yield from csv_records(lines, where, usual, options.csv_columns)


class _LineFeeds(io.RawIOBase):
    """Text whose lines end with carriage returns alone, with line feeds in their place."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data.replace(b"\r", b"\n")
        return len(data)


def _with_line_feeds(stream: BinaryIO) -> BinaryIO:
    """The stream from its start; with line feeds where its beginning has carriage returns alone (old Macs', and some exports)."""
    buffered = (
        stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream), _HEAD_BYTES)
    )
    head = buffered.peek(_HEAD_BYTES)
    if b"\n" in head or b"\r" not in head.removesuffix(b"\r"):
        return buffered
    return io.BufferedReader(_LineFeeds(buffered))


def _arrow_records(path: Path, kind: str, where: str, columns: tuple[str, ...] | None) -> Iterator[Record]:
    row = 0
    try:
        for batch in _arrow_batches(path, kind, columns):
            batch.validate(full=True)  # a changed offset must be an error, never a crash
            for record in records_of(batch):
                yield row, None, record
                row += 1
    except ARROW_ERRORS as exc:
        raise arrow_fault(where, kind, row, exc) from exc


def arrow_fault(where: str, kind: str, row: int, exc: BaseException) -> SourceError:
    """The error for damage that one of ARROW_ERRORS tells of."""
    return SourceError(
        f"{where}: cannot be read as {kind} after row {row} ({type(exc).__name__}: {exc}); the file is damaged, or is "
        "none of these: fetch it again"
    )


def rows_of_parquet(parquet: pq.ParquetFile, most: int) -> int:
    """Rows to decode at once: as many as have `_PARQUET_BYTES` by the mean of the row group whose rows are the largest."""
    groups = (parquet.metadata.row_group(number) for number in range(parquet.num_row_groups))
    largest = max((group.total_byte_size / group.num_rows for group in groups if group.num_rows), default=1.0)
    return max(1, min(most, int(_PARQUET_BYTES / max(largest, 1.0))))


def _arrow_batches(path: Path, kind: str, columns: tuple[str, ...] | None) -> Iterator[pa.RecordBatch]:
    source: Any = str(path)
    require_regular(path)
    with path.open("rb") as raw:
        magic = raw.read(4)
    if magic == _ZSTD or magic[:2] == _GZIP:  # such files are compressed inside, so this is rare: unpack in memory
        with open_bytes(path) as stream:
            source = pa.BufferReader(_read_bounded(stream, MAX_UNPACKED_BYTES, str(path)))
    if kind == "parquet":
        from pyarrow.parquet import ParquetFile  # with it comes all of pyarrow.fs

        parquet = ParquetFile(source)
        wanted = [n for n in parquet.schema_arrow.names if columns is None or n in columns]
        yield from parquet.iter_batches(batch_size=rows_of_parquet(parquet, _ARROW_BATCH_ROWS), columns=wanted)
        return
    opened = pa.memory_map(source) if isinstance(source, str) else source
    if kind == "arrow_stream":
        batches: Iterator[pa.RecordBatch] = iter(pa.ipc.open_stream(opened))
    else:
        reader = pa.ipc.open_file(opened)
        batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
    for batch in batches:
        wanted = [n for n in batch.schema.names if columns is None or n in columns]
        whole = batch.select(wanted)
        for start in range(0, whole.num_rows, _ARROW_BATCH_ROWS):
            yield whole.slice(start, _ARROW_BATCH_ROWS)
