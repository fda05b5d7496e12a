"""Places that cannot be written to, and a full disk, told as one message whichever library met it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asd.plain_files import require_replaceable
from asd_training.errors import RunError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TOLD = ("no space left", "disk quota exceeded", "file too large", "pytorchstreamwriter failed", "unexpected pos ")


@contextmanager
def disk_full(folder: str) -> Iterator[None]:
    """Raises: RunError in place of whatever Python, torch, safetensors or Arrow raises when a file cannot grow."""
    try:
        yield
    except Exception as exc:
        if not is_disk_full(exc):
            raise
        raise RunError(
            f"the disk of {folder} is full ({exc}); free some space. What is finished is kept: the same command goes on "
            "from there"
        ) from exc


def require_folder(folder: Path, option: str) -> None:
    """Make it, before work whose result goes there. Raises: RunError if that cannot be, or nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise RunError(f"{option}: the folder {folder} cannot be made ({exc}); give another place") from exc
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RunError(f"{option}: the folder {folder} cannot be written to; give another place")


def require_file_place(path: Path, option: str) -> None:
    """Raises: RunError if no file can be written there, StorageError for a device or a link."""
    if path.is_dir():
        raise RunError(f"{option}: {path} is a folder, expected a file to write; give a name in it")
    require_replaceable(path)
    require_folder(path.parent, option)


def is_disk_full(exc: BaseException) -> bool:
    message = str(exc).lower()
    return (isinstance(exc, OSError) and exc.errno in _FULL) or any(words in message for words in _TOLD)
