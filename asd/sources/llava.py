"""The LLaVA/CoIN conversation layout: files in, batches of native rows out.

JSON arrays, JSON Lines, Parquet and Arrow files, plain or compressed, told apart by content. Blocks of
records are read on a few threads (the work is in Arrow and NumPy, outside of the interpreter lock) and leave
in source order. The batches depend on the file alone, not on block size, threads, or on which records took
the columnar path.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pyarrow as pa

from asd.columns import NATIVE_SCHEMA
from asd.errors import SourceError
from asd.records import Reject
from asd.schemas.task import TaskSpec
from asd.sources.batch import MAX_IMAGE_CHARS, NativeBatch, image_chars
from asd.sources.formats import (
    ARROW_ERRORS,
    BadRecord,
    Format,
    ReadOptions,
    Record,
    arrow_fault,
    detect_format,
    is_recoded,
    iterate_records,
    open_bytes,
    rows_of_parquet,
)
from asd.sources.in_order import map_in_order, usable_threads
from asd.sources.llava_columns import Table, read_arrow, read_block, read_guessed_block
from asd.sources.llava_record import RecordRules, Row, make_record_rules, read_record, rows_to_batch
from asd.sources.messages import looks_like
from asd.sources.record_blocks import BLOCK_BYTES, ArrayBlocks, Block, Form, iterate_blocks

__all__ = ["FORMATS", "batches", "looks_like", "record_batches"]

FORMATS: frozenset[Format] = frozenset(("json", "jsonl", "csv", "tsv", "parquet", "arrow_file", "arrow_stream", "tar"))
ARROW_BATCH_ROWS = 1 << 14
ROWS_WITH_IMAGES = 1 << 6
RECORDS_AT_ONCE = 1 << 6


def batches(
    path: Path,
    rel: str,
    spec: TaskSpec,
    *,
    batch_rows: int,
    block_bytes: int = BLOCK_BYTES,
    image_roots: tuple[str, ...] = (),
) -> Iterator[NativeBatch]:
    """Batches of `batch_rows` rows (the last one may be shorter), each with its records' rejects.

    rel: the name of the file in rows, rejects and errors; it also names the split (`test.json`). image_roots: see
    `asd.sources.image_text.image_text`.
    Raises: SourceError if the file is missing, damaged or cut off, or holds neither an array nor records.
    """
    rules = make_record_rules(spec, rel, image_roots)
    kind = detect_format(path)
    if kind in ("json", "jsonl"):
        tables = _json_tables(path, kind, rules, block_bytes)
    elif kind in ("tar", "csv", "tsv"):
        tables = _record_tables(iterate_records(path, ReadOptions(format=kind), name=rules.file), rules)
    elif kind in ("parquet", "arrow_file", "arrow_stream"):
        tables = _arrow_tables(path, kind, rules)
    else:
        raise SourceError(f"{rel}: expected JSON, JSON Lines, CSV, Parquet or Arrow with conversations, found {kind}")
    yield from _rebatch(tables, batch_rows)


def _json_tables(path: Path, kind: Format, rules: RecordRules, block_bytes: int) -> Iterator[Table]:
    form = _form(path, kind)
    if form is None:
        options = ReadOptions(format="json", is_record=looks_like)
        yield from _record_tables(iterate_records(path, options, name=rules.file), rules)
        return
    if form == "array":
        _refuse_cut_off(path, rules.file)
    with open_bytes(path) as stream:
        if form == "array":
            yield from _array_tables(ArrayBlocks(stream, rules.file, block_bytes), rules)
        else:
            blocks = iterate_blocks(stream, form, rules.file, block_bytes)
            yield from map_in_order(lambda block: read_block(block, rules), blocks)


def _array_tables(blocks: ArrayBlocks, rules: RecordRules) -> Iterator[Table]:
    """Blocks whose ends were guessed are read with the others; after a wrong guess all from there on are cut anew."""

    def read(block: Block) -> Table | None:
        return read_guessed_block(block, rules) if block.is_guess else read_block(block, rules)

    pending: deque[tuple[Block, Future[Table | None]]] = deque()
    threads = usable_threads()
    with ThreadPoolExecutor(threads) as pool:
        while True:
            fault: SourceError | None = None
            try:
                while len(pending) <= threads and (block := next(blocks, None)) is not None:
                    pending.append((block, pool.submit(read, block)))
            except SourceError as exc:
                fault = exc
            if fault and all(future.result() for _, future in pending):
                raise fault  # else what is wrong with the file is yet to be found out
            if not pending:
                return
            if table := pending[0][1].result():
                pending.popleft()
                yield table
            else:
                blocks.take_back([block for block, _ in pending])
                pending.clear()


def _form(path: Path, kind: Format) -> Form | None:
    """None: records that stand neither in a list nor on lines."""
    if kind == "jsonl":
        return "lines"
    with open_bytes(path) as stream:
        head = stream.read(1 << 12).removeprefix(b"\xef\xbb\xbf").lstrip()
    return "array" if head.startswith(b"[") else None


def _record_tables(records: Iterator[Record], rules: RecordRules) -> Iterator[Table]:
    """Records that are objects already."""
    while some := list(islice(records, RECORDS_AT_ONCE)):
        rows: list[Row] = []
        rejects: list[Reject] = []
        for number, _, record in some:
            if isinstance(record, BadRecord):
                rejects.append(Reject(rules.file, number, "", record.reason, record.detail))
                continue
            read, refused = read_record(record, number, rules)
            rows += read
            rejects += refused
        yield rows_to_batch(rows), rejects


def _refuse_cut_off(path: Path, where: str) -> None:
    """Looks at the end of a plain file first, so that no row of a truncated array is ever handed on."""
    if is_recoded(path):
        return
    with path.open("rb") as raw:
        raw.seek(max(0, path.stat().st_size - 64))
        if raw.read().rstrip().endswith(b"]"):
            return
        raw.seek(0)
        for _ in iterate_blocks(raw, "array", where):
            pass


def record_batches(
    records: Iterable[pa.RecordBatch],
    rel: str,
    spec: TaskSpec,
    *,
    batch_rows: int,
    image_roots: tuple[str, ...] = (),
) -> Iterator[NativeBatch]:
    """As `batches`, for conversations that are Arrow record batches already (a `datasets` data set)."""
    rules = make_record_rules(spec, rel, image_roots)

    def tables() -> Iterator[Table]:
        row = 0
        for batch in records:
            yield read_arrow(batch, row, rules)
            row += len(batch)

    yield from _rebatch(tables(), batch_rows)


def _arrow_tables(path: Path, kind: Format, rules: RecordRules) -> Iterator[Table]:
    row = 0
    try:
        for batch in _arrow_batches(path, kind):
            batch.validate(full=True)
            yield read_arrow(batch, row, rules)
            row += len(batch)
    except ARROW_ERRORS as exc:
        raise arrow_fault(rules.file, kind, row, exc) from exc


def _arrow_batches(path: Path, kind: Format) -> Iterator[pa.RecordBatch]:
    if kind == "parquet":
        from pyarrow.parquet import ParquetFile  # with it comes all of pyarrow.fs

        with ParquetFile(path) as parquet:
            yield from parquet.iter_batches(batch_size=rows_of_parquet(parquet, _rows_at_once(parquet.schema_arrow)))
        return
    with pa.memory_map(str(path)) as mapped:
        opened: Iterable[pa.RecordBatch]
        if kind == "arrow_stream":
            opened = pa.ipc.open_stream(mapped)
        else:
            reader = pa.ipc.open_file(mapped)
            opened = (reader.get_batch(number) for number in range(reader.num_record_batches))
        for batch in opened:
            rows = _rows_at_once(batch.schema)
            for start in range(0, len(batch), rows):
                yield batch.slice(start, rows)


def _rows_at_once(schema: pa.Schema) -> int:
    return ROWS_WITH_IMAGES if any(_holds_bytes(field.type) for field in schema) else ARROW_BATCH_ROWS


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    return any(_holds_bytes(kind.field(number).type) for number in range(kind.num_fields))


def _rebatch(tables: Iterable[Table], batch_rows: int) -> Iterator[NativeBatch]:
    """Batches of one size, so that they do not show where blocks ended; smaller ones where images are data.

    A reject leaves with the first batch that reaches its record, or with the last one.
    """
    held: list[pa.RecordBatch] = []
    rejects: list[Reject] = []
    num_held, has_yielded = 0, False
    for table, refused in tables:
        rejects += refused
        start = 0
        while num_held + len(table) - start >= batch_rows:
            stop = start + batch_rows - num_held
            batch = _join([*held, table.slice(start, stop - start)])
            last_row = batch.column("source_row")[-1].as_py()
            yield NativeBatch(batch, [reject for reject in rejects if reject.row <= last_row])
            rejects = [reject for reject in rejects if reject.row > last_row]
            held, num_held, start, has_yielded = [], 0, stop, True
        if start < len(table):
            held.append(table.slice(start))
            num_held += len(table) - start
            if image_chars(held) > MAX_IMAGE_CHARS:
                batch = _join(held)
                held, num_held, has_yielded = [], 0, True
                yield NativeBatch(batch, rejects)
                rejects = []
    if held or rejects or not has_yielded:
        yield NativeBatch(_join(held), rejects)


def _join(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    if not parts:
        return pa.RecordBatch.from_pylist([], schema=NATIVE_SCHEMA)
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)
