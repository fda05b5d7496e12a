"""The two kinds of work that run in worker processes: drafting conversions, and assembling finished shards.

Both are pure functions of files already on disk and the order given to them, so a worker that dies costs its own item
only, and one worker writes the same bytes as twenty.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from asd.columns import NATIVE_SCHEMA, SHARD_SCHEMA
from asd.makers.checks import CHECKS, check
from asd.makers.drafting import MakerContext, draft
from asd.makers.rendering import RenderContext, render
from asd.errors import DataError, SourceError
from asd.pipeline.ingest import NativeShard
from asd.pipeline.native import native_rfps, native_rows, sample_ids
from asd.pipeline.plan import MULTIPLE_CHOICE, NOBODY
from asd.records import Draft, Sample
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.shards.files import open_arrow, sha256_of, write_arrow, write_text
from asd.shards.manifest import FileEntry
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
            self._write_drafts(path, order)
        table = open_arrow(path).read_all()
        outcome, options = table["outcome"].to_pylist(), table["num_options"].to_pylist()
        cut = len(order.chain)
        return Outcomes(outcome[:cut], options[:cut], outcome[cut:], options[cut:])

    def _write_drafts(self, path: Path, order: DraftOrder) -> None:
        requests = [(row, style, False) for row, style in order.chain] + [
            (row, style, True) for row, style in order.single
        ]
        columns: list[list[Any]] = [[] for _ in _DRAFT_SCHEMA]
        rows = [row for row, _, _ in requests]
        samples = read_samples(self.setup.ingest_dir / order.shard.file, rows)
        capable = np.load(self.setup.ingest_dir / "capable.npy", mmap_mode="r")
        bits = capable[np.asarray(rows, np.int64) + order.shard.first].tolist()
        for (row, asked, single), sample, able in zip(requests, samples, bits, strict=True):
            made, reasons = self._try(sample, asked, able & 1 << asked if single else able)
            if made is None:
                values = [row, single, asked, NOBODY, 0, None, None, [], False, 0, None, None, None, reasons]
            else:
                style, found = made
                num_options = len(found.options) if style == MULTIPLE_CHOICE and not found.fixed_order else 0
                values = [
                    row, single, asked, style, num_options, found.maker.value, found.gold, found.options,
                    found.fixed_order, found.gold_index, found.wrong, found.text, found.question, reasons,
                ]  # fmt: skip
            for column, value in zip(columns, values, strict=True):
                column.append(value)
        arrays = [pa.array(column, item.type) for column, item in zip(columns, _DRAFT_SCHEMA, strict=True)]
        write_arrow(path, _DRAFT_SCHEMA, [pa.record_batch(arrays, schema=_DRAFT_SCHEMA)], durable=False)

    def _try(self, sample: Sample, first: int, able: int) -> tuple[tuple[int, Draft] | None, list[str]]:
        """The first accepting style of the mask `able`, in the fixed order from `first` on; why others declined."""
        reasons = []
        for offset in range(len(TARGET_STYLES)):
            number = (first + offset) % len(TARGET_STYLES)
            if not able >> number & 1:
                continue
            style = TARGET_STYLES[number]
            made = draft(sample, style, self.context)
            if isinstance(made, Draft):
                return (number, made), reasons
            reasons.append(f"{style.value}: {made.reason}")
        return None, reasons

    # -- assembling ---------------------------------------------------------------------------------------------

    def assemble(self, order: ShardOrder) -> ShardResult:
        """Write one finished shard, unless an earlier run finished it."""
        path = self.setup.shards_dir / order.file
        note = self.setup.drafts_dir / f"{order.file}.done.json"
        if note.is_file() and path.is_file():
            done = json.loads(note.read_text("utf-8"))
            return ShardResult(FileEntry(**done["entry"]), done["by_style"], done["by_maker"])
        styles: Counter[str] = Counter()
        makers: Counter[str] = Counter()
        rows = write_arrow(path, SHARD_SCHEMA, self._shard_batches(order, styles, makers))
        entry = FileEntry(
            path=order.file,
            split=order.shard.split,
            rows=rows,
            size_bytes=path.stat().st_size,
            sha256=sha256_of(path),
        )
        result = ShardResult(entry, dict(sorted(styles.items())), dict(sorted(makers.items())))
        content = {"entry": entry.model_dump(), "by_style": result.by_style, "by_maker": result.by_maker}
        write_text(note, json.dumps(content))
        return result

    def _shard_batches(
        self, order: ShardOrder, styles: Counter[str], makers: Counter[str]
    ) -> Iterator[pa.RecordBatch]:
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
            native = native_rows(
                batch, np.asarray(keys[first : first + batch.num_rows]), source_ids, self.spec, rfps, self.setup.seed
            )
            local = chosen[span] - first
            if len(local):
                converted = self._converted_rows(
                    batch.take(pa.array(local)), source_ids.take(pa.array(local)), drafts[span], order.deals[span]
                )
                native = _replace(native, local, converted)
                _tally(converted, styles, makers)
            styles[self.spec.native_style.value] += batch.num_rows - len(local)
            makers[Maker.NATIVE.value] += batch.num_rows - len(local)
            first += batch.num_rows
            yield self._with_images(native) if self.setup.embed_images else native

    def _drafts_for(self, order: ShardOrder) -> list[Draft]:
        """The accepted drafts of this shard, in the order of `order.rows`."""
        wanted = dict(zip(order.rows, order.styles, strict=True))
        found: dict[int, Draft] = {}
        for number in range(order.rounds):
            path = self.setup.drafts_dir / f"{number:04d}-{order.shard.file}"
            if not path.is_file():
                continue
            table = open_arrow(path).read_all()
            rows, outcomes = table["row"].to_pylist(), table["outcome"].to_pylist()
            keep = [i for i, (row, out) in enumerate(zip(rows, outcomes, strict=True)) if wanted.get(row) == out]
            for values in table.take(pa.array(keep, pa.int64())).to_pylist():
                found[values["row"]] = Draft(
                    style=TARGET_STYLES[values["outcome"]],
                    maker=Maker(values["maker"]),
                    gold=values["gold"],
                    options=values["options"],
                    fixed_order=values["fixed_order"],
                    gold_index=values["gold_index"],
                    wrong=values["wrong"],
                    text=values["text"],
                    question=values["question"],
                )
        return [found[row] for row in order.rows]

    def _converted_rows(
        self, batch: pa.RecordBatch, source_ids: pa.Array, drafts: Sequence[Draft], deals: Sequence[int]
    ) -> pa.RecordBatch:
        """Render and check; columns that conversion leaves alone are taken over as they are."""
        samples = samples_of(batch)
        rendered = [
            render(sample, made, deal, self.rendering) for sample, made, deal in zip(samples, drafts, deals, strict=True)
        ]
        for sample, made, one in zip(samples, drafts, rendered, strict=True):
            if failed := check(one, sample, made):
                raise DataError(
                    f"sample {sample.source_id} ({sample.source_file}, row {sample.source_row}) in style "
                    f"{made.style.value} fails {', '.join(failed)} after template {one.template}. "
                    "A template must keep the question, the options and the response unchanged; mend it, or leave "
                    "out --template-dir."
                )
        count = batch.num_rows
        split = batch["split"][0].as_py()
        checks = {style: list(names) for style, names in CHECKS.items()}
        columns: dict[str, Any] = {
            "id": sample_ids(self.spec.name, split, source_ids),
            "question": pa.array([one.question for one in rendered], pa.string()),
            "options": pa.array([one.options for one in rendered], pa.list_(pa.string())),
            "candidate": pa.array([one.candidate for one in rendered], pa.string()),
            "rfp": pa.array([one.rfp for one in rendered]),
            "prompt": pa.array([one.prompt for one in rendered]),
            "response": pa.array([one.response for one in rendered]),
            "messages": pa.array(
                [
                    [{"role": "user", "content": one.prompt}, {"role": "assistant", "content": one.response}]
                    for one in rendered
                ],
                SHARD_SCHEMA.field("messages").type,
            ),
            "style": pa.array([made.style.value for made in drafts]),
            "maker": pa.array([made.maker.value for made in drafts]),
            "template": pa.array([one.template for one in rendered]),
            "checks": pa.array([checks[made.style] for made in drafts], pa.list_(pa.string())),
        }
        base = native_rows(batch, np.zeros(count, np.uint64), source_ids, self.spec, (), self.setup.seed)
        arrays = [columns.get(name, base[name]) for name in SHARD_SCHEMA.names]
        return pa.record_batch(arrays, schema=SHARD_SCHEMA)

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
        return batch.set_column(position, SHARD_SCHEMA.field(position), pa.array(column, SHARD_SCHEMA.field(position).type))


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


def _replace(native: pa.RecordBatch, rows: np.ndarray, converted: pa.RecordBatch) -> pa.RecordBatch:  # type: ignore[type-arg]
    """`native` with the given rows replaced, order kept."""
    order = np.arange(native.num_rows)
    order[rows] = native.num_rows + np.arange(len(rows))
    both = pa.Table.from_batches([native, converted]).combine_chunks()
    return both.take(pa.array(order)).combine_chunks().to_batches()[0]


def _tally(converted: pa.RecordBatch, styles: Counter[str], makers: Counter[str]) -> None:
    for name, counter in (("style", styles), ("maker", makers)):
        for entry in converted[name].value_counts().to_pylist():
            counter[entry["values"]] += entry["counts"]


_worker: Worker | None = None


def start_worker(setup: WorkerSetup) -> None:
    """Initialiser of a worker process."""
    global _worker
    pa.set_cpu_count(1)  # the processes are the parallelism
    _worker = Worker(setup)


def draft_in_worker(order: DraftOrder) -> Outcomes:
    assert _worker is not None
    return _worker.draft_rows(order)


def assemble_in_worker(order: ShardOrder) -> ShardResult:
    assert _worker is not None
    return _worker.assemble(order)
