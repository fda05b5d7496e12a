"""The two kinds of work that run in worker processes: drafting conversions, and assembling finished shards.

Both are pure functions of files already on disk and the order given to them, so a worker that dies costs its own item
only, and one worker writes the same bytes as twenty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asd.columns import REWRITE, REWRITTEN_SCHEMA, SHARD_SCHEMA
from asd.errors import SourceError
from asd.makers.drafting import Drafter, MakerContext
from asd.makers.rendering import RenderContext
from asd.schemas.styles import AnswerStyle
from asd.schemas.task import TaskSpec
from asd.shards.files import open_staged, write_hidden
from asd.shards.manifest import ImageCounts
from asd.sources.image_text import is_address
from asd.styles.wording import VERDICTS, with_verdicts
from asd.tasks.registry import has_own_rfps, rfps_for
from asd.templating import TemplateSet
from asd.work.collector import collector_paused
from asd.work.converted_rows import converted_columns
from asd.work.draft_files import (
    DraftOrder,
    Outcomes,
    draft_file,
    draft_rows,
    read_accepted,
    read_given_up,
    read_outcomes,
    write_draft_rows,
)
from asd.work.drafting import ShardDrafter
from asd.work.exchanging import with_exchanged
from asd.work.finished_shards import ShardResult, WrittenShard, settle
from asd.work.ingested import NativeShard, StoredColumn
from asd.work.native_rows import ConvertedRows, native_rfps, shard_rows
from asd.work.own_process import settle_in
from asd.work.verdict_words import respelt


@dataclass(frozen=True)
class WorkerSetup:
    """Everything a worker process needs, sent once."""

    spec: TaskSpec
    seed: int
    styles: tuple[AnswerStyle, ...]
    template_dir: Path | None
    ingest_dir: Path
    drafts_dir: Path
    shards_dir: Path
    marks_dir: Path
    """Of the done-marks of finished shards."""
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
    exchanged: dict[int, list[str]] = field(default_factory=dict)
    """Row -> wrong answers in place of the draft's."""
    verdicts: tuple[str, str] = VERDICTS
    """How yes and no are spelt."""
    processed: bytes = b""
    """1 for each row whose makers' answer the plan used; only with a rewriter, whose asking is recorded then."""


class Worker:
    """Holds what is loaded once per process: spec, templates, mining index."""

    def __init__(self, setup: WorkerSetup) -> None:
        self.setup = setup
        self.spec = setup.spec
        distractors = None
        if setup.mining_index is not None:
            from asd.makers.distractors import DistractorIndex

            distractors = DistractorIndex.load(setup.mining_index)
        self.rendering = RenderContext.build(self.spec, setup.seed, TemplateSet(setup.template_dir), setup.styles)
        built_in = self.rendering
        if setup.template_dir is not None:
            built_in = RenderContext.build(self.spec, setup.seed, TemplateSet(None), setup.styles)
        self.context = MakerContext(self.spec, setup.seed, distractors, built_in)
        self.drafting = ShardDrafter(Drafter(self.context), self.spec.family)

    # -- drafting -----------------------------------------------------------------------------------------------

    def draft_rows(self, order: DraftOrder) -> Outcomes:
        """Ask the makers; the drafts go to a file of this round and shard. An existing file is read instead."""
        if not self.has_drafts(order):
            return self.save_drafts(order, [self.draft_part(order)])
        return read_outcomes(order.path(self.setup.drafts_dir), order)

    def has_drafts(self, order: DraftOrder) -> bool:
        return order.path(self.setup.drafts_dir).is_file()

    def draft_part(self, order: DraftOrder) -> pa.RecordBatch:
        """What the makers make of an order, or of one of its parts, for `save_drafts`."""
        with collector_paused():
            shard = self.setup.ingest_dir / order.shard.file
            return draft_rows(order, self.drafting.draft(shard, order, order.masks(self.setup.ingest_dir)))

    def save_drafts(self, order: DraftOrder, parts: Sequence[pa.RecordBatch]) -> Outcomes:
        path = order.path(self.setup.drafts_dir)
        write_draft_rows(path, parts, durable=self.setup.durable_drafts)
        return read_outcomes(path, order)

    # -- assembling ---------------------------------------------------------------------------------------------

    def assemble(self, order: ShardOrder) -> ShardResult:
        """Write one finished shard."""
        return settle(self.write(order))

    def write(self, order: ShardOrder) -> WrittenShard:
        """`assemble` up to the shard's own name: what costs this process time, without the waiting for the disk."""
        path = self.setup.shards_dir / order.file
        styles: Counter[str] = Counter()
        makers: Counter[str] = Counter()
        images = ImageCounts()
        with collector_paused():
            schema = REWRITTEN_SCHEMA if order.processed else SHARD_SCHEMA
            hidden, rows = write_hidden(path, schema, self._shard_batches(order, styles, makers, images))
        counts = dict(sorted(styles.items())), dict(sorted(makers.items()))
        return WrittenShard(hidden, path, self.setup.marks_dir, order.file, order.shard.split, rows, *counts, images)

    def _shard_batches(
        self, order: ShardOrder, styles: Counter[str], makers: Counter[str], images: ImageCounts
    ) -> Iterator[pa.RecordBatch]:
        files = self._draft_files(order)
        drafts = read_accepted(files, order.rows, order.styles, order.shard.rows)
        drafts = with_exchanged(drafts, order.rows, order.exchanged)
        given_up = read_given_up(files, order.processed) if order.processed else None
        chosen = np.asarray(order.rows, np.int64)
        start = order.shard.first
        keys = StoredColumn(self.setup.ingest_dir / "keys.npy")[start : start + order.shard.rows]
        rfps = native_rfps(self.spec, {k: rfps_for(self.spec, k) for k in (self.spec.native_style.value,)})
        is_yes_no = self.spec.native_style is AnswerStyle.YES_NO
        if is_yes_no:
            rfps = with_verdicts(rfps, order.verdicts)
        rendering = self.rendering.spelling(order.verdicts)
        first = 0
        reader = open_staged(self.setup.ingest_dir / order.shard.file)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            batch = respelt(batch, order.verdicts) if is_yes_no else batch
            low, high = np.searchsorted(chosen, [first, first + batch.num_rows])
            source_ids = _renamed(batch["source_id"], order.renamed, order.shard.first + first)
            local, made = chosen[low:high] - first, drafts.slice(low, high - low)
            converted = None
            if len(local):
                columns = converted_columns(batch, local, made, order.deals[low:high], rendering)
                converted = ConvertedRows(local, columns)
            rows = shard_rows(
                batch,
                keys[first : first + batch.num_rows],
                source_ids,
                self.spec,
                rfps,
                self.setup.seed,
                converted,
                adds_rfps=has_own_rfps(self.spec, self.spec.native_style.value) if rfps else False,
            )
            _tally(rows, styles, makers)
            if given_up is not None:
                rows = _with_rewrites(rows, local, made, given_up, first)
            first += batch.num_rows
            rows = self._with_images(rows) if self.setup.embed_images else rows
            images.add(rows["images"])
            yield rows

    def _draft_files(self, order: ShardOrder) -> list[Path]:
        return [draft_file(self.setup.drafts_dir, number, order.shard) for number in range(order.rounds)]

    def _with_images(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Fill the `bytes` of the images that are files. Raises: SourceError for an image that is not there."""
        root = self.setup.image_root
        column = []
        for sample_id, images in zip(batch["id"].to_pylist(), batch["images"].to_pylist(), strict=True):
            for image in images:
                if image["bytes"] is not None or is_address(image["path"]):
                    continue
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


def _with_rewrites(
    rows: pa.RecordBatch,
    local: npt.NDArray[np.int64],
    made: pa.Table,
    given_up: Mapping[int, dict[str, Any]],
    first: int,
) -> pa.RecordBatch:
    """Add the column `rewrite`. local: places of the converted rows; first: the batch's first row in its shard."""
    records = [given_up.get(first + row) for row in range(rows.num_rows)]
    for row, rewrite in zip(local.tolist(), made["rewrite"].to_pylist(), strict=True):
        records[row] = rewrite
    return pa.record_batch([*rows.columns, pa.array(records, REWRITE)], schema=REWRITTEN_SCHEMA)


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


_setup: WorkerSetup | None = None


def start_worker(setup: WorkerSetup) -> None:
    """Initialiser of a worker process. The files that `setup` names need not be there before the first order."""
    global _setup  # noqa: PLW0603  (what a process loads once; the pool offers no other place)
    pa.set_cpu_count(1)  # the processes are the parallelism
    settle_in()
    _setup = setup


@cache
def _worker() -> Worker:
    assert _setup is not None
    return Worker(_setup)


def draft_in_worker(order: DraftOrder) -> Outcomes:
    return _worker().draft_rows(order)


def draft_part_in_worker(order: DraftOrder) -> pa.RecordBatch:
    return _worker().draft_part(order)


def write_in_worker(order: ShardOrder) -> WrittenShard:
    return _worker().write(order)
