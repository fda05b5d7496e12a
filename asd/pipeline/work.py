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
import numpy.typing as npt
import pyarrow as pa

from asd.columns import NATIVE_SCHEMA, REWRITE, REWRITTEN_SCHEMA, SHARD_SCHEMA
from asd.errors import DataError, SourceError
from asd.makers.checks import CHECKS, check
from asd.makers.drafting import MakerContext, draft
from asd.makers.rendering import RenderContext, render_all
from asd.pipeline.drafts import (
    CHAINS,
    DraftOrder,
    Made,
    Outcomes,
    draft_file,
    read_accepted,
    read_given_up,
    read_outcomes,
    write_drafts,
)
from asd.pipeline.ingest import NativeShard
from asd.pipeline.native import ConvertedRows, native_rfps, shard_rows
from asd.pipeline.plan import NOBODY, STYLE_BITS
from asd.records import Draft, Sample
from asd.schemas.styles import TARGET_STYLES, AnswerStyle
from asd.schemas.task import TaskSpec
from asd.shards.files import open_arrow, sha256_of, write_arrow
from asd.shards.manifest import FileEntry
from asd.shards.reader import read_shard
from asd.tasks.registry import rfps_for
from asd.templating import TemplateSet


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
    durable_drafts: bool = False
    """Flush draft files to disk: other machines, and later starts of this one, rely on them."""


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
    processed: bytes = b""
    """1 for each row whose makers' answer the plan used; only with a rewriter, whose asking is recorded then."""


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
        path = order.path(self.setup.drafts_dir)
        if not path.is_file():
            with collector_paused():
                self._write_drafts(path, order)
        return read_outcomes(path, order)

    def _write_drafts(self, path: Path, order: DraftOrder) -> None:
        requests = order.requests()
        samples = read_samples(self.setup.ingest_dir / order.shard.file, [row for row, _, _ in requests])
        masks = order.masks(self.setup.ingest_dir)
        made = [
            self._try(sample, asked, able) for (_, asked, _), sample, able in zip(requests, samples, masks, strict=True)
        ]
        write_drafts(path, order, made, durable=self.setup.durable_drafts)

    def _try(self, sample: Sample, first: int, able: int) -> Made:
        """The first accepting style of the mask `able`, in the fixed order from `first` on."""
        reasons: list[str] = []
        for number in CHAINS[first]:
            if not able >> number & 1:
                continue
            made = draft(sample, TARGET_STYLES[number], self.context)
            if isinstance(made, Draft):
                return Made(number, made, reasons)
            reasons.append(f"{TARGET_STYLES[number].value}: {made.reason}")
        return Made(NOBODY, None, reasons)

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
                schema = REWRITTEN_SCHEMA if order.processed else SHARD_SCHEMA
                rows = write_arrow(path, schema, self._shard_batches(order, styles, makers))
        entry = FileEntry(
            path=order.file,
            split=order.shard.split,
            rows=rows,
            size_bytes=path.stat().st_size,
            sha256=sha256_of(path),
        )
        return ShardResult(entry, dict(sorted(styles.items())), dict(sorted(makers.items())))

    def _shard_batches(self, order: ShardOrder, styles: Counter[str], makers: Counter[str]) -> Iterator[pa.RecordBatch]:
        files = self._draft_files(order)
        drafts = read_accepted(files, order.rows, order.styles, order.shard.rows)
        given_up = read_given_up(files, order.processed) if order.processed else None
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
            _tally(rows, styles, makers)
            if given_up is not None:
                rows = _with_rewrites(rows, local, drafts[span], given_up, first)
            first += batch.num_rows
            yield self._with_images(rows) if self.setup.embed_images else rows

    def _draft_files(self, order: ShardOrder) -> list[Path]:
        return [draft_file(self.setup.drafts_dir, number, order.shard) for number in range(order.rounds)]

    def _converted_columns(
        self, batch: pa.RecordBatch, made: Sequence[Made], deals: Sequence[int]
    ) -> dict[str, pa.Array]:
        """Render and check; the columns that conversion changes."""
        drafts = [one.draft for one in made if one.draft is not None]
        samples = samples_of(batch)
        rendered = render_all(samples, drafts, deals, self.rendering)
        for sample, draft_, one in zip(samples, drafts, rendered, strict=True):
            if failed := check(one, sample, draft_):
                raise DataError(
                    f"sample {sample.source_id} ({sample.source_file}, row {sample.source_row}) in style "
                    f"{draft_.style.value} fails {', '.join(failed)} after template {one.template}. "
                    "A template must keep the question, the options and the response unchanged; mend it, or leave "
                    "out --template-dir."
                )
        styles = pa.array([STYLE_BITS[one.style] for one in drafts], pa.int8())
        references = {style: template.reference for style, template in self.rendering.templates.items()}
        return {
            "question": pa.array([one.question for one in rendered], pa.string()),
            "options": pa.array([one.options for one in rendered], pa.list_(pa.string())),
            "candidate": pa.array([one.candidate for one in rendered], pa.string()),
            "rfp": pa.array([one.rfp for one in rendered], pa.string()),
            "prompt": pa.array([one.prompt for one in rendered], pa.string()),
            "response": pa.array([one.response for one in rendered], pa.string()),
            "maker": pa.array([one.maker.value for one in drafts], pa.string()),
            "style": pa.array(list(TARGET_STYLES), pa.string()).take(styles),
            "template": pa.array([references.get(style) for style in TARGET_STYLES], pa.string()).take(styles),
            "checks": _checks(made, styles),
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


def _checks(made: Sequence[Made], styles: pa.Array) -> pa.Array:
    """Names of the checks that each row passed; a rewriter's text passes more than those of its style."""
    if not any(one.checks for one in made):
        return pa.array([CHECKS[style] for style in TARGET_STYLES], pa.list_(pa.string())).take(styles)
    names = [[*CHECKS[TARGET_STYLES[one.outcome]], *one.checks] for one in made]
    return pa.array(names, pa.list_(pa.string()))


def _with_rewrites(
    rows: pa.RecordBatch,
    local: npt.NDArray[np.int64],
    made: Sequence[Made],
    given_up: Mapping[int, dict[str, Any]],
    first: int,
) -> pa.RecordBatch:
    """Add the column `rewrite`. local: places of the converted rows; first: the batch's first row in its shard."""
    records = [given_up.get(first + row) for row in range(rows.num_rows)]
    for row, one in zip(local.tolist(), made, strict=True):
        records[row] = one.rewrite
    return pa.record_batch([*rows.columns, pa.array(records, REWRITE)], schema=REWRITTEN_SCHEMA)


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
