"""Output files that are whole or not there, written one record at a time, the same bytes for the same input."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from glob import escape
from pathlib import Path
from typing import IO, Any

import orjson

from asd.errors import StorageError
from asd.shards.files import storage_errors, whole_file, write_text

Record = dict[str, Any]
_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")
"""Names of `asd.shards.files.hidden_name`; the number is that of the process."""


def remove_leftovers(out: Path) -> None:
    """Delete the temporary files that exports which were killed left of `out`, a folder or a file.

    Those of processes that are alive stay: two exports may write to one folder.
    """
    leftovers = out.rglob(".*.tmp") if out.is_dir() else out.parent.glob(f".{escape(out.name)}.*.tmp")
    with storage_errors(out):
        for path in leftovers:
            if (name := _TEMPORARY.fullmatch(path.name)) and not _is_alive(int(name[1])):
                path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    """Whether another process has that number; this one has begun nothing yet."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def write_json_list(path: Path, records: Iterable[Record]) -> int:
    """A JSON list with one record a line; returns the number of records."""
    return _write(path, records, opening=b"[\n", between=b",\n", closing=b"\n]\n", empty=b"[]\n")


def write_json_lines(path: Path, records: Iterable[Record]) -> int:
    return _write(path, records, opening=b"", between=b"\n", closing=b"\n", empty=b"")


def _write(
    path: Path, records: Iterable[Record], *, opening: bytes, between: bytes, closing: bytes, empty: bytes
) -> int:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        count = _write_records(file, records, opening, between)
        file.write(closing if count else empty)
    return count


def _write_records(file: IO[bytes], records: Iterable[Record], opening: bytes, between: bytes) -> int:
    count = 0
    for count, record in enumerate(records, start=1):
        file.write(opening if count == 1 else between)
        file.write(orjson.dumps(record))
    return count


def write_json(path: Path, value: Any) -> Path:
    """Small side files, for people to read."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    return path


def merge_json(path: Path, entries: dict[str, Any]) -> Path:
    """Set `entries` in a JSON object that others may keep theirs in; what else stands there stays.

    Raises: StorageError if the file holds anything but a JSON object.
    """
    held: Any = {}
    if path.exists():
        try:
            held = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as exc:
            raise StorageError(f"{path} is there and cannot be read as JSON ({exc}). Move it away.") from exc
        if not isinstance(held, dict):
            raise StorageError(f"{path} is there and is no JSON object. Move it away.")
    return write_json(path, held | entries)
