"""WebDataset tars as records: members of one key are one record, the JSON's with the pictures beside it in it."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from asd.errors import SourceError
from asd.sources.json_stream import BadRecord, parse_json

PATHS = "image_paths"
"""Key under which an export says what the pictures of a record were called."""
MAX_MEMBER_BYTES = 64 << 20
_PICTURES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"))

Member = tuple[str, bytes]


def iterate_tar(stream: BinaryIO, where: str) -> Iterator[dict[str, Any] | BadRecord]:
    """Records in the order of the tar; a sample without JSON is its members' names. Raises: SourceError."""
    for _, members in groupby(_members(stream, where), key=lambda member: _key(member[0])):
        yield _record(dict(members))


def _members(stream: BinaryIO, where: str) -> Iterator[Member]:
    name = ""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for entry in tar:
                if not entry.isfile():
                    continue
                name = entry.name
                if entry.size > MAX_MEMBER_BYTES:
                    raise SourceError(
                        f"{where}: member {name!r} has {entry.size:,} bytes, more than {MAX_MEMBER_BYTES:,}"
                    )
                file = tar.extractfile(entry)
                yield name, b"" if file is None else file.read()
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as exc:
        raise SourceError(f"{where}: the tar cannot be read on after {name or 'its beginning'!r} ({exc})") from exc


def _key(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.parent / path.name.partition(".")[0])


def _record(members: dict[str, bytes]) -> dict[str, Any] | BadRecord:
    described = next((name for name in members if name.endswith(".json")), None)
    if described is None:
        return {"members": sorted(members)}
    try:
        record = parse_json(members[described])
    except ValueError as exc:
        return BadRecord("bad_json", f"{described} is not valid JSON ({getattr(exc, 'msg', exc)})")
    if not isinstance(record, dict):
        return BadRecord("not_an_object", f"{described} holds no object")
    by_name = {PurePosixPath(name).name: data for name, data in members.items()}
    listed = record.get("images")
    names = (
        listed
        if isinstance(listed, list)
        else [name for name in by_name if PurePosixPath(name).suffix.lower() in _PICTURES]
    )
    paths = record.get(PATHS)
    called = paths if isinstance(paths, list) and len(paths) == len(names) else names
    pictures = [
        {"path": path, "bytes": by_name[name]} if isinstance(name, str) and name in by_name else path
        for name, path in zip(names, called, strict=True)
    ]
    return {key: value for key, value in record.items() if key not in ("image", "images", PATHS)} | {"images": pictures}
