"""How much memory was needed; and running out of it, told as one message that says what to lower."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from asd_training.errors import MemoryLimitError


@contextmanager
def out_of_memory(doing: str, lower: str) -> Iterator[None]:
    """Raises: MemoryLimitError in place of whatever torch or Python raises for want of memory."""
    try:
        yield
    except (RuntimeError, MemoryError) as exc:
        if not is_out_of_memory(exc):
            raise
        raise MemoryLimitError(
            f"out of memory while {doing}; lower {lower}. What is finished is kept: the same command goes on from there"
        ) from exc


def is_out_of_memory(exc: BaseException) -> bool:
    message = str(exc).lower()
    return isinstance(exc, torch.OutOfMemoryError | MemoryError) or (
        isinstance(exc, RuntimeError) and ("out of memory" in message or "can't allocate memory" in message)
    )


def peak_memory_bytes() -> dict[str, int]:
    """ "process": most resident memory since this process began; "cuda": most allocated on the current device."""
    peaks = {}
    if sys.platform != "win32":
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peaks["process"] = most if sys.platform == "darwin" else most * 1024
    if torch.cuda.is_available():
        peaks["cuda"] = torch.cuda.max_memory_allocated()
    return peaks
