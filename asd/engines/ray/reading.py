"""Reading a source on a Ray cluster: nodes read its parts, this process puts together what they give, in order.

A part that is read ahead of its turn waits in Ray's object store, which writes to disk what memory cannot take. No
more parts are begun than twice the cluster's CPUs beyond the last one that was taken whole.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from asd.engines.base import WorkerLostError
from asd.engines.ray.cluster import describe_failure, most_memory, on_this_node, working_nodes
from asd.engines.ray.reader import PartEnd, SourceFiles, SourceSite, read_part
from asd.sources.batch import BATCH_ROWS, NativeBatch
from asd.sources.in_order import map_in_order
from asd.sources.open import Source
from asd.sources.parts import Part
from asd.work.measuring import Measured, Measuring, read_here

MAX_TRIES = 4
"""Of one part, when the process or node that reads it dies."""
_AHEAD = 2
"""Parts begun for each CPU of the cluster."""
_READER_BYTES, _PER_JOINED = 300_000_000, 10
"""Memory of a reader: a bare one, and per byte of the files that rows are joined with."""


class ClusterReading:
    """A `Reading` on the cluster that this process is connected to."""

    def __init__(
        self,
        stamps: Mapping[Path, tuple[int, int]],
        *,
        ship: bool,
        say: Callable[[str], None],
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        """stamps: size and time of change of the source's files when the version got its id."""
        self._stamps, self._ship, self._say, self._batch_rows = stamps, ship, say, batch_rows

    def __call__(self, source: Source, measure: Measuring) -> Measured:
        parts = source.parts()
        if len(parts) < 2:
            return read_here(source, measure, self._batch_rows)
        needed = memory_of(source, parts)
        if most_memory() < needed:
            self._say(f"note: the source is read here: a reader needs {needed / 1e6:,.0f} MB, more than a node has")
            return read_here(source, measure, self._batch_rows)
        pieces = self._with_one_message(self._pieces(source, measure, parts, needed))
        return map_in_order(measure.by_split, source.arrange(pieces, self._batch_rows))

    def _with_one_message(self, pieces: Iterator[NativeBatch]) -> Iterator[NativeBatch]:
        """Turns a cluster that breaks down into one message."""
        import ray

        try:
            yield from pieces
        except ray.exceptions.RayError as exc:
            raise WorkerLostError(
                f"the Ray cluster broke down while the source was read ({describe_failure(exc)}). Run the same command "
                "again, or without --engine ray."
            ) from exc

    def _pieces(self, source: Source, measure: Measuring, parts: Sequence[Part], needed: int) -> Iterator[NativeBatch]:
        import ray

        actor = ray.remote(SourceFiles).options(num_cpus=0, max_concurrency=4, **on_this_node())
        files = actor.remote(str(source.root.absolute()))
        site = self._site(source, measure, files)
        task = ray.remote(read_part).options(
            num_cpus=1, memory=needed, num_returns="streaming", max_retries=0, scheduling_strategy="SPREAD"
        )
        held = ray.put(site)
        todo = deque(parts)
        begun: deque[_PartUnderWay] = deque()
        ahead = _AHEAD * sum(int(node["Resources"]["CPU"]) for node in working_nodes())
        try:
            while todo or begun:
                while todo and len(begun) < ahead:
                    part = todo.popleft()
                    begun.append(
                        _PartUnderWay(part, needed, lambda part, skip: task.remote(site.mark, [held], part, skip))
                    )
                yield from begun[0].pieces(source.note)
                begun.popleft()
        finally:
            ends: list[Callable[[], object]] = [unfinished.cancel for unfinished in begun]
            ends.append(partial(ray.kill, files))
            for end in ends:
                with contextlib.suppress(ray.exceptions.RayError):
                    end()
            begun.clear()  # an error's traceback holds this frame, and what these hold with it

    def _site(self, source: Source, measure: Measuring, files: Any) -> SourceSite:
        absolute = source.root.absolute()
        return SourceSite(
            mark=secrets.token_hex(8),
            root=source.root,
            reader=source.reader.at(absolute),
            absolute=absolute,
            stamps={file.path: stamp for file in source.files if (stamp := self._stamps.get(source.root / file.path))},
            measure=measure,
            batch_rows=self._batch_rows,
            files=files,
            ship=self._ship,
        )


class _PartUnderWay:
    """A part that a worker reads, and begins anew if it must, from the first piece on that has not come."""

    def __init__(self, part: Part, needed: int, begin: Callable[[Part, int], Any]) -> None:
        """needed: bytes of memory, without which it would wait for a node for ever."""
        self._part, self._needed, self._begin = part, needed, begin
        self._given = begin(part, 0)

    def pieces(self, note: Callable[[str], None]) -> Iterator[NativeBatch]:
        """Raises: the error of the part; WorkerLostError."""
        import ray

        taken, deaths = 0, 0
        while True:
            try:
                item = ray.get(next(self._given))
            except ray.exceptions.RayTaskError as exc:
                raise WorkerLostError(
                    f"{self._part} could not be read on the Ray cluster ({describe_failure(exc)})."
                ) from exc
            except ray.exceptions.RayError as exc:
                deaths += 1
                if deaths >= MAX_TRIES or most_memory() < self._needed:
                    raise self._lost(deaths, describe_failure(exc)) from exc
                self._given = self._begin(self._part, taken)
                continue
            if isinstance(item, PartEnd):
                for text in item.notes:
                    note(text)
                if item.fault is not None:
                    raise item.fault
                return
            taken += 1
            yield item.batch()

    def cancel(self) -> None:
        import ray

        ray.cancel(self._given)

    def _lost(self, deaths: int, last: str) -> WorkerLostError:
        times = "once" if deaths == 1 else f"{deaths} times"
        return WorkerLostError(
            f"the worker that was to read {self._part} died {times} (killed, or out of memory; at last: {last}). Run the "
            "same command again, on nodes with more memory if that was short, or without --engine ray."
        )


def memory_of(source: Source, parts: Sequence[Part]) -> int:
    """Bytes that a reader needs."""
    sizes = {file.path: file.size_bytes for file in source.files}
    joined = max(sum(sizes[name] for name in part.beside) for part in parts)
    return _READER_BYTES + _PER_JOINED * joined
