"""A declarative layout: compiles it, finds its files, and checks that they fit (`open_layout` reads them).

`asd.schemas.layout` is the grammar, LAYOUTS.md the manual. A layout that does not fit says why in one
sentence (`LayoutMismatchError`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from asd.errors import SourceError
from asd.schemas.layout import Columns, Layout, Regions
from asd.schemas.task import TaskSpec
from asd.sources.expressions import Compiled, Compiler, Fn, missing_path
from asd.sources.formats import COMPRESSION_SUFFIXES, BadRecord, ReadOptions, Record
from asd.sources.native_rows import ColumnFns

Note = Callable[[str], None]


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
    files: list[str] = []
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
        files.extend(prefix + name for name in names if not name.startswith(".") and name not in skipped)
    return sorted(files)


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
    variants = [_compile_columns(compiler, columns, layout.regions) for columns in _variants(layout)]
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


def _compile_columns(compiler: Compiler, columns: Columns, regions: Regions | None) -> ColumnFns:
    compiled: dict[str, Compiled] = {}
    for name in Columns.model_fields:
        expr = getattr(columns, name, None)
        if expr is not None and name != "annotators":
            compiled[name] = compiler.compile(expr)
    if regions is not None:
        compiled |= compiler.regions(regions)
    votes = compiler.annotators(columns.annotators) if columns.annotators is not None else None
    return ColumnFns(compiled, votes)


def read_options(layout: Layout, fields: Iterable[str] | None, on_note: Note) -> ReadOptions:
    return ReadOptions(
        format=layout.format,
        records=records_path(layout.records),
        whole=layout.one_record_per_file,
        csv_columns=tuple(layout.csv_columns) if layout.csv_columns is not None else None,
        columns=tuple(fields) if fields else None,
        on_note=on_note,
    )


def records_path(text: str) -> tuple[str, ...]:
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
