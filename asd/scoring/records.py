"""Records out of the file formats that predictions and gold answers come in: JSON, JSON Lines, Arrow, datasets."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from asd.errors import ScoreError
from asd.shards.reader import read_batches
from asd.shards.store import split_location

ID_FIELDS = ("question_id", "questionId", "id")
_ARROW_MAGIC = b"ARROW1"
_GZIP_MAGIC = b"\x1f\x8b"


def record_id(record: Mapping[str, Any]) -> str | None:
    """The id as text: some releases write numbers."""
    return next((str(record[field]) for field in ID_FIELDS if record.get(field) not in (None, "")), None)


def read_records(location: str) -> Any:
    """What a file holds: a list of records, or the object of a JSON file. "DIR[@VERSION]" reads a dataset.

    Raises: ScoreError for a file that cannot be read; ShardError, UnknownNameError for a dataset.
    """
    root, version = split_location(location)
    if root.is_dir():
        return [row for batch in read_batches(root, version) for row in batch.to_pylist()]
    try:
        data = Path(location).read_bytes()
        if data.startswith(_ARROW_MAGIC):
            return pa.ipc.open_file(pa.BufferReader(data)).read_all().to_pylist()
        return _parse_json(gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data)
    except (OSError, EOFError, ValueError, pa.ArrowException) as exc:
        raise ScoreError(f"{location} cannot be read as JSON, JSON Lines or Arrow ({exc})") from exc


def _parse_json(data: bytes) -> Any:
    """JSON Lines are told from JSON by the second line: one document is tried first."""
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError:
        return [_parse_line(number, line) for number, line in enumerate(data.splitlines(), start=1) if line.strip()]
    return content if not isinstance(content, dict) or record_id(content) is None else [content]


def _parse_line(number: int, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"line {number}: {exc}") from exc
