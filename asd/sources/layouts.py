"""Runs a declarative layout: finds its files, checks that they fit, and maps their records to native rows.

`asd.schemas.layout` is the grammar, LAYOUTS.md the manual. A layout that does not fit says why in one
sentence (`LayoutMismatchError`); a record that is no sample is a `Reject`; nothing is dropped silently.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from asd.errors import SourceError
from asd.records import Reject
from asd.schemas.layout import Columns, Join, Layout
from asd.schemas.task import TaskSpec
from asd.sources.batch import NativeBatch
from asd.sources.expressions import Compiled, Compiler, Fn, Row, RowError, missing_path
from asd.sources.formats import (
    COMPRESSION_SUFFIXES,
    BadRecord,
    ReadOptions,
    Record,
    detect_format,
    is_compressed,
    iterate_records,
)
from asd.sources.in_order import UntilFault
from asd.sources.line_spans import LineSpan, spans_of_lines
from asd.sources.native_rows import ColumnFns, RowMaker, RowSink

Note = Callable[[str], None]
Table = dict[Any, tuple[Any, ...]]
"""Key -> the kept values of a joined record."""


class LayoutMismatchError(SourceError):
    """This layout does not fit these files; the message says why."""


@dataclass(frozen=True, slots=True)
class MainFile:
    """Something that yields records: a file below the root, or rows that are in memory already
    (`records`)."""

    rel: str
    path: Path | None = None
    records: Callable[[], Iterator[Record]] | None = None
    split: str = "train"
    """The split of its rows where the layout has no expression for it."""


@dataclass(slots=True)
class CompiledLayout:
    """A layout with its expressions compiled for one task."""

    layout: Layout
    needs: list[str]
    join_needs: dict[str, list[str]]
    fields: tuple[str, ...]
    slots: dict[str, list[Fn]]
    join_keys: dict[str, Fn | None]
    lookups: dict[str, Fn]
    variants: list[ColumnFns]
    explode: dict[str, Fn]
    reject_when: dict[str, Fn]
    takes_any_value: bool
    """Uses no field of the record, so the record may be a plain text or number."""


def list_files(root: Path) -> list[str]:
    """Relative posix paths of all files below `root`, sorted; hidden ones are left out. Follows links, but
    no circle."""
    found: list[str] = []
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        is_dataset = {"versions", "refs"} <= set(folders)
        if is_dataset:  # a dataset that was converted into this folder is no source
            folders[:] = [name for name in folders if name not in ("versions", "refs", "latest")]
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        rel = Path(folder).relative_to(root).as_posix()
        prefix = "" if rel == "." else f"{rel}/"
        skipped = {"README.md"} if is_dataset else set()
        found.extend(prefix + name for name in names if not name.startswith(".") and name not in skipped)
    return sorted(found)


def matches_glob(rel: str, pattern: str) -> bool:
    """A pattern without a slash is for the name at any depth; compression suffixes may be missing in the
    pattern."""
    pattern = pattern.removeprefix("**/")
    path = PurePosixPath(rel)
    names = [path]
    while path.suffix.lower() in COMPRESSION_SUFFIXES:
        path = path.with_suffix("")
        names.append(path)
    if "/" in pattern:
        return any(name.match(pattern) for name in names)
    return any(fnmatchcase(name.name, pattern) for name in names)


def select_files(files: Sequence[str], globs: str | Sequence[str], exclude: Sequence[str] = ()) -> list[str]:
    patterns = [globs] if isinstance(globs, str) else list(globs)
    return [
        rel
        for rel in files
        if any(matches_glob(rel, p) for p in patterns) and not any(matches_glob(rel, p) for p in exclude)
    ]


def compile_layout(layout: Layout, spec: TaskSpec) -> CompiledLayout:
    """Raises: UsageError if an expression cannot be compiled."""
    compiler = Compiler(layout.name, tuple(layout.joins), layout.variables)
    lookups = {name: compiler.compile(join.lookup).fn for name, join in layout.joins.items()}
    variants = [_compile_columns(compiler, columns) for columns in _variants(layout)]
    explode = {name: compiler.path(path) for name, path in layout.explode.items()}
    reject_when = {reason: compiler.compile(expr).fn for reason, expr in layout.reject_when.items()}
    join_keys: dict[str, Fn | None] = {}
    for name, join in layout.joins.items():
        inner = Compiler(f"{layout.name}, join {name}")
        join_keys[name] = inner.compile(join.key).fn if join.key is not None else None
        compiler.join_needs[name].extend(inner.needs)
    return CompiledLayout(
        layout=layout,
        needs=list(dict.fromkeys((*compiler.needs, *layout.keys))),
        join_needs={name: list(dict.fromkeys(paths)) for name, paths in compiler.join_needs.items()},
        fields=tuple(sorted(compiler.fields | {key.split(".")[0] for key in (*layout.keys, *layout.without)})),
        slots=compiler.slots,
        join_keys=join_keys,
        lookups=lookups,
        variants=variants,
        explode=explode,
        reject_when=reject_when,
        takes_any_value=not compiler.fields and not layout.keys,
    )


def _variants(layout: Layout) -> list[Columns]:
    if not layout.variants:
        return [layout.columns]
    given = {name: getattr(layout.columns, name) for name in layout.columns.model_fields_set}
    merged = []
    for variant in layout.variants:
        own = {name: getattr(variant, name) for name in variant.model_fields_set}
        merged.append(Columns.model_construct(_fields_set=set(given | own), **(given | own)))
    return merged


def _compile_columns(compiler: Compiler, columns: Columns) -> ColumnFns:
    compiled: dict[str, Compiled] = {}
    for name in Columns.model_fields:
        expr = getattr(columns, name, None)
        if expr is not None and name != "annotators":
            compiled[name] = compiler.compile(expr)
    votes = compiler.annotators(columns.annotators) if columns.annotators is not None else None
    return ColumnFns(compiled, votes)


def read_options(layout: Layout, fields: Iterable[str] | None, on_note: Note) -> ReadOptions:
    return ReadOptions(
        format=layout.format,
        records=_path(layout.records),
        whole=layout.one_record_per_file,
        csv_columns=tuple(layout.csv_columns) if layout.csv_columns is not None else None,
        columns=tuple(fields) if fields else None,
        on_note=on_note,
    )


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def first_record(records: Iterator[Record]) -> Any:
    """The first record that could be read, or None; stops reading after a few."""
    for _, _, value in islice(records, 100):
        if not isinstance(value, BadRecord):
            return value
    return None


def why_unfit(compiled: CompiledLayout, record: Any) -> str | None:
    """Why a main file's first record does not fit the layout, or None if it does."""
    if record is None:
        return "it has no readable record"
    for name in compiled.needs:
        problem = missing_path(record, name)
        if problem:
            return problem
    if not isinstance(record, dict) and not compiled.takes_any_value:
        return f"its first record is {type(record).__name__}, not an object (is `records` set right?)"
    present = [name for name in compiled.layout.without if missing_path(record, name) is None]
    return f"its first record has the field {present[0]!r}, which this layout excludes" if present else None


class OpenLayout:
    """A layout together with the files it was found in: a `PartReader`."""

    def __init__(
        self, compiled: CompiledLayout, spec: TaskSpec, root: Path, main_files: list[MainFile], files: list[str]
    ) -> None:
        """files: all that were found, among which the joined ones are looked for."""
        self.compiled, self.layout, self.spec = compiled, compiled.layout, spec
        self.root, self.main_files = root, main_files
        self.join_files = {name: self._join_files(name, join, files) for name, join in self.layout.joins.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        """Compiled expressions are functions, which do not travel."""
        files = [rel for by_main in self.join_files.values() for found in by_main.values() for rel in found]
        return _compile_and_open, (self.layout, self.spec, self.root, self.main_files, files)

    @property
    def mains(self) -> list[str]:
        return [main.rel for main in self.main_files]

    @property
    def is_movable(self) -> bool:
        return all(main.records is None for main in self.main_files)

    def at(self, root: Path) -> OpenLayout:
        """The same files below another folder."""
        moved = copy(self)
        moved.root = root
        return moved

    def beside(self, main: int) -> list[str]:
        """The files that a main file's records are joined with."""
        rel = self.main_files[main].rel
        return [
            partner
            for by_main in self.join_files.values()
            for partner in by_main.get("", by_main.get(rel, ()))
        ]

    def paths(self) -> list[str]:
        """Every file that will be read, main files first, each once."""
        rels = [main.rel for main in self.main_files if main.path is not None]
        for by_main in self.join_files.values():
            for found in by_main.values():
                rels.extend(found)
        return list(dict.fromkeys(rels))

    def _join_files(self, name: str, join: Join, files: list[str]) -> dict[str, list[str]]:
        """Main file (or "" for all) -> files of the join. Raises: LayoutMismatchError if a needed one is
        missing."""
        if join.files is not None:
            found = select_files(files, join.files)
            if not found and join.required:
                raise LayoutMismatchError(f"no file matches {join.files!r}, which holds its {name!r}")
            return {"": found}
        by_main: dict[str, list[str]] = {}
        for main in self.main_files:
            tried = [partner for names in join.pair if (partner := _rename(main.rel, names)) != main.rel]
            hit = next((partner for partner in tried if partner in set(files)), None)
            if hit is None and join.required:
                looked = ", ".join(tried) or "nothing: no renaming applies"
                raise LayoutMismatchError(f"{main.rel} has no file of {name!r} beside it (looked for {looked})")
            by_main[main.rel] = [hit] if hit else []
        return by_main

    def spans(self, main: int, span_bytes: int) -> list[LineSpan]:
        """Of a main file that can be read from the middle: JSON Lines as they are, counted by no joined file."""
        layout, path = self.layout, self.root / self.main_files[main].rel
        if layout.one_record_per_file or any(join.aligned for join in layout.joins.values()) or is_compressed(path):
            return []
        return spans_of_lines(path, span_bytes) if (layout.format or detect_format(path)) == "jsonl" else []

    def pieces(
        self,
        mains: range,
        batch_rows: int,
        note: Note,
        kept: dict[str, tuple[Table, list[str]]],
        span: LineSpan | None = None,
    ) -> Iterator[NativeBatch]:
        """Batches of about `batch_rows` rows over these main files, in order; the last one may be empty of rows."""
        sink = RowSink(frozenset().union(*(fns.used() for fns in self.compiled.variants)))
        given = UntilFault(
            batch
            for number in mains
            for batch in self._reader(self.main_files[number], sink, note, kept, span).batches(batch_rows)
        )
        yield from given
        if len(sink) or sink.rejects:
            yield sink.take()
        given.raise_fault()

    def _reader(
        self,
        main: MainFile,
        sink: RowSink,
        note: Note,
        kept: dict[str, tuple[Table, list[str]]],
        span: LineSpan | None,
    ) -> _FileReader:
        return _FileReader(self, main, self._tables(main, note, kept), sink, note, span)

    def _tables(
        self, main: MainFile, note: Note, kept: dict[str, tuple[Table, list[str]]]
    ) -> dict[str, Table]:
        """The joined records. What is for all main files is kept, with what there was to say of it."""
        tables = {}
        for name, by_main in self.join_files.items():
            if "" not in by_main:
                tables[name] = self._table(name, by_main[main.rel], note)
                continue
            if name not in kept:
                notes: list[str] = []
                kept[name] = self._table(name, by_main[""], notes.append), notes
            tables[name], told = kept[name]
            for text in told:
                note(text)
        return tables

    def _table(self, name: str, rels: list[str], on_note: Note) -> Table:
        """The first of equal keys stays."""
        join, slots, key_fn = (
            self.layout.joins[name],
            self.compiled.slots[name],
            self.compiled.join_keys[name],
        )
        table: Table = {}
        row, repeated = Row(), 0
        options = ReadOptions(join.format, _path(join.records), on_note=on_note)
        for rel in rels:
            records = iterate_records(self.root / rel, options, name=rel)
            for number, key, record in records:
                if isinstance(record, BadRecord):
                    raise SourceError(f"{rel}: {record.detail}; {name!r} is needed whole, mend the file")
                if number == 0:
                    self._check_joined(name, rel, record)
                row.key, row.row = key, number
                found = key_fn(record, row) if key_fn is not None else key if key is not None else number
                found = str(found)
                if found in table:
                    repeated += 1
                else:
                    table[found] = tuple(slot(record, row) for slot in slots)
        if repeated:
            on_note(f"{', '.join(rels)}: {repeated} keys of {name!r} occur again; the first of each is used")
        return table

    def _check_joined(self, name: str, rel: str, record: Any) -> None:
        for path in self.compiled.join_needs[name]:
            problem = missing_path(record, path)
            if problem:
                raise LayoutMismatchError(f"join {name!r}: {problem}, in {rel}")


def _compile_and_open(
    layout: Layout, spec: TaskSpec, root: Path, main_files: list[MainFile], files: list[str]
) -> OpenLayout:
    return OpenLayout(compile_layout(layout, spec), spec, root, main_files, files)


def _rename(rel: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        if old not in rel:
            return rel
        rel = rel.replace(old, new)
    return rel


class _FileReader:
    """Maps the records of one main file."""

    def __init__(
        self,
        opened: OpenLayout,
        main: MainFile,
        tables: dict[str, Table],
        sink: RowSink,
        on_note: Note,
        span: LineSpan | None,
    ) -> None:
        self.opened, self.main, self.compiled, self.sink = opened, main, opened.compiled, sink
        self.on_note, self.span = on_note, span
        self.tables = [(tables[name], self.compiled.lookups[name]) for name in opened.layout.joins]
        self.aligned = [(n, len(tables[n])) for n, join in opened.layout.joins.items() if join.aligned]
        path = PurePosixPath(main.rel)
        stem = path.name.split(".")[0] or path.name
        folder = "" if str(path.parent) == "." else str(path.parent)
        self.row = Row(file=main.rel, name=path.name, stem=stem, folder=folder, joined=[None] * len(self.tables))
        base_name = f"{folder}/{stem}" if folder else stem
        several = len(self.compiled.variants) > 1
        self.makers = [
            RowMaker(fns, opened.spec, sink, self.row, base_name=base_name, turn=turn if several else None)
            for turn, fns in enumerate(self.compiled.variants)
        ]

    def records(self) -> Iterator[Record]:
        if self.main.records is not None:
            return self.main.records()
        options = replace(read_options(self.opened.layout, self.compiled.fields, self.on_note), span=self.span)
        return iterate_records(self.opened.root / self.main.rel, options, name=self.main.rel)

    def batches(self, batch_rows: int) -> Iterator[NativeBatch]:
        """Batches whenever the sink is full; what is left at the end stays in it for the next file."""
        row, sink = self.row, self.sink
        emit = self._explode if self.compiled.explode else self._emit
        sink.start_file(self.main.rel, self.main.split)
        checked = self.span is not None and self.span.start > 0  # then the file's first record was in another part
        count = 0
        for number, key, record in self.records():
            count += 1
            row.key, row.row = key, number
            if isinstance(record, BadRecord):
                self._reject(RowError(record.reason, record.detail))
                continue
            if not checked:
                self._check(record)
                checked = True
            if isinstance(record, dict) or self.compiled.takes_any_value:
                emit(record)
            else:
                self._reject(RowError("not_an_object", f"expected a JSON object, found {str(record)[:40]!r}"))
            if sink.end_record() >= batch_rows:
                yield sink.take()
        for name, size in self.aligned:
            if size != count:
                raise SourceError(
                    f"{self.main.rel} has {count} records and its line-aligned {name!r} has {size}; "
                    "one of the files is cut off"
                )

    def _check(self, record: Any) -> None:
        problem = why_unfit(self.compiled, record)
        if problem:
            raise SourceError(
                f"{self.main.rel}: does not fit layout {self.opened.layout.name!r}, chosen for this source: "
                f"{problem}; leave the file out with `exclude`, or correct the layout"
            )

    def _look_up(self, record: Any) -> None:
        """Finds the joined records. Raises: RowError if the record is to be rejected as a whole."""
        row = self.row
        for position, (table, lookup) in enumerate(self.tables):
            wanted = lookup(record, row)
            if type(wanted) is list:
                row.joined[position] = [found for each in wanted if (found := table.get(str(each))) is not None]
            else:
                row.joined[position] = table.get(str(wanted))
        for reason, condition in self.compiled.reject_when.items():
            if condition(record, row):
                raise RowError(reason)

    def _emit(self, record: Any) -> None:
        for maker in self.makers:
            try:
                self._look_up(record)
                maker.add(record, self.row)
            except RowError as exc:
                self._reject(exc, maker)

    def _explode(self, record: Any) -> None:
        maker = self.makers[0]
        try:
            self._look_up(record)
            elements = self._elements(record)
        except RowError as exc:
            self._reject(exc)
            return
        for turn, item in enumerate(elements):
            self.row.item = item
            try:
                maker.add(record, self.row, turn)
            except RowError as exc:
                self._reject(exc, maker)

    def _elements(self, record: Any) -> list[dict[str, Any]]:
        lists: dict[str, list[Any]] = {}
        for name, fn in self.compiled.explode.items():
            values = fn(record, self.row)
            lists[name] = values if isinstance(values, list) else []
        sizes = {name: len(values) for name, values in lists.items()}
        size = max(sizes.values())
        if size == 0 or min(sizes.values()) != size:
            listed = ", ".join(f"{name}: {n}" for name, n in sizes.items())
            raise RowError("uneven_lists" if size else "no_question", f"lengths of the lists: {listed}")
        return [{name: values[turn] for name, values in lists.items()} for turn in range(size)]

    def _reject(self, error: RowError, maker: RowMaker | None = None) -> None:
        detail = error.detail
        if error.reason == "no_answer" and not detail:
            absent = [n for n, found in zip(self.opened.layout.joins, self.row.joined, strict=True) if found is None]
            detail = f"no entry in {' and '.join(absent)}" if absent else "the answer is empty or missing"
        source_id = (maker.last_id if maker is not None else "") or self.row.key or ""
        self.sink.rejects.append(Reject(self.main.rel, self.row.row, source_id, error.reason, detail))
