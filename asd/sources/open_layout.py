"""Reads the files that a layout was found in: any of its main files, in any process, record by record.

A record that is no sample is a `Reject`; nothing is dropped silently.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from itertools import islice, product
from pathlib import Path, PurePosixPath
from typing import Any

from asd.errors import SourceError
from asd.records import Reject, brief
from asd.schemas.layout import Join, Layout
from asd.schemas.task import TaskSpec
from asd.sources.batch import NativeBatch
from asd.sources.expressions import Row, RowError, missing_path
from asd.sources.formats import BadRecord, ReadOptions, Record, detect_format, is_recoded, iterate_records
from asd.sources.in_order import UntilFault
from asd.sources.layouts import (
    CompiledLayout,
    LayoutMismatchError,
    MainFile,
    compile_layout,
    read_options,
    records_path,
    select_files,
    why_unfit,
)
from asd.sources.line_spans import LineSpan, spans_of_lines
from asd.sources.native_rows import RowMaker, RowSink
from asd.sources.parts import Note

Table = dict[Any, tuple[Any, ...]]
"""Key -> the kept values of a joined record."""
FILES_SNIFFED = 16
Joined = tuple[list[str], Table, list[str]]
"""The files of a join, their records, and what there was to say of them."""


class OpenLayout:
    """A layout together with the files it was found in: a `PartReader`."""

    def __init__(
        self, compiled: CompiledLayout, spec: TaskSpec, root: Path, main_files: list[MainFile], files: list[str]
    ) -> None:
        """files: all that were found, among which the joined ones are looked for."""
        self.image_roots: tuple[str, ...] = ()
        self.compiled, self.layout, self.spec = compiled, compiled.layout, spec
        self.root, self.main_files = root, main_files
        self.join_files = {name: self._join_files(name, join, files) for name, join in self.layout.joins.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        """Compiled expressions are functions, which do not travel."""
        files = {rel for by_main in self.join_files.values() for names in by_main.values() for rel in names}
        return _compile_and_open, (self.layout, self.spec, self.root, self.main_files, sorted(files), self.image_roots)

    def with_image_roots(self, roots: tuple[str, ...]) -> OpenLayout:
        """The same, reading absolute image paths as paths below one of these."""
        rooted = copy(self)
        rooted.image_roots = roots
        return rooted

    def first_images(self, count: int) -> Iterator[Any]:
        """What the images of the first records are made of, as far as it does not come from joined files."""
        row = Row(joined=[None] * len(self.layout.joins))
        for main in self.main_files[:FILES_SNIFFED]:
            options = read_options(self.layout, self.compiled.fields, lambda note: None)
            records = main.records() if main.records is not None else iterate_records(self.root / main.rel, options)
            for (_, _, record), fns in product(islice(records, count), self.compiled.variants):
                if (images := fns.columns.get("images")) is not None and isinstance(record, dict):
                    try:
                        value = images.fn(record, row)
                    except RowError:  # the reader will say what is wrong with it
                        continue
                    yield value

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
        return [partner for by_main in self.join_files.values() for partner in by_main.get("", by_main.get(rel, ()))]

    def paths(self) -> list[str]:
        """Every file that will be read, main files first, each once."""
        rels = [main.rel for main in self.main_files if main.path is not None]
        for by_main in self.join_files.values():
            for names in by_main.values():
                rels.extend(names)
        return list(dict.fromkeys(rels))

    def _join_files(self, name: str, join: Join, files: list[str]) -> dict[str, list[str]]:
        """Main file (or "" for all) -> files of the join. Raises: LayoutMismatchError if a needed one is
        missing."""
        if join.files is not None:
            selected = select_files(files, join.files)
            if not selected and join.required:
                raise LayoutMismatchError(f"no file matches {join.files!r}, which holds its {name!r}")
            return {"": selected}
        by_main: dict[str, list[str]] = {}
        known = set(files)
        for main in self.main_files:
            tried = [partner for names in join.pair if (partner := _rename(main.rel, names)) != main.rel]
            hit = next((partner for partner in tried if partner in known), None)
            if hit is None and join.required:
                looked = ", ".join(tried) or "nothing: no renaming applies"
                raise LayoutMismatchError(f"{main.rel} has no file of {name!r} beside it (looked for {looked})")
            by_main[main.rel] = [hit] if hit else []
        return by_main

    def spans(self, main: int, span_bytes: int) -> list[LineSpan]:
        """Of a main file that can be read from the middle: JSON Lines as they are, counted by no joined file."""
        layout, path = self.layout, self.root / self.main_files[main].rel
        if layout.one_record_per_file or any(join.aligned for join in layout.joins.values()) or is_recoded(path):
            return []
        return spans_of_lines(path, span_bytes) if (layout.format or detect_format(path)) == "jsonl" else []

    def pieces(
        self, mains: range, batch_rows: int, note: Note, kept: dict[str, Joined], span: LineSpan | None = None
    ) -> Iterator[NativeBatch]:
        """Batches of about `batch_rows` rows over these main files, in order; the last one may be empty of rows."""
        sink = RowSink(frozenset().union(*(fns.used() for fns in self.compiled.variants)))
        tables = _Tables(self, note, kept)
        given = UntilFault(
            batch
            for number in mains
            for batch in self._reader(self.main_files[number], tables, sink, span).batches(batch_rows)
        )
        yield from given
        if len(sink) or sink.rejects:
            yield sink.take()
        given.raise_fault()

    def _reader(self, main: MainFile, tables: _Tables, sink: RowSink, span: LineSpan | None) -> _FileReader:
        return _FileReader(self, main, tables.of(main), sink, tables.note, span)

    def table(self, name: str, rels: list[str], on_note: Note) -> Table:
        """The records of a join's files. The first of equal keys stays."""
        join, slots, key_fn = (
            self.layout.joins[name],
            self.compiled.slots[name],
            self.compiled.join_keys[name],
        )
        table: Table = {}
        row, repeated = Row(), 0
        options = ReadOptions(join.format, records_path(join.records), on_note=on_note)
        for rel in rels:
            records = iterate_records(self.root / rel, options, name=rel)
            for number, key, record in records:
                if isinstance(record, BadRecord):
                    raise SourceError(f"{rel}: {record.detail}; {name!r} is needed whole, mend the file")
                if number == 0:
                    self._check_joined(name, rel, record)
                row.key, row.row = key, number
                joined_by = key_fn(record, row) if key_fn is not None else key if key is not None else number
                joined_by = str(joined_by)
                if joined_by in table:
                    repeated += 1
                else:
                    table[joined_by] = tuple([slot(record, row) for slot in slots])
        if repeated:
            on_note(f"{', '.join(rels)}: {repeated} keys of {name!r} occur again; the first of each is used")
        return table

    def _check_joined(self, name: str, rel: str, record: Any) -> None:
        for path in self.compiled.join_needs[name]:
            problem = missing_path(record, path)
            if problem:
                raise LayoutMismatchError(f"join {name!r}: {problem}, in {rel}")


class _Tables:
    """The joined records of one main file after the other; of each join the last ones are kept."""

    def __init__(self, opened: OpenLayout, note: Note, kept: dict[str, Joined]) -> None:
        self.note = note
        self._opened, self._kept = opened, kept
        self._told: set[str] = set()
        """Notes that were given in this pass."""

    def of(self, main: MainFile) -> dict[str, Table]:
        return {
            name: self._of_join(name, by_main.get("") or by_main.get(main.rel, []))
            for name, by_main in self._opened.join_files.items()
        }

    def _of_join(self, name: str, rels: list[str]) -> Table:
        if name in self._kept and self._kept[name][0] != rels:
            del self._kept[name]  # before the next is read
        if name not in self._kept:
            notes: list[str] = []
            self._kept[name] = rels, self._opened.table(name, rels, notes.append), notes
        _, table, notes = self._kept[name]
        for text in notes:
            if text not in self._told:
                self._told.add(text)
                self.note(text)
        return table


def _compile_and_open(
    layout: Layout,
    spec: TaskSpec,
    root: Path,
    main_files: list[MainFile],
    files: list[str],
    image_roots: tuple[str, ...],
) -> OpenLayout:
    opened = OpenLayout(compile_layout(layout, spec), spec, root, main_files, files)
    opened.image_roots = image_roots
    return opened


def _nested() -> RowError:
    return RowError("nested_too_deeply", "lists and objects nest too deeply")


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
            RowMaker(
                fns,
                opened.spec,
                sink,
                self.row,
                base_name=base_name,
                turn=turn if several else None,
                image_roots=opened.image_roots,
            )
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
                self._reject(RowError("not_an_object", f"expected a JSON object, found {brief(record, 40)!r}"))
            if sink.end_record() >= batch_rows or sink.is_heavy:
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
                row.joined[position] = [entry for each in wanted if (entry := table.get(str(each))) is not None]
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
            except RecursionError:
                self._reject(_nested(), maker)

    def _explode(self, record: Any) -> None:
        maker = self.makers[0]
        try:
            self._look_up(record)
            elements = self._elements(record)
        except (RowError, RecursionError) as exc:
            self._reject(exc if isinstance(exc, RowError) else _nested())
            return
        for turn, item in enumerate(elements):
            self.row.item = item
            try:
                maker.add(record, self.row, turn)
            except RowError as exc:
                self._reject(exc, maker)
            except RecursionError:
                self._reject(_nested(), maker)

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
            absent = [n for n, joined in zip(self.opened.layout.joins, self.row.joined, strict=True) if joined is None]
            detail = f"no entry in {' and '.join(absent)}" if absent else "the answer is empty or missing"
        source_id = (maker.last_id if maker is not None else "") or self.row.key or ""
        self.sink.rejects.append(Reject(self.main.rel, self.row.row, source_id, error.reason, detail))
