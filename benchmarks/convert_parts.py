"""What a converted row costs, part by part: processor time of one conversion in one process, each part's own.

    python benchmarks/convert.py --profile                      # 10^5 rows, ratio 1
    python benchmarks/convert.py --profile --source DIR --task gqa --repeats 5

A part's time is without that of the parts inside it and without what measuring costs. Microseconds a converted row;
the median of the repeats, each a process of its own.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PARTS = (
    ("reading", "asd.conversion.run", "ingest"),
    ("index of answers", "asd.conversion.run", "ConversionRun.build_mining_index"),
    ("plan", "asd.conversion.run", "ConversionRun.plan"),
    ("drafts: makers", "asd.work.drafting", "ShardDrafter.draft"),
    ("drafts: mining", "asd.makers.keyed", "MinedWrong.settle"),
    ("drafts: rows read", "asd.work.drafting", "batches_of"),
    ("drafts: file", "asd.work.worker", "write_drafts"),
    ("drafts: file", "asd.work.worker", "read_outcomes"),
    ("drafts: file", "asd.work.worker", "read_accepted"),
    ("rendering: letters, prompts", "asd.work.converted_rows", "render_style"),
    ("rendering: Jinja", "asd.templating", "CompiledTemplate.render_columns"),
    ("validation", "asd.work.converted_rows", "suspects"),
    ("columns: from Arrow", "asd.work.converted_rows", "_style_rows"),
    ("columns: to Arrow", "asd.work.worker", "converted_columns"),
    ("columns: native", "asd.work.worker", "shard_rows"),
    ("shards: rest", "asd.work.worker", "Worker.write"),
    ("shards: rest", "asd.engines.local", "settle"),
    ("shards: checksum", "asd.work.finished_shards", "sha256_of"),
    ("reasons counted", "asd.conversion.run", "count_declined"),
    ("rest", "asd.conversion.run", "ConversionRun.run"),
)
CONVERTED = ("drafts", "rendering", "validation", "columns")
"""Parts that rows which keep their style do not have (native columns apart)."""


class Stopwatch:
    """Processor time by part; of nested parts only the inner one's clock runs."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._started: list[str] = []
        self._since = 0
        self._toll = 0
        self._toll = min(self._measure_toll() for _ in range(5))
        self.spent.clear()

    def _measure_toll(self) -> int:
        """What starting and stopping one part adds to the part itself, in ns."""
        before = self.spent["toll"]
        nothing = self.around("toll", lambda: None)
        for _ in range(2000):
            nothing()
        return (self.spent["toll"] - before) // 2000

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._enter(part)
            try:
                return function(*args, **kwargs)
            finally:
                self._leave()

        return timed

    def around_each(self, part: str, function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """Of a generator: while it works, not while its values are used."""

        def timed(*args: Any, **kwargs: Any) -> Iterator[Any]:
            values, end = function(*args, **kwargs), object()
            step = self.around(part, lambda: next(values, end))
            while (value := step()) is not end:
                yield value

        return timed

    def _enter(self, part: str) -> None:
        now = time.process_time_ns()
        if self._started:
            self.spent[self._started[-1]] += now - self._since - self._toll
        self._started.append(part)
        self._since = time.process_time_ns()

    def _leave(self) -> None:
        now = time.process_time_ns()
        self.spent[self._started.pop()] += now - self._since - self._toll
        self._since = time.process_time_ns()


def run_parts(task: str, source: Path, ratio: float) -> dict[str, float]:
    """Microseconds per converted row by part, of one conversion in this process."""
    import asd

    watch = Stopwatch()
    for part, module, name in PARTS:
        owner: Any = importlib.import_module(module)
        *path, last = name.split(".")
        for step in path:
            owner = getattr(owner, step)
        wrap = watch.around_each if last == "batches_of" else watch.around
        setattr(owner, last, wrap(part, getattr(owner, last)))
    pool: Any = importlib.import_module("asd.engines.local")
    pool.map_in_order = lambda function, items, threads: map(function, items)  # parts must not overlap
    with tempfile.TemporaryDirectory(prefix="asd-bench-") as folder:
        made = asd.convert(task, source, out=Path(folder) / "d", ratio=ratio, workers=1, max_reject_rate=1.0)
    converted = made.manifest.counts.converted
    parts = {part: watch.spent[part] / 1e3 / converted for part, _, _ in PARTS}
    return parts | {"converted rows": float(converted)}


def table(runs: list[dict[str, float]], ratio: float) -> Iterator[str]:
    """The lines to print; runs: of `run_parts`."""
    parts = {name: sorted(run[name] for run in runs) for name in runs[0]}
    middle = {name: values[len(values) // 2] for name, values in parts.items()}
    yield f"ratio {ratio}, {middle.pop('converted rows'):,.0f} converted rows, {len(runs)} runs: us per converted row"
    for name, value in middle.items():
        yield f"  {name:30} {value:7.2f}   [{parts[name][0]:.2f} to {parts[name][-1]:.2f}]"
    own = sum(value for name, value in middle.items() if name.startswith(CONVERTED))
    yield f"  {'a converted row':30} {own:7.2f}   ({', '.join(CONVERTED)})"
