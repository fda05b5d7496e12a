"""Records out of the file formats that predictions and gold answers come in: JSON, JSON Lines, Arrow, datasets."""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from asd.errors import ScoreError
from asd.plain_files import require_regular, what_it_is
from asd.shards.reader import read_batches
from asd.shards.store import split_location

_SURROGATE = re.compile("[\ud800-\udfff]")
ID_FIELDS = ("question_id", "questionId", "id")
_ARROW_MAGIC = b"ARROW1"
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""Byte order marks of files that editors and PowerShell write -> their encoding."""
_GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 1 << 30
"""Of a file of predictions or gold answers, unpacked. A million long answers have a quarter of it."""
_READING = (OSError, EOFError, ValueError, zlib.error, pa.ArrowException, OverflowError, SystemError, MemoryError)
"""What reading a damaged file raises."""


def record_id(record: Mapping[str, Any]) -> str | None:
    """The id as text. Some releases write numbers, and pandas writes whole ones with a fraction (7.0 is 7)."""
    return next((name for field in ID_FIELDS if (name := _id_text(record.get(field)))), None)


def _id_text(value: Any) -> str:
    if isinstance(value, float):
        return (
            str(int(value)) if math.isfinite(value) and value.is_integer() else "" if math.isnan(value) else str(value)
        )
    return "" if value is None else without_surrogates(str(value))


def without_surrogates(text: str) -> str:
    """The text without halves of emoji, which a cut model output holds and no file can."""
    return _SURROGATE.sub("", text)


def read_records(location: str) -> Any:
    """What a file holds: a list of records, or the object of a JSON file. "DIR[@VERSION]" reads a dataset.

    Raises: ScoreError for a file that cannot be read; ShardError, UnknownNameError for a dataset.
    """
    root, version = split_location(location)
    if root.is_dir():
        return [row for batch in read_batches(root, version) for row in batch.to_pylist()]
    try:
        data = _read_bounded(Path(location))
        if data.startswith(_ARROW_MAGIC):
            table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
            table.validate(full=True)  # a changed offset must be an error, never a crash
            return table.to_pylist()
        kind = what_it_is(data)
        if kind is not None:
            raise ScoreError(f"{location} is {kind}; expected JSON, JSON Lines or Arrow")
        return _parse_json(data)
    except FileNotFoundError as exc:
        raise ScoreError(f"{location} cannot be read: there is no such file") from exc
    except _READING as exc:
        raise ScoreError(f"{location} cannot be read as JSON, JSON Lines or Arrow ({exc})") from exc


def _read_bounded(path: Path) -> bytes:
    """The bytes of a file, unpacked. Raises: OSError, ValueError for more than is held in memory at once."""
    require_regular(path)
    with path.open("rb") as raw:
        is_packed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        data = (gzip.GzipFile(fileobj=raw) if is_packed else raw).read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES >> 20} MiB, unpacked: score it in parts")
    return data


def _parse_json(data: bytes) -> Any:
    """JSON Lines are told from JSON by the second line: one document is tried first. A byte order mark is no content."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            data = data.decode(encoding).encode()
    try:
        content = _parse(data)
    except ValueError:
        return [_parse_line(number, line) for number, line in enumerate(data.splitlines(), start=1) if line.strip()]
    return content if not isinstance(content, dict) or record_id(content) is None else [content]


def _parse_line(number: int, line: bytes) -> Any:
    try:
        return _parse(line)
    except ValueError as exc:
        raise ValueError(f"line {number}: {exc}") from exc


def _parse(text: bytes) -> Any:
    """One JSON value; NaN and half an emoji, which Python's own writer gives, are read as well. Raises: ValueError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise exc from None
