"""First pass: the source once through, into columnar native files plus the few bytes per row that planning needs.

Held in memory: a key (8 bytes), a capability mask and a polarity (1 byte each) per row, and a bounded sample of the
answers that wrong answers are mined from. Rows themselves go straight to disk.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from asd.columns import NATIVE_SCHEMA
from asd.errors import RejectLimitError, SourceError
from asd.pipeline.capability import Bits, capable_bits, polarity_bits
from asd.pipeline.config import ConvertConfig
from asd.pipeline.keys import Keys, key_of, keys_of, salt
from asd.records import Reject
from asd.schemas.styles import AnswerStyle
from asd.schemas.task import TaskSpec
from asd.shards.files import open_arrow, storage_errors, write_arrow, write_text
from asd.sources.open import Source

MINING_ROWS = 1 << 17
"""Answers kept for mining: those of the samples with the smallest keys, so the choice is independent of order."""
_SPLIT_NAME = re.compile(r"\w[\w.-]{0,63}")
_MINING_SCHEMA = pa.schema(
    [("key", pa.uint64()), ("question", pa.string()), ("gold", pa.string()), ("answer_type", pa.string())]
)


@dataclass(frozen=True)
class NativeShard:
    """One file of native rows. `first` is the index of its first row among all samples."""

    file: str
    split: str
    rows: int
    first: int
    number: int


@dataclass
class Ingested:
    """What the first pass found. The arrays have one entry per sample, in shard order."""

    shards: list[NativeShard]
    keys: Keys
    capable: Bits
    polarity: Bits
    rejects: dict[str, int]
    renamed: dict[int, str]
    """Sample index -> source id with a suffix, for ids that occur more than once."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of how the files were read."""

    @property
    def num_samples(self) -> int:
        return len(self.keys)


@dataclass
class _Split:
    """The writer of one split's native files."""

    name: str
    shards: list[tuple[str, int]] = field(default_factory=list)
    keys: list[Keys] = field(default_factory=list)
    capable: list[Bits] = field(default_factory=list)
    polarity: list[Bits] = field(default_factory=list)
    writer: pa.RecordBatchFileWriter | None = None
    sink: pa.OSFile | None = None
    rows: int = 0
    size_bytes: int = 0


class _Ingest:
    def __init__(
        self, source: Source, spec: TaskSpec, config: ConvertConfig, styles: list[AnswerStyle], folder: Path
    ) -> None:
        self.source, self.spec, self.config, self.styles, self.folder = source, spec, config, styles, folder
        self.splits: dict[str, _Split] = {}
        self.rejects: Counter[str] = Counter()
        self.num_rejects = self.num_rows = 0
        self.mining = _MiningSample()

    def run(self, advance: Callable[[int], None]) -> Ingested:
        with storage_errors(self.folder):  # half a surrogate pair in a message is written as JSON would escape it
            lines = (self.folder / "rejects.jsonl").open("w", encoding="utf-8", errors="backslashreplace")
        try:
            for batch in self.source.batches():
                for reject in batch.rejects:
                    self._reject(reject, lines.write)
                for name, rows in _by_split(batch.table):
                    if self.config.split is None or name == self.config.split:
                        self._add(name, rows)
                advance(batch.table.num_rows)
        finally:
            with storage_errors(self.folder):
                lines.close()
        for split in self.splits.values():
            self._close(split)
        self._check_limits()
        return self._finish()

    def _reject(self, reject: Reject, write: Callable[[str], int]) -> None:
        if self.config.strict:
            raise RejectLimitError(
                f"{describe(reject)}. --strict stops at the first bad row; without it, bad rows "
                "are kept apart in rejects.jsonl."
            )
        self.rejects[reject.reason] += 1
        self.num_rejects += 1
        with storage_errors(self.folder):
            write(json.dumps(asdict(reject), ensure_ascii=False) + "\n")

    def _check_limits(self) -> None:
        seen = self.num_rows + self.num_rejects
        where = f"source {self.source.root} ({self.source.layout})"
        reasons = ", ".join(f"{reason}: {count}" for reason, count in self.rejects.most_common())
        if self.num_rows == 0:
            found = f"all {seen} rows were rejected ({reasons})" if seen else "it has no rows"
            if self.config.split is not None and not self.num_rejects:
                found = f"it has no rows of split {self.config.split!r}"
            raise SourceError(
                f"{where}: no usable sample: {found}. Is this the right file for task {self.spec.name!r}?"
            )
        rate = self.num_rejects / max(seen, 1)
        if rate > self.config.max_reject_rate:
            raise RejectLimitError(
                f"{where}: {self.num_rejects} of {seen} rows ({rate:.1%}) are unusable ({reasons}), more than "
                f"--max-reject-rate {self.config.max_reject_rate:g}. Check that the file fits task {self.spec.name!r}, "
                "or raise the limit."
            )

    def _add(self, name: str, rows: pa.RecordBatch) -> None:
        if name not in self.splits and not _SPLIT_NAME.fullmatch(name):
            raise SourceError(
                f"source {self.source.root}: split {name[:60]!r} (first row: id {rows['source_id'][0]}) "
                "cannot name a file: use letters, digits, '_', '.' and '-'."
            )
        split = self.splits.setdefault(name, _Split(name))
        keys = keys_of(rows["source_id"], salt(self.config.seed, self.spec.name, name))
        split.keys.append(keys)
        split.capable.append(capable_bits(rows, self.spec, self.styles, self.config.rewriter))
        split.polarity.append(polarity_bits(rows))
        self.mining.add(keys, rows)
        self.num_rows += rows.num_rows
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
            split.size_bytes += part.nbytes + (self._image_bytes(part) if self.config.embed_images else 0)
            offset += part.num_rows
            if split.rows >= self.config.shard_rows or split.size_bytes >= self.config.shard_bytes:
                self._close(split)

    def _image_bytes(self, rows: pa.RecordBatch) -> int:
        root = self.source.image_root
        paths = rows["images"].flatten().to_pylist()
        return sum((root / path).stat().st_size for path in paths if root and (root / path).is_file())

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
        split.shards[-1] = (split.shards[-1][0], split.rows)
        split.writer, split.sink, split.rows, split.size_bytes = None, None, 0, 0

    def _finish(self) -> Ingested:
        shards: list[NativeShard] = []
        ordered = [self.splits[name] for name in sorted(self.splits)]
        first = 0
        for split in ordered:
            for number, (file, rows) in enumerate(split.shards):
                shards.append(NativeShard(file, split.name, rows, first, number))
                first += rows
        keys = _concatenate([part for split in ordered for part in split.keys], np.uint64)
        ingested = Ingested(
            shards=shards,
            keys=keys,
            capable=_concatenate([part for split in ordered for part in split.capable], np.uint8),
            polarity=_concatenate([part for split in ordered for part in split.polarity], np.uint8),
            rejects=dict(sorted(self.rejects.items())),
            renamed={},
        )
        ingested.notes += self.source.notes
        self._rename_repeated(ingested)
        write_arrow(self.folder / "mining.arrow", _MINING_SCHEMA, self.mining.batches(), durable=False)
        return ingested

    def _rename_repeated(self, ingested: Ingested) -> None:
        """Ids that occur more than once get a suffix made of the row's content, so that it depends on no order."""
        ordered = np.sort(ingested.keys)
        repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if not len(repeated):
            return
        seen: Counter[str] = Counter()
        for shard in ingested.shards:
            span = slice(shard.first, shard.first + shard.rows)
            rows = np.flatnonzero(np.isin(ingested.keys[span], repeated))
            if not len(rows):
                continue
            start = salt(self.config.seed, self.spec.name, shard.split)
            columns = ["source_id", "question", "options", "gold", "images", "context"]
            table = open_arrow(self.folder / shard.file).read_all().select(columns).take(pa.array(rows))
            for row, values in zip(
                rows.tolist(), zip(*(c.to_pylist() for c in table.columns), strict=True), strict=True
            ):
                digest = xxhash.xxh3_64_hexdigest(json.dumps(values, ensure_ascii=False).encode())[:8]
                name = f"{values[0]}~{digest}"
                seen[shard.split + "\0" + name] += 1
                if (copies := seen[shard.split + "\0" + name]) > 1:
                    name = f"{name}.{copies}"
                ingested.renamed[shard.first + row] = name
                ingested.keys[shard.first + row] = key_of(name, start)


class _MiningSample:
    """The MINING_ROWS rows with the smallest keys so far."""

    def __init__(self) -> None:
        self._parts: list[pa.RecordBatch] = []
        self._rows = 0
        self._bound: np.uint64 | None = None

    def add(self, keys: Keys, rows: pa.RecordBatch) -> None:
        wanted = np.flatnonzero(keys < self._bound) if self._bound is not None else np.arange(len(keys))
        if not len(wanted):
            return
        indices = pa.array(wanted)
        columns = [pa.array(keys[wanted])] + [rows[name].take(indices) for name in ("question", "gold", "answer_type")]
        self._parts.append(pa.record_batch(columns, schema=_MINING_SCHEMA))
        self._rows += len(wanted)
        if self._rows > 2 * MINING_ROWS:
            self._prune()

    def _prune(self) -> None:
        table = pa.Table.from_batches(self._parts).sort_by("key").slice(0, MINING_ROWS)
        self._parts = table.combine_chunks().to_batches()
        self._rows = table.num_rows
        if self._rows == MINING_ROWS:
            self._bound = np.uint64(table["key"][-1].as_py())

    def batches(self) -> list[pa.RecordBatch]:
        if self._parts:
            self._prune()
        return self._parts


def describe(reject: Reject) -> str:
    detail = f" ({reject.detail})" if reject.detail else ""
    return f"{reject.file}, row {reject.row}, id {reject.source_id or '?'}: {reject.reason}{detail}"


def _concatenate(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def _by_split(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    if batch.num_rows == 0:
        return
    names = batch["split"].unique().to_pylist()
    if len(names) == 1:
        yield names[0], batch
        return
    column = np.asarray(batch["split"].to_pylist())
    for name in names:
        yield name, batch.take(pa.array(np.flatnonzero(column == name)))


def ingest(
    source: Source,
    spec: TaskSpec,
    config: ConvertConfig,
    styles: list[AnswerStyle],
    folder: Path,
    advance: Callable[[int], None],
) -> Ingested:
    """Run the first pass into `folder`, or take it from there if an earlier run finished it.

    Raises: SourceError (no usable row, unreadable file), RejectLimitError, StorageError.
    """
    done = folder / "done.json"
    if done.is_file():
        return _load(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.iterdir():
        leftover.unlink()
    result = _Ingest(source, spec, config, styles, folder).run(advance)
    with storage_errors(folder):
        for name in ("keys", "capable", "polarity"):
            np.save(folder / f"{name}.npy", getattr(result, name))
    summary = {
        "shards": [asdict(shard) for shard in result.shards],
        "rejects": result.rejects,
        "renamed": {str(index): name for index, name in result.renamed.items()},
        "notes": result.notes,
    }
    write_text(done, json.dumps(summary, ensure_ascii=False))
    return result


def _load(folder: Path) -> Ingested:
    summary = json.loads((folder / "done.json").read_text("utf-8"))
    return Ingested(
        shards=[NativeShard(**shard) for shard in summary["shards"]],
        keys=np.load(folder / "keys.npy"),
        capable=np.load(folder / "capable.npy"),
        polarity=np.load(folder / "polarity.npy"),
        rejects=summary["rejects"],
        renamed={int(index): name for index, name in summary["renamed"].items()},
        notes=summary["notes"],
    )
