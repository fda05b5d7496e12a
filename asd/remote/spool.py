"""Local copies of sources that are at an address: the work itself is done on files."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_cache_dir

from asd.errors import SourceError
from asd.fingerprint import IMAGE_SUFFIXES
from asd.remote.http_source import refusal
from asd.remote.object_store import describe_missing, failures, info_of, opened, protocol_of, shown
from asd.shards.files import storage_errors, write_text

_STAMPS, _TEMPORARY = ".spooled.jsonl", ".spooling.tmp"
_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class _Remote:
    path: str
    stamp: str
    """Changes with anything that the store tells of the file: size, time, checksum, generation."""
    size_bytes: int | None


def spool_folder() -> Path:
    """$ASD_SPOOL, else asd/spool in the user's cache folder."""
    named = os.environ.get("ASD_SPOOL")
    return Path(named) if named else Path(user_cache_dir("asd")) / "spool"


def spool(url: str) -> Path:
    """A local copy of the file or folder at `url`, under its own name; images are left out.

    A file is copied again when its size, time or checksum there has changed. A copy that was cut short goes on with the
    files that are missing. Raises: SourceError (nothing there, no access), UsageError (no package for the protocol),
    StorageError (the local disk).
    """
    filesystem, root = opened(url)
    name = shown(url).rstrip("/").rpartition("/")[2] or "data"
    folder = spool_folder() / hashlib.sha256(url.encode()).hexdigest()[:16]
    with failures(SourceError, f"{shown(url)} cannot be read", url):
        files = _found(filesystem, root, name, url)
        with _alone(folder):
            _copy_changed(filesystem, files, folder)
    return folder / name


def _found(filesystem: Any, root: str, name: str, url: str) -> dict[str, _Remote]:
    """Local name -> file at the address. Raises: SourceError."""
    about = info_of(filesystem, root)
    if about is None:
        if said := refusal(filesystem, root):
            raise SourceError(f"{shown(url)}: {said}")
        missing = describe_missing(filesystem, root, url)
        raise SourceError(f"{shown(url)}: there is no such file or folder{f' ({missing})' if missing else ''}.")
    is_web = protocol_of(url) in ("http", "https")
    if not (about["type"] == "directory" or (is_web and filesystem.isdir(root))):
        return {name: _remote(root, about)}
    files = {}
    for path, details in filesystem.find(root, detail=True).items():
        inside = path[len(root.rstrip("/")) + 1 :]
        if details["type"] != "directory" and inside and not inside.endswith("/") and not _is_image(inside):
            _require_file_name(inside, url)
            files[f"{name}/{inside}"] = _remote(path, filesystem.info(path) if is_web else details)
    return files


def _remote(path: str, about: dict[str, Any]) -> _Remote:
    facts = sorted((key, str(value)) for key, value in about.items())
    is_packed = about.get("contentEncoding") or about.get("ContentEncoding")  # then the copy has another size
    size = None if is_packed or about.get("size") is None else int(about["size"])
    return _Remote(path, hashlib.sha256(repr(facts).encode()).hexdigest(), size)


def _require_file_name(inside: str, url: str) -> None:
    """Keys of an object store are any text; as a path, ".." would lead out of the spool."""
    if {"", ".", ".."} & {*inside.split("/")} or "\0" in inside:
        raise SourceError(
            f"{shown(url)}: the key {inside!r} cannot be a file name (it has an empty part, '.' or '..'). Rename it "
            "there, or copy the files to a local folder and give that as the source."
        )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time copies to a folder, so what lies there half done is of a process that died."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_suffix(".lock"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _copy_changed(filesystem: Any, files: dict[str, _Remote], folder: Path) -> None:
    known = _read_stamps(folder / _STAMPS)
    for local, remote in files.items():
        path = folder / local
        if known.get(local) == remote.stamp and path.is_file() and path.stat().st_size == _size(remote, path):
            continue
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(filesystem, remote, path, folder / _TEMPORARY)
        with storage_errors(path), (folder / _STAMPS).open("a", encoding="utf-8") as notes:
            notes.write(json.dumps([local, remote.stamp]) + "\n")
    for path in (path for path in folder.rglob("*") if path.is_file()):
        if path.relative_to(folder).as_posix() not in {*files, _STAMPS}:  # it is there no more
            path.unlink()
    write_text(folder / _STAMPS, "".join(f"{json.dumps([local, file.stamp])}\n" for local, file in files.items()))


def _read_stamps(path: Path) -> dict[str, str]:
    stamps: dict[str, str] = {}
    with contextlib.suppress(OSError):  # else all files are copied again
        for line in path.read_text("utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError):  # the last line of a killed process
                local, stamp = json.loads(line)
                stamps[local] = stamp
    return stamps


def _size(remote: _Remote, path: Path) -> int:
    return path.stat().st_size if remote.size_bytes is None else remote.size_bytes


def _fetch(filesystem: Any, remote: _Remote, path: Path, temporary: Path) -> None:
    """Raises: SourceError if the copy is not as long as the file there, StorageError if the disk is full."""
    try:
        filesystem.get_file(remote.path, str(temporary))
        if (received := temporary.stat().st_size) != (expected := _size(remote, temporary)):
            raise SourceError(
                f"{remote.path}: {received} bytes came, expected {expected}. It may have been changed meanwhile: run the "
                "same command again."
            )
        with storage_errors(path):
            temporary.replace(path)
    except OSError as exc:
        if exc.errno in _DISK_IS_FULL:
            with storage_errors(path):
                raise
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _is_image(path: str) -> bool:
    return Path(path).suffix.lower() in IMAGE_SUFFIXES
