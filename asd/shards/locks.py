"""Lock files that several processes hold together, and asking about them without taking them.

The same files as `filelock.FileLock` locks (flock): one that is held together cannot be held alone meanwhile.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from asd.shards.files import storage_errors

_POLL_S = 0.1


def is_held(path: Path) -> bool:
    """Whether some process holds the lock alone."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


@contextlib.contextmanager
def held_together(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock together with others that do the same; waits for one who holds it alone."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if (handle := _share(path)) is None:
            on_wait()
            while (handle := _share(path)) is None:
                time.sleep(_POLL_S)
    try:
        yield
    finally:
        os.close(handle)


def _share(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    if os.fstat(handle).st_nlink == 0:  # it was deleted on the way here
        os.close(handle)
        return None
    return handle
