"""A full disk, told as one message whichever library met it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from training.errors import RunError

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


def is_disk_full(exc: BaseException) -> bool:
    told = str(exc).lower()
    return (isinstance(exc, OSError) and exc.errno in _FULL) or any(words in told for words in _TOLD)
