"""Work items as Ray tasks: begun some ahead, their results taken in order, each begun anew when its process dies.

No more items are begun than twice the cluster's CPUs beyond the last one that was taken whole. What comes of an item
before its turn waits in Ray's object store, which writes to disk what memory cannot take.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Protocol

import pyarrow as pa

from asd.engines.base import WorkerLostError
from asd.engines.ray.cluster import describe_failure, most_memory, require_memory, working_nodes
from asd.errors import AsdError
from asd.sources.in_order import limit_threads

MAX_TRIES = 4
"""Of one work item, when the process or node that does it dies."""
_AHEAD = 2
"""Items begun for each CPU of the cluster."""


class Work(Protocol):
    """The work of many items, as it is sent to the nodes."""

    @property
    def name(self) -> str:
        """What Ray calls its tasks."""

    def load(self) -> Callable[[Any], Iterator[Any]]:
        """Called once in each process. The result does one item, and gives what comes of it, piece by piece."""


def run_in_order(work: Work, items: Iterable[tuple[str, Any]], memory: int) -> Iterator[Any]:
    """The pieces of all items, in order. The driver and the nodes share all files that items name.

    items: what each does, for messages ("write data/train-00001.arrow"), and the item itself. memory: bytes that the
    largest needs. Raises: ClusterError if no node has so much; WorkerLostError; the AsdError of an item.
    """
    import ray

    require_memory(memory)
    todo = iter(items)
    begun: deque[_ItemUnderWay] = deque()
    try:
        held = ray.put(work)
        task = ray.remote(do_item).options(
            name=work.name,
            num_cpus=1,
            memory=memory,
            num_returns="streaming",
            max_retries=0,
            scheduling_strategy="SPREAD",
        )
        begin = partial(task.remote, [held])
        ahead = _AHEAD * sum(int(node["Resources"]["CPU"]) for node in working_nodes())
        for doing, item in islice(todo, ahead):
            begun.append(_ItemUnderWay(doing, item, memory, begin))
        while begun:
            yield from begun[0].pieces()
            begun.popleft()
            for doing, item in islice(todo, 1):
                begun.append(_ItemUnderWay(doing, item, memory, begin))
    except ray.exceptions.RayError as exc:
        raise WorkerLostError(
            f"the Ray cluster broke down ({describe_failure(exc)}). Finished blocks are kept: run the same command again "
            "to go on."
        ) from exc
    finally:
        for item in begun:
            with contextlib.suppress(ray.exceptions.RayError):
                item.cancel()
        begun.clear()  # an error's traceback holds this frame, and what these hold with it


class _ItemUnderWay:
    """An item that a worker does; if that dies, another begins anew, from the first piece on that has not come."""

    def __init__(self, doing: str, item: Any, memory: int, begin: Callable[[Any, int], Any]) -> None:
        self._doing, self._item, self._memory, self._begin = doing, item, memory, begin
        self._given = begin(item, 0)

    def pieces(self) -> Iterator[Any]:
        """Raises: the AsdError of the item; WorkerLostError."""
        import ray

        taken, deaths = 0, 0
        while True:
            try:
                for reference in self._given:
                    piece = ray.get(reference)
                    if isinstance(piece, AsdError):
                        raise piece
                    taken += 1
                    yield piece
            except ray.exceptions.RayTaskError as exc:
                raise WorkerLostError(
                    f"a worker of the Ray cluster could not {self._doing} ({describe_failure(exc)})."
                ) from exc
            except ray.exceptions.RayError as exc:
                deaths += 1
                if deaths >= MAX_TRIES or most_memory() < self._memory:  # else it would wait for a node for ever
                    raise self._lost(deaths, describe_failure(exc)) from exc
                self._given = self._begin(self._item, taken)
            else:
                return

    def cancel(self) -> None:
        import ray

        ray.cancel(self._given)

    def _lost(self, deaths: int, last: str) -> WorkerLostError:
        times = "once" if deaths == 1 else f"{deaths} times"
        return WorkerLostError(
            f"the worker that was to {self._doing} died {times} (killed, or out of memory; at last: {last}). Finished blocks "
            "are kept: run the same command again to go on, on nodes with more memory if that was short, or without "
            "--engine ray."
        )


# -- on the nodes -----------------------------------------------------------------------------------------------------

_loaded: dict[str, Callable[[Any], Iterator[Any]]] = {}


def do_item(held: list[Any], item: Any, skip: int) -> Iterator[Any]:
    """The pieces of an item from number `skip` on. held: the reference of the `Work`, alone."""
    try:
        for number, piece in enumerate(_load_once(held[0])(item)):
            if number >= skip:
                yield piece
    except AsdError as exc:  # as a value: a failure of the data is no reason to try again
        yield exc


def _load_once(reference: Any) -> Callable[[Any], Iterator[Any]]:
    """What this process needs for many items; what it loaded for other work is let go of."""
    import ray

    key = reference.hex()
    if key not in _loaded:
        pa.set_cpu_count(1)  # the processes are the parallelism
        limit_threads(1)
        _loaded.clear()
        _loaded[key] = ray.get(reference).load()
    return _loaded[key]
