"""The two kinds of work that run in worker processes: drafting conversions, and assembling finished shards.

Both are pure functions of files already on disk and the order given to them, so a worker that dies costs its own item
only, and one worker writes the same bytes as twenty.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asd.columns import NATIVE_SCHEMA, SHARD_SCHEMA
from asd.errors import DataError, SourceError
from asd.makers.checks import CHECKS, check
from asd.makers.drafting import MakerContext, draft
from asd.makers.rendering import RenderContext, render_all
from asd.pipeline.ingest import NativeShard
from asd.pipeline.native import ConvertedRows, native_rfps, shard_rows
from asd.pipeline.plan import MULTIPLE_CHOICE, NOBODY, STYLE_BITS, UNKNOWN
from asd.records import Draft, Sample
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.shards.files import open_arrow, sha256_of, write_arrow
from asd.shards.manifest import FileEntry
from asd.shards.reader import read_shard
from asd.tasks.registry import rfps_for
from asd.templating import TemplateSet

_DRAFT_SCHEMA = pa.schema(
    [
        ("row", pa.int32()),
        ("single", pa.bool_()),
        ("asked", pa.uint8()),
        ("outcome", pa.uint8()),
        ("num_options", pa.uint8()),
        ("maker", pa.string()),
        ("gold", pa.string()),
        ("options", pa.list_(pa.string())),
        ("fixed_order", pa.bool_()),
        ("gold_index", pa.int32()),
        ("wrong", pa.string()),
        ("text", pa.string()),
        ("question", pa.string()),
        ("reasons", pa.list_(pa.string())),
    ]
)
_DRAFT_FIELDS = ("gold", "options", "fixed_order", "gold_index", "wrong", "text", "question")
"""Fields of a Draft that are columns as they are, in the order of the class."""
_MAKERS = {maker.value: maker for maker in Maker}
_NUMBERS = list(range(len(TARGET_STYLES)))
_CHAINS = [_NUMBERS[first:] + _NUMBERS[:first] for first in _NUMBERS]
"""For each primary style, all styles in the order in which they are tried."""


@dataclass(frozen=True)
class WorkerSetup:
    """Everything a worker process needs, sent once."""

    spec_json: str
    seed: int
    styles: tuple[AnswerStyle, ...]
    template_dir: Path | None
    ingest_dir: Path
    drafts_dir: Path
    shards_dir: Path
    mining_index: Path | None
    image_root: Path | None
    embed_images: bool


@dataclass(frozen=True)
class DraftOrder:
    """Rows of one native shard whose makers are to be asked. Row numbers are within the shard."""

    shard: NativeShard
    round: int
    chain: list[tuple[int, int]]
    """(row, primary style)"""
    single: list[tuple[int, int]]
    """(row, style)"""


@dataclass(frozen=True)
class Outcomes:
    chain: list[int]
    chain_options: list[int]
    single: list[int]
    single_options: list[int]


@dataclass(frozen=True)
class ShardOrder:
    """One shard to be assembled: which of its rows change style, and what was dealt to them."""

    shard: NativeShard
    rows: Sequence[int]
    styles: Sequence[int]
    deals: Sequence[int]
    renamed: dict[int, str]
    rounds: int
    file: str


@dataclass
class ShardResult:
    entry: FileEntry
    by_style: dict[str, int] = field(default_factory=dict)
    by_maker: dict[str, int] = field(default_factory=dict)


class Worker:
    """Holds what is loaded once per process: spec, templates, mining index."""

    def __init__(self, setup: WorkerSetup) -> None:
        self.setup = setup
        self.spec = TaskSpec.model_validate_json(setup.spec_json)
        distractors = None
        if setup.mining_index is not None:
            from asd.makers.distractors import DistractorIndex

            distractors = DistractorIndex.load(setup.mining_index)
        self.context = MakerContext(spec=self.spec, seed=setup.seed, distractors=distractors)
        self.rendering = RenderContext.build(self.spec, setup.seed, TemplateSet(setup.template_dir), setup.styles)

    # -- drafting -----------------------------------------------------------------------------------------------

    def draft_rows(self, order: DraftOrder) -> Outcomes:
        """Ask the makers; the drafts go to a file of this round and shard. An existing file is read instead."""
        path = self.setup.drafts_dir / f"{order.round:04d}-{order.shard.file}"
        if not path.is_file():
            with collector_paused():
                self._write_drafts(path, order)
        table = open_arrow(path).read_all()
        outcome, options = table["outcome"].to_pylist(), table["num_options"].to_pylist()
        cut = len(order.chain)
        return Outcomes(outcome[:cut], options[:cut], outcome[cut:], options[cut:])

    def _write_drafts(self, path: Path, order: DraftOrder) -> None:
        requests = [(row, style, False) for row, style in order.chain] + [
            (row, style, True) for row, style in order.single
        ]
        rows = [row for row, _, _ in requests]
        samples = read_samples(self.setup.ingest_dir / order.shard.file, rows)
        capable = np.load(self.setup.ingest_dir / "capable.npy", mmap_mode="r")
        bits = capable[np.asarray(rows, np.int64) + order.shard.first].tolist()
        made = [
            self._try(sample, asked, able & 1 << asked if single else able)
            for (_, asked, single), sample, able in zip(requests, samples, bits, strict=True)
        ]
        drafts = [found for _, found, _ in made]
        columns: dict[str, list[Any]] = {
            "row": rows,
            "single": [single for _, _, single in requests],
            "asked": [asked for _, asked, _ in requests],
            "outcome": [style for style, _, _ in made],
            "num_options": [
                len(found.options) if style == MULTIPLE_CHOICE and found and not found.fixed_order else 0
                for style, found, _ in made
            ],
            "maker": [found.maker.value if found else None for found in drafts],
            "reasons": [reasons for _, _, reasons in made],
        }
        for name in _DRAFT_FIELDS:
            columns[name] = [getattr(found, name, None) for found in drafts]
        arrays = [pa.array(columns[item.name], item.type) for item in _DRAFT_SCHEMA]
        write_arrow(path, _DRAFT_SCHEMA, [pa.record_batch(arrays, schema=_DRAFT_SCHEMA)], durable=False)

    def _try(self, sample: Sample, first: int, able: int) -> tuple[int, Draft | None, list[str]]:
        """The first accepting style of the mask `able`, in the fixed order from `first` on, or NOBODY; its draft;
        why the styles before it declined."""
        reasons: list[str] = []
        for number in _CHAINS[first]:
            if not able >> number & 1:
                continue
            made = draft(sample, TARGET_STYLES[number], self.context)
            if isinstance(made, Draft):
                return number, made, reasons
            reasons.append(f"{TARGET_STYLES[number].value}: {made.reason}")
        return NOBODY, None, reasons

    # -- assembling ---------------------------------------------------------------------------------------------

    def assemble(self, order: ShardOrder) -> ShardResult:
        """Write one finished shard, unless an earlier run finished it."""
        path = self.setup.shards_dir / order.file
        styles: Counter[str] = Counter()
        makers: Counter[str] = Counter()
        if path.is_file():  # it got its name when all of it was on the disk
            for batch in read_shard(path, check_values=False):
                _tally(batch, styles, makers)
            rows = order.shard.rows
        else:
            with collector_paused():
                rows = write_arrow(path, SHARD_SCHEMA, self._shard_batches(order, styles, makers))
        entry = FileEntry(
            path=order.file,
            split=order.shard.split,
            rows=rows,
            size_bytes=path.stat().st_size,
            sha256=sha256_of(path),
        )
        return ShardResult(entry, dict(sorted(styles.items())), dict(sorted(makers.items())))

    def _shard_batches(self, order: ShardOrder, styles: Counter[str], makers: Counter[str]) -> Iterator[pa.RecordBatch]:
        drafts = self._drafts_for(order)
        chosen = np.asarray(order.rows, np.int64)
        keys = np.load(self.setup.ingest_dir / "keys.npy", mmap_mode="r")[
            order.shard.first : order.shard.first + order.shard.rows
        ]
        rfps = native_rfps(self.spec, {k: rfps_for(self.spec, k) for k in (self.spec.native_style.value,)})
        first = 0
        reader = open_arrow(self.setup.ingest_dir / order.shard.file)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            span = slice(*np.searchsorted(chosen, [first, first + batch.num_rows]))
            source_ids = _renamed(batch["source_id"], order.renamed, order.shard.first + first)
            local = chosen[span] - first
            converted = None
            if len(local):
                columns = self._converted_columns(batch.take(pa.array(local)), drafts[span], order.deals[span])
                _tally(columns, styles, makers)
                converted = ConvertedRows(local, columns)
            rows = shard_rows(
                batch,
                np.asarray(keys[first : first + batch.num_rows]),
                source_ids,
                self.spec,
                rfps,
                self.setup.seed,
                converted,
            )
            styles[self.spec.native_style.value] += batch.num_rows - len(local)
            makers[Maker.NATIVE.value] += batch.num_rows - len(local)
            first += batch.num_rows
            yield self._with_images(rows) if self.setup.embed_images else rows

    def _drafts_for(self, order: ShardOrder) -> list[Draft]:
        """The accepted drafts of this shard, in the order of `order.rows`."""
        wanted = np.full(order.shard.rows, UNKNOWN, np.uint8)
        wanted[np.asarray(order.rows, np.int64)] = order.styles
        found: dict[int, Draft] = {}
        for number in range(order.rounds):
            path = self.setup.drafts_dir / f"{number:04d}-{order.shard.file}"
            if not path.is_file():
                continue
            table = open_arrow(path).read_all()
            rows, outcomes = table["row"].to_numpy(), table["outcome"].to_numpy()
            kept = table.take(pa.array(np.flatnonzero(wanted[rows] == outcomes)))
            styles = [TARGET_STYLES[outcome] for outcome in kept["outcome"].to_pylist()]
            makers = [_MAKERS[maker] for maker in kept["maker"].to_pylist()]
            fields = [kept[name].to_pylist() for name in _DRAFT_FIELDS]
            found.update(zip(kept["row"].to_pylist(), map(Draft, styles, makers, *fields), strict=True))
        return [found[row] for row in order.rows]

    def _converted_columns(
        self, batch: pa.RecordBatch, drafts: Sequence[Draft], deals: Sequence[int]
    ) -> dict[str, pa.Array]:
        """Render and check; the columns that conversion changes."""
        samples = samples_of(batch)
        rendered = render_all(samples, drafts, deals, self.rendering)
        for sample, made, one in zip(samples, drafts, rendered, strict=True):
            if failed := check(one, sample, made):
                raise DataError(
                    f"sample {sample.source_id} ({sample.source_file}, row {sample.source_row}) in style "
                    f"{made.style.value} fails {', '.join(failed)} after template {one.template}. "
                    "A template must keep the question, the options and the response unchanged; mend it, or leave "
                    "out --template-dir."
                )
        styles = pa.array([STYLE_BITS[made.style] for made in drafts], pa.int8())
        references = {style: template.reference for style, template in self.rendering.templates.items()}
        return {
            "question": pa.array([one.question for one in rendered], pa.string()),
            "options": pa.array([one.options for one in rendered], pa.list_(pa.string())),
            "candidate": pa.array([one.candidate for one in rendered], pa.string()),
            "rfp": pa.array([one.rfp for one in rendered], pa.string()),
            "prompt": pa.array([one.prompt for one in rendered], pa.string()),
            "response": pa.array([one.response for one in rendered], pa.string()),
            "maker": pa.array([made.maker.value for made in drafts], pa.string()),
            "style": pa.array(list(TARGET_STYLES), pa.string()).take(styles),
            "template": pa.array([references.get(style) for style in TARGET_STYLES], pa.string()).take(styles),
            "checks": pa.array([CHECKS[style] for style in TARGET_STYLES], pa.list_(pa.string())).take(styles),
        }

    def _with_images(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Fill the `bytes` of the images. Raises: SourceError for an image that is not there."""
        root = self.setup.image_root
        column = []
        for sample_id, images in zip(batch["id"].to_pylist(), batch["images"].to_pylist(), strict=True):
            for image in images:
                path = (root or Path()) / image["path"]
                try:
                    image["bytes"] = path.read_bytes()
                except OSError as exc:
                    raise SourceError(
                        f"sample {sample_id}: image {image['path']} cannot be read at {path} ({exc.strerror}). "
                        "Give the folder of the images with --image-root, or leave out --embed-images."
                    ) from exc
            column.append(images)
        position = SHARD_SCHEMA.get_field_index("images")
        return batch.set_column(
            position, SHARD_SCHEMA.field(position), pa.array(column, SHARD_SCHEMA.field(position).type)
        )


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cycle collection inside: rows make none, and a collector that walks all rows again and again costs a sixth
    of the time of a conversion. What is no longer needed is still freed at once, by its reference count."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def samples_of(batch: pa.RecordBatch) -> list[Sample]:
    """Rows of NATIVE_SCHEMA as records. Columns that are empty throughout cost nothing."""
    columns: list[Sequence[Any]] = []
    for name in _SAMPLE_COLUMNS:
        column = batch[name]
        if pa.types.is_list(column.type) and len(column.flatten()) == 0:
            columns.append([[] for _ in range(batch.num_rows)])
        elif column.null_count == batch.num_rows:
            columns.append([None] * batch.num_rows)
        else:
            columns.append(column.to_pylist())
    return [Sample(*values) for values in zip(*columns, strict=True)]


_SAMPLE_COLUMNS = tuple(name for name in Sample.__slots__)
assert set(_SAMPLE_COLUMNS) == set(NATIVE_SCHEMA.names)


def read_samples(path: Path, rows: Sequence[int]) -> list[Sample]:
    """The given rows of a native shard, in the order given."""
    order = np.argsort(np.asarray(rows, np.int64), kind="stable")
    ordered = np.asarray(rows, np.int64)[order]
    samples: list[Sample | None] = [None] * len(rows)
    reader = open_arrow(path)
    first = 0
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number)
        low, high = np.searchsorted(ordered, [first, first + batch.num_rows])
        if low < high:
            found = samples_of(batch.take(pa.array(ordered[low:high] - first)))
            for position, sample in zip(order[low:high].tolist(), found, strict=True):
                samples[position] = sample
        first += batch.num_rows
    return [sample for sample in samples if sample is not None]


def _renamed(source_ids: pa.Array, renamed: dict[int, str], first: int) -> pa.Array:
    hits = {index - first: name for index, name in renamed.items() if 0 <= index - first < len(source_ids)}
    if not hits:
        return source_ids
    values = source_ids.to_pylist()
    for index, name in hits.items():
        values[index] = name
    return pa.array(values, pa.string())


def _tally(rows: Mapping[str, pa.Array] | pa.RecordBatch, styles: Counter[str], makers: Counter[str]) -> None:
    for name, counter in (("style", styles), ("maker", makers)):
        for entry in rows[name].value_counts().to_pylist():
            counter[entry["values"]] += entry["counts"]


_worker: Worker | None = None


def start_worker(setup: WorkerSetup) -> None:
    """Initialiser of a worker process."""
    global _worker  # noqa: PLW0603  (what a process loads once; the pool offers no other place)
    pa.set_cpu_count(1)  # the processes are the parallelism
    _worker = Worker(setup)


def draft_in_worker(order: DraftOrder) -> Outcomes:
    assert _worker is not None
    return _worker.draft_rows(order)


def assemble_in_worker(order: ShardOrder) -> ShardResult:
    assert _worker is not None
    return _worker.assemble(order)
