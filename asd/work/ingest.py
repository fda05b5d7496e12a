"""First pass: the source once through, into columnar native files plus the few bytes per row that planning needs.

Held in memory, while it lasts: a key (8 bytes), a capability mask and a polarity (1 byte each) per row. Rows themselves go
straight to disk. Reading, and working out what is kept per row (`asd.work.measuring`), may be done anywhere; one
thread writes, in the order of the source, and counts what looks odd about it (options like lost values, layouts that gave
way), for the notes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from asd.columns import NATIVE_SCHEMA
from asd.errors import RejectLimitError, SourceError
from asd.lazy_regex import regex
from asd.plan.capability import Bits
from asd.plan.codes import Masks
from asd.plan.key_passes import repeated_keys, rows_with_smallest
from asd.plan.keys import Keys, key_of, salt
from asd.records import Reject
from asd.remote.object_store import shown
from asd.schemas.image_marks import MARK, is_placed
from asd.schemas.styles import AnswerStyle, Maker
from asd.schemas.task import TaskSpec
from asd.shards.files import open_staged, storage_errors, write_arrow
from asd.sources.answer_form import malformed_rows
from asd.sources.image_text import is_address, is_data
from asd.work.done_mark import DamagedFileError, Imprint, imprint_of
from asd.work.image_sample import ImageSample
from asd.work.ingested import (
    COLUMNS,
    DONE,
    Ingested,
    NativeShard,
    StoredColumn,
    load_ingested,
    save_ingested,
    store_column,
)
from asd.work.measuring import MeasuredRows, Measuring, Reading, read_here
from asd.work.verdict_words import spellings

if TYPE_CHECKING:
    from asd.rewrite.settings import RewriterSettings
    from asd.sources.open import Source
    from asd.work.embeddable_images import Embeddable

MINING_ROWS = 1 << 17
"""Answers kept for mining: those of the samples with the smallest keys, so the choice is independent of order."""
_SPLIT_NAME = regex(r"\w[\w.-]{0,63}")
_MINING_SCHEMA = pa.schema(
    [("key", pa.uint64()), ("question", pa.string()), ("gold", pa.string()), ("answer_type", pa.string())]
)


_WRITTEN = [name for name in NATIVE_SCHEMA.names if not name.startswith("region_")]
"""Columns of which something goes into shards; their size decides where a shard ends."""


class ReadSettings(Protocol):
    """The settings that the first pass reads; `asd.conversion.config.ConvertConfig` has them."""

    source: str | None
    split: str | None
    seed: int
    strict: bool
    max_reject_rate: float
    shard_rows: int
    shard_bytes: int
    embed_images: bool
    follow_links: bool
    ratio: float
    ratio_per_style: dict[AnswerStyle, float] | None
    rewriter: RewriterSettings | None


@dataclass
class _Split:
    """The writer of one split's native files."""

    name: str
    shards: list[tuple[str, int]] = field(default_factory=list)
    keys: list[Keys] = field(default_factory=list)
    capable: list[Masks] = field(default_factory=list)
    polarity: list[Bits] = field(default_factory=list)
    writer: pa.RecordBatchFileWriter | None = None
    sink: pa.OSFile | None = None
    rows: int = 0
    size_bytes: int = 0


class _Ingest:
    def __init__(
        self, source: Source, spec: TaskSpec, config: ReadSettings, styles: list[AnswerStyle], folder: Path
    ) -> None:
        self.source, self.spec, self.config, self.styles, self.folder = source, spec, config, styles, folder
        self.splits: dict[str, _Split] = {}
        self.rejects: Counter[str] = Counter()
        self.num_rejects = self.num_rows = self.num_placed = self.num_lost = self.num_regions = 0
        self.spellings: Counter[str] = Counter()
        self.first_reject: Reject | None = None
        self.images = ImageSample()
        self.embeddable: Embeddable | None = None
        self.imprints: dict[str, Imprint] = {}
        """Of the native shards that are whole."""

    def run(self, read: Reading, advance: Callable[[int], None]) -> Ingested:
        with storage_errors(self.folder):  # half a surrogate pair in a message is written as JSON would escape it
            lines = (self.folder / "rejects.jsonl").open("w", encoding="utf-8", errors="backslashreplace")
        config = self.config
        measure = Measuring(self.spec, tuple(self.styles), config.rewriter, config.seed, config.split)
        embeddable = self.embeddable = self._embeddable()
        try:
            with closing(read(self.source, measure)) as batches:  # readers elsewhere end now, not when Python tidies up
                for batch, measured in batches:
                    for reject in batch.rejects:
                        self._reject(reject, lines.write)
                    for rows in measured:
                        formed, refused = rows.without(malformed_rows(self.spec.native_style, rows.rows))
                        usable, unseen = (formed, []) if embeddable is None else embeddable.sort_out(formed)
                        for reject in (*refused, *unseen):
                            self._reject(reject, lines.write)
                        self._add(usable)
                    advance(batch.table.num_rows)
        finally:
            with storage_errors(self.folder):
                lines.close()
        for split in self.splits.values():
            self._close(split)
        self._check_limits()
        return self._finish()

    def _embeddable(self) -> Embeddable | None:
        root = self.source.image_root
        if not self.config.embed_images or root is None:
            return None
        from asd.work.embeddable_images import Embeddable  # Pillow comes with it

        return Embeddable(root, follow_links=self.config.follow_links)

    def _reject(self, reject: Reject, write: Callable[[str], int]) -> None:
        if self.config.strict:
            raise RejectLimitError(
                f"{describe(reject)}. --strict stops at the first bad row; without it, bad rows "
                "are kept apart in rejects.jsonl."
            )
        self.first_reject = self.first_reject or reject
        self.rejects[reject.reason] += 1
        self.num_rejects += 1
        with storage_errors(self.folder):
            write(json.dumps(asdict(reject), ensure_ascii=False) + "\n")

    def _check_limits(self) -> None:
        seen = self.num_rows + self.num_rejects
        where = f"source {shown(str(self.config.source or self.source.root))} ({self.source.layout})"
        reasons = ", ".join(f"{reason}: {count}" for reason, count in self.rejects.most_common())
        if self.num_rows == 0:
            why = f"all {seen} rows were rejected ({reasons}){self._first()}" if seen else "it has no rows"
            if self.config.split is not None and not self.num_rejects:
                why = f"it has no rows of split {self.config.split!r}"
            raise SourceError(f"{where}: no usable sample: {why}. Is this the right file for task {self.spec.name!r}?")
        rate = self.num_rejects / max(seen, 1)
        if rate > self.config.max_reject_rate:
            raise RejectLimitError(
                f"{where}: {self.num_rejects} of {seen} rows ({rate:.1%}) are unusable ({reasons}), more than "
                f"--max-reject-rate {self.config.max_reject_rate:g}{self._first()}. "
                f"Check that the file fits task {self.spec.name!r}, or raise the limit."
            )

    def _first(self) -> str:
        return f"; the first is {describe(self.first_reject)}" if self.first_reject is not None else ""

    def _add(self, measured: MeasuredRows) -> None:
        name, rows = measured.split, measured.rows
        if name not in self.splits and not _SPLIT_NAME.fullmatch(name):
            raise SourceError(
                f"source {self.source.root}: split {name[:60]!r} (first row: id {rows['source_id'][0]}) "
                "cannot name a file: use letters, digits, '_', '.' and '-'."
            )
        split = self.splits.setdefault(name, _Split(name))
        split.keys.append(measured.keys)
        split.capable.append(measured.capable)
        split.polarity.append(measured.polarity)
        self.num_rows += rows.num_rows
        self.num_placed += count_placed(rows)
        self.num_lost += count_lost_options(rows)
        self.num_regions += len(rows["region_names"].flatten())
        self.spellings.update(spellings(rows, is_yes_no=self.spec.native_style is AnswerStyle.YES_NO))
        self.images.add(rows)
        offset = 0
        while offset < rows.num_rows:
            if split.writer is None:
                self._open(split)
            part = rows.slice(offset, self.config.shard_rows - split.rows)
            if self.config.embed_images:
                part = part.slice(0, 256)
            with storage_errors(self.folder):
                split.writer.write_batch(part)  # type: ignore[union-attr]
            split.rows += part.num_rows
            split.size_bytes += sum(content_bytes(part[name]) for name in _WRITTEN)
            split.size_bytes += self._image_bytes(part) if self.config.embed_images else 0
            offset += part.num_rows
            if split.rows >= self.config.shard_rows or split.size_bytes >= self.config.shard_bytes:
                self._close(split)

    def _image_bytes(self, rows: pa.RecordBatch) -> int:
        root = self.source.image_root
        paths = rows["images"].flatten().to_pylist()
        files = [path for path in paths if not is_data(path) and not is_address(path)]
        return sum((root / path).stat().st_size for path in files if root and (root / path).is_file())

    def _open(self, split: _Split) -> None:
        file = f"native-{split.name}-{len(split.shards):05d}.arrow"
        with storage_errors(self.folder):
            split.sink = pa.OSFile(str(self.folder / file), "wb")
            split.writer = pa.ipc.new_file(split.sink, NATIVE_SCHEMA)
        split.shards.append((file, 0))

    def _close(self, split: _Split) -> None:
        if split.writer is None:
            return
        with storage_errors(self.folder):
            split.writer.close()
            split.sink.close()  # type: ignore[union-attr]
            file, _ = split.shards[-1]
            self.imprints[file] = imprint_of(self.folder / file)
        split.shards[-1] = (file, split.rows)
        split.writer, split.sink, split.rows, split.size_bytes = None, None, 0, 0

    def _finish(self) -> Ingested:
        shards: list[NativeShard] = []
        ordered = [self.splits[name] for name in sorted(self.splits)]
        first = 0
        for split in ordered:
            for number, (file, rows) in enumerate(split.shards):
                shards.append(NativeShard(file, split.name, rows, first, number))
                first += rows

        def column(name: str) -> StoredColumn:
            parts = _drained(getattr(split, name) for split in ordered)
            return store_column(self.folder / f"{name}.npy", parts, first, COLUMNS[name])

        ingested = Ingested(
            shards=shards,
            keys=column("keys"),
            capable=column("capable"),
            polarity=column("polarity"),
            rejects=dict(sorted(self.rejects.items())),
            renamed={},
            spellings=dict(sorted(self.spellings.items())),
        )
        ingested.notes += self.source.notes
        ingested.image_notes += self.images.notes(self.source.image_root)
        ingested.image_notes += self.embeddable.notes() if self.embeddable is not None else []
        if self.num_placed and self.styles:
            ingested.notes.append(
                f"{self.num_placed} rows have images amid their text; the marks keep their places, so these rows stay as they "
                "are and are not converted"
            )
        if self.num_lost:
            ingested.notes.append(
                f"{self.num_lost} rows have an option such as 'None' or 'nan', which looks like a value that was lost when "
                "the source was written; they are kept as they are"
            )
        if AnswerStyle.BOUNDING_BOX in self.styles and not self.num_regions:
            ingested.notes.append(
                f"{AnswerStyle.BOUNDING_BOX.value} was asked for, and no row of the source has named boxes, so there are none; "
                f"`regions` of task {self.spec.name!r} says in which files they are looked for"
            )
        if self._is_mined():  # by the keys that the source's own ids have
            answers = mining_rows(self.folder, ingested)
            write_arrow(self.folder / "mining.arrow", _MINING_SCHEMA, answers.to_batches(), durable=False)
        self._rename_repeated(ingested)
        return ingested

    def _is_mined(self) -> bool:
        wants_any = self.config.ratio > 0 or self.config.ratio_per_style is not None
        return wants_any and any(Maker.MINED in self.spec.styles[style] for style in self.styles)

    def _rename_repeated(self, ingested: Ingested) -> None:
        """Ids that occur more than once get a suffix made of the row's content, so that it depends on no order."""
        repeated = repeated_keys(ingested.keys)
        if not len(repeated):
            return
        seen: Counter[str] = Counter()
        for shard in ingested.shards:
            span = slice(shard.first, shard.first + shard.rows)
            keys: Keys = ingested.keys[span]
            rows = np.flatnonzero(np.isin(keys, repeated))
            if not len(rows):
                continue
            start = salt(self.config.seed, self.spec.name, shard.split)
            columns = ["source_id", "question", "options", "gold", "images", "context"]
            table = open_staged(self.folder / shard.file).read_all().select(columns).take(pa.array(rows))
            for row, values in zip(
                rows.tolist(), zip(*(c.to_pylist() for c in table.columns), strict=True), strict=True
            ):
                digest = xxhash.xxh3_64_hexdigest(json.dumps(values, ensure_ascii=False).encode())[:8]
                name = f"{values[0]}~{digest}"
                seen[shard.split + "\0" + name] += 1
                if (copies := seen[shard.split + "\0" + name]) > 1:
                    name = f"{name}.{copies}"
                ingested.renamed[shard.first + row] = name
                keys[row] = key_of(name, start)
            ingested.keys.write(shard.first, keys)


def mining_rows(folder: Path, ingested: Ingested) -> pa.Table:
    """The answers of the MINING_ROWS samples with the smallest keys, by key."""
    rows, keys = rows_with_smallest(ingested.keys, MINING_ROWS)
    names = ["question", "gold", "answer_type"]
    parts = []
    for shard in ingested.shards:
        low, high = np.searchsorted(rows, [shard.first, shard.first + shard.rows])
        reader = open_staged(folder / shard.file)
        first = shard.first
        for number in range(reader.num_record_batches if low < high else 0):
            batch = reader.get_batch(number).select(names)
            inside = rows[slice(*np.searchsorted(rows, [first, first + batch.num_rows]))]
            parts.append(batch.take(pa.array(inside - first)))
            first += batch.num_rows
    order = np.argsort(keys, kind="stable")[:MINING_ROWS]
    texts = pa.Table.from_batches(parts).take(pa.array(order))
    return pa.table([pa.array(keys[order]), *texts.columns], schema=_MINING_SCHEMA).combine_chunks()


def content_bytes(column: pa.Array) -> int:
    """Size of a column, whatever buffers it happens to have: those of equal columns differ with where they come from."""
    size = -(-len(column) // 8) if column.null_count else 0
    if pa.types.is_list(column.type):
        return size + 4 * len(column) + content_bytes(column.flatten())
    if pa.types.is_string(column.type):
        return size + 4 * len(column) + (pc.sum(pc.binary_length(column)).as_py() or 0)
    return int(size + len(column) * column.type.bit_width // 8)


_LOST = ("None", "nan", "NaN", "null", "NULL", "<NA>", "undefined")
"""What programs write for a value that they do not have."""


def count_lost_options(rows: pa.RecordBatch) -> int:
    """Rows among whose options stands what a program writes for no value."""
    options = rows["options"]
    is_lost = pc.is_in(options.flatten(), pa.array(_LOST))
    return len(pc.list_parent_indices(options).filter(is_lost).unique()) if pc.any(is_lost).as_py() else 0


def count_placed(rows: pa.RecordBatch) -> int:
    """Rows kept as they came because images stand amid their text (`asd.schemas.image_marks.is_placed`)."""
    kept = rows.filter(pc.fill_null(pc.match_substring(rows["passthrough"], MARK), False))
    asked = (
        ([turn["content"] or "" for turn in json.loads(text) if turn["role"] == "user"], len(images))
        for text, images in zip(kept["passthrough"].to_pylist(), kept["images"].to_pylist(), strict=True)
        if text.startswith("[")
    )
    return sum(is_placed(texts, num_images) for texts, num_images in asked)


def describe(reject: Reject) -> str:
    detail = f" ({reject.detail})" if reject.detail else ""
    return f"{reject.file}, row {reject.row}, id {reject.source_id or '?'}: {reject.reason}{detail}"


def _drained(splits: Iterable[list[np.ndarray]]) -> Iterator[np.ndarray]:
    """All parts of all splits; each is let go of as the next one is taken."""
    for parts in splits:
        parts.reverse()
        while parts:
            yield parts.pop()


def ingest(
    source: Source,
    spec: TaskSpec,
    config: ReadSettings,
    styles: list[AnswerStyle],
    folder: Path,
    advance: Callable[[int], None],
    read: Reading = read_here,
) -> Ingested:
    """Run the first pass into `folder`, or take it from there if an earlier run finished it.

    What is damaged there is made again, with a note.
    Raises: SourceError (no usable row, unreadable file), RejectLimitError, StorageError.
    """
    notes = []
    if (folder / DONE).is_file():
        try:
            return load_ingested(folder)
        except DamagedFileError as exc:
            notes.append(f"{exc}; it is part of what an earlier run read, so the source was read again")
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.iterdir():
        leftover.unlink()
    reading = _Ingest(source, spec, config, styles, folder)
    result = reading.run(read, advance)
    save_ingested(result, folder, reading.imprints)
    result.notes += notes
    return result
