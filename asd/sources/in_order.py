"""`map` over threads, results in the order of the items, a few items ahead. For work outside of the interpreter lock.

Where the items end in an error, the results of those before it come first.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

MAX_THREADS = 4
"""Each holds a block or two in memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


_most_threads = MAX_THREADS


def limit_threads(most: int) -> None:
    """For a process among others that share the cores."""
    global _most_threads  # noqa: PLW0603  (a property of the process)
    _most_threads = most


def usable_threads() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_most_threads, cores)


class UntilFault(Iterator[Item]):
    """The items up to an error, which waits until what was made of them has been handed on."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)
        self.fault: Exception | None = None

    def __next__(self) -> Item:
        try:
            return next(self._items)
        except StopIteration:
            raise
        except Exception as exc:
            self.fault = exc
            raise StopIteration from exc

    def raise_fault(self) -> None:
        if self.fault is not None:
            raise self.fault


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> Generator[Result, None, None]:
    threads = usable_threads() if threads is None else threads
    pending: deque[Future[Result]] = deque()
    given = UntilFault(items)
    with ThreadPoolExecutor(threads) as pool:
        for item in given:
            pending.append(pool.submit(function, item))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    given.raise_fault()
