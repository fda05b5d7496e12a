"""How long something took: by the clock, and in processor time, which other programs on the machine change little."""

from __future__ import annotations

import time


class Stopwatch:
    """Starts when it is made. Times are of this process, all of its threads; several processes each have their own."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    @property
    def wall_s(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def processor_s(self) -> float:
        return time.process_time() - self._processor
