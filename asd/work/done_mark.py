"""Done-marks: how whoever goes on from a staged file knows that it is whole and as it was left.

A mark is a small JSON file: size and checksum of each file that it stands for, whatever else is known of them, and a
checksum of its own. It is written before those files get their names, so a file that has its name has a mark. A staged
file is taken up through its mark alone; one that is damaged, or has lost its mark, is made again. What the mark of a
finished shard holds besides is in `finished_shards`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from asd.shards.files import give_name, storage_errors, sync_file, write_bytes

_CHECKSUM, _FILES = "checksum", "files"


class DamagedFileError(Exception):
    """A staged file is missing, cut off or changed; `why` completes a sentence about `path`."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} {why}")
        self.path, self.why = path, why


@dataclass(frozen=True)
class Imprint:
    """Size and checksum of a file, which tell whether it is as it was."""

    size_bytes: int
    xxh3_128: str


def imprint_of(path: Path) -> Imprint:
    """Reads the whole file. Raises: OSError."""
    with path.open("rb") as file:
        return Imprint(path.stat().st_size, hashlib.file_digest(file, xxhash.xxh3_128).hexdigest())


def require_unchanged(path: Path, expected: Imprint, *, is_trusted: bool = False) -> None:
    """Raises: DamagedFileError. is_trusted: look at the size alone."""
    try:
        size = path.stat().st_size
        if size != expected.size_bytes:
            raise DamagedFileError(path, f"has {size} bytes, expected {expected.size_bytes}")
        if not is_trusted and imprint_of(path) != expected:
            raise DamagedFileError(path, "has changed since it was written")
    except OSError as exc:
        raise DamagedFileError(path, f"cannot be read ({exc.strerror or exc})") from exc


def write_mark(
    mark: Path, imprints: Mapping[str, Imprint], known: Mapping[str, Any] | None = None, *, durable: bool = True
) -> None:
    """known: what else is noted, JSON-ready; durable: on the disk before anybody can read it."""
    files = {name: [imprint.size_bytes, imprint.xxh3_128] for name, imprint in imprints.items()}
    content = {_FILES: files, **(known or {})}
    write_bytes(mark, json.dumps({_CHECKSUM: _checksum(content), **content}).encode(), durable=durable)


def read_mark(mark: Path) -> tuple[dict[str, Imprint], dict[str, Any]]:
    """The files that the mark stands for, and what else is noted. Raises: DamagedFileError."""
    try:
        content = json.loads(mark.read_bytes())
        if not isinstance(content, dict) or content.pop(_CHECKSUM, None) != _checksum(content):
            raise DamagedFileError(mark, "cannot be read (it has changed since it was written)")
        files = {name: Imprint(*imprint) for name, imprint in content.pop(_FILES).items()}
    except OSError as exc:
        raise DamagedFileError(mark, f"cannot be read ({exc.strerror or exc})") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DamagedFileError(mark, f"cannot be read ({exc})") from exc
    return files, content


def _checksum(content: dict[str, Any]) -> str:
    return xxhash.xxh3_128_hexdigest(json.dumps(content).encode())


# -- a file with a mark of its own ------------------------------------------------------------------------------------


def mark_beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.xxh3")


def give_marked_name(hidden: Path, path: Path, *, durable: bool) -> None:
    """Put a file that is written under the name `hidden` where others look for it, its mark first.

    durable: file and mark are on the disk before they get their names.
    """
    try:
        with storage_errors(path):
            if durable:
                sync_file(hidden)
            imprint = imprint_of(hidden)
        write_mark(mark_beside(path), {path.name: imprint}, durable=durable)
        give_name(hidden, path, durable=False)
    finally:
        hidden.unlink(missing_ok=True)


def is_as_left(path: Path, say: Callable[[str], None] | None = None) -> bool:
    """Whether the file is there, with its mark beside it, as it was left. say: hears of one that is damaged."""
    try:
        imprints, _ = read_mark(mark_beside(path))
        require_unchanged(path, imprints[path.name])
    except (DamagedFileError, KeyError):
        if say is not None and path.exists():
            say(f"note: {path} is damaged (it has changed since it was written); making it again")
        return False
    return True


def remove_damaged(paths: Iterable[Path], say: Callable[[str], None]) -> None:
    """Delete those that are not as an earlier run left them, so that they are made again."""
    for path in paths:
        if not is_as_left(path, say):
            with storage_errors(path):
                path.unlink(missing_ok=True)
