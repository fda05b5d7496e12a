"""The first records of a file, of whatever format it is, and the values of each of their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from asd.errors import SourceError, UsageError
from asd.sources.formats import BadRecord, ReadOptions, detect_format, iterate_records
from asd.sources.messages import looks_like, unread_form

ROWS_LOOKED_AT = 1000
_DEEPEST = 2
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Field:
    """One field of the records: its path in a layout, and its values where it is there and not null."""

    path: str
    values: tuple[Any, ...]
    is_always_there: bool

    @property
    def name(self) -> str:
        """The last part of the path, letters and digits alone, in lower case."""
        return "".join(filter(str.isalnum, self.path.rpartition(".")[2].lower()))

    def share(self, is_so: Any) -> float:
        """Share of the values of which something is so; 0 where there are none."""
        return sum(map(bool, map(is_so, self.values))) / len(self.values) if self.values else 0.0

    def path_in_layout(self) -> str:
        return self.path if self.is_always_there else f"{self.path}?"


@dataclass(frozen=True)
class Look:
    """What was seen of a file."""

    path: Path
    kind: str
    rows: tuple[dict[str, Any], ...]
    is_conversation: bool
    records: str = ""
    """Where the records are inside a JSON file."""
    csv_columns: tuple[str, ...] = ()
    """Names given to the columns of a CSV file without a header line."""
    has_keys: bool = False
    """The records are the values of an object, so each has a key."""
    fields: tuple[Field, ...] = field(default=(), repr=False)

    def named(self, path: str) -> Field:
        """Raises: UsageError that lists the fields."""
        for known in self.fields:
            if known.path == path:
                return known
        raise UsageError(
            f"{self.path} has no field {path!r}. Its fields: {', '.join(known.path for known in self.fields)}."
        )


def look_at(path: Path) -> Look:
    """Raises: SourceError if the file is missing, damaged or empty; UsageError if it holds no records with named fields."""
    if not path.exists():
        raise SourceError(f"{path}: there is no such file.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name one of its files, the one with questions and answers.")
    kind = str(detect_format(path))
    look = _read(path, kind, ReadOptions())
    if kind in ("csv", "tsv") and look.rows and _is_data(list(look.rows[0])):
        names = tuple(f"column_{number}" for number in range(1, len(look.rows[0]) + 1))
        look = replace(_read(path, kind, ReadOptions(csv_columns=names)), csv_columns=names)
    return replace(look, fields=tuple(_fields(look.rows)))


def _read(path: Path, kind: str, options: ReadOptions) -> Look:
    read = list(islice(iterate_records(path, options), ROWS_LOOKED_AT))
    records = [(key, record) for _, key, record in read if not isinstance(record, BadRecord)]
    listed = next((key for key, record in records if key is not None and _holds_records(record)), None)
    if listed is not None and not options.records:
        return replace(_read(path, kind, replace(options, records=(listed,))), records=listed)
    rows = tuple(record for _, record in records if isinstance(record, dict))
    if not rows:
        form = next(filter(None, (unread_form(record) for _, record in records)), "")
        what = (
            f"it holds {form}" if form else "expected objects like {question: ..., answer: ...}, or columns with names"
        )
        raise UsageError(f"{path} ({kind}): no records with named fields among the first {len(read)}; {what}.")
    has_keys = all(key is not None for key, _ in records)
    return Look(path, kind, rows, looks_like(rows[0]), has_keys=has_keys)


def _holds_records(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(record, dict) for record in value[:10])


def _is_data(header: Sequence[str]) -> bool:
    """Whether the first line of a CSV file is a row like the others: with an address, a picture's name, or a number."""
    return any(name.strip().isdigit() or "://" in name or is_image_name(name) for name in header)


def is_image_name(value: Any) -> bool:
    return isinstance(value, str) and value.split("?")[0].lower().endswith(_IMAGE_SUFFIXES)


def is_image(value: Any) -> bool:
    """A picture's name or address, or what holds its bytes; also a list of these."""
    if isinstance(value, dict):
        return bool({"bytes", "path"} & value.keys())
    if isinstance(value, list):
        return bool(value) and all(map(is_image, value))
    return isinstance(value, bytes) or is_image_name(value)


def _fields(rows: Sequence[Mapping[str, Any]]) -> Iterator[Field]:
    values: dict[str, list[Any]] = {}
    there: dict[str, int] = {}
    for row in rows:
        for path, value in _paths(row, "", 0):
            there[path] = there.get(path, 0) + 1
            values.setdefault(path, [])
            if value is not None and value != "":
                values[path].append(value)
    for path, present in values.items():
        yield Field(path, tuple(present), there[path] == len(rows))


def _paths(row: Mapping[str, Any], above: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Fields whose names a layout's paths can say."""
    for name, value in row.items():
        if not name or set(str(name)) & set(".{}?") or str(name).startswith("$"):
            continue
        path = f"{above}{name}"
        yield path, value
        if isinstance(value, dict) and depth < _DEEPEST and not is_image(value):
            yield from _paths(value, f"{path}.", depth + 1)
