"""Settings for processes of our own, which a library must not make in somebody else's process."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from types import ModuleType

import pyarrow as pa

_is_own = False


def settle_in() -> None:
    """Prepare the process of the command line, or of a worker, before any work."""
    global _is_own  # noqa: PLW0603  (a property of the process)
    _is_own = True
    leave_out_pandas()
    use_system_memory()


def leave_out_pandas() -> None:
    """Keep PyArrow from importing pandas when it makes its first array: half a second and 60 MB that nothing here uses.

    Its Python part looks for pandas once, to recognise data frames among its arguments, and looks again when it is
    asked for one outright (`to_pandas`). Its C++ part looks at each list until there is a module of that name, and
    takes from it the objects that stand for nulls: it finds one that has none,
    and sees no null in pandas' own ones from then on. Does nothing where pandas is loaded.
    """
    if "pandas" in sys.modules:
        return
    try:
        for stand_in in (None, ModuleType("pandas")):  # None is what makes an import fail
            sys.modules["pandas"] = stand_in  # type: ignore[assignment]
            with suppress(ImportError, AttributeError):
                pa.array([0])
    finally:
        del sys.modules["pandas"]


def use_system_memory() -> None:
    """Let Arrow take its memory from the C library, which gives it back sooner than Arrow's own allocator does: a
    conversion peaks at a fifth less and is as quick. Does nothing where the environment names an allocator."""
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())


def is_own() -> bool:
    """Whether this is a process of ours, and not somebody's script, which starting a process may run once more."""
    return _is_own


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
