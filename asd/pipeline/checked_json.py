"""Small JSON files that tell whether they are still as they were written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import xxhash

from asd.shards.files import write_bytes

_KEY = "checksum"


def write_checked_json(path: Path, content: dict[str, Any], *, durable: bool = True) -> None:
    """Atomic; `content` has no key "checksum"."""
    write_bytes(path, json.dumps({_KEY: _checksum(content), **content}).encode(), durable=durable)


def read_checked_json(path: Path) -> dict[str, Any]:
    """Raises: ValueError if the file is no such JSON, or has changed; OSError."""
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict) or content.pop(_KEY, None) != _checksum(content):
        raise ValueError("it has changed since it was written")
    return content


def _checksum(content: dict[str, Any]) -> str:
    return xxhash.xxh3_128_hexdigest(json.dumps(content).encode())
