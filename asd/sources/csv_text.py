"""Records of CSV text: what stands between fields, Excel's first line that says so, and rows of another width."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice, tee

from asd.errors import SourceError
from asd.sources.json_stream import BadRecord

LOOKED_AT = 64
"""Lines in which records are looked at to learn what stands between fields."""
_OTHERS = (";", "\t", ",")
_SAID = re.compile(r'"?sep=([^"\w\r\n])"?\s*', re.IGNORECASE)
_MANY = 3


def csv_records(
    lines: Iterator[str], where: str, usual: str, names: Sequence[str] | None
) -> Iterator[tuple[int, None, dict[str, str] | BadRecord]]:
    """(number of the record, None, the record). usual: what stands between fields by the file's name; names: of the columns,
    None where the first record holds them. Raises: SourceError for a quoted field that never ends."""
    csv.field_size_limit(1 << 30)  # captions and tables exceed the default of 128 KiB
    said, lines = _said(lines)
    separator, lines = (said, lines) if said else find_separator(lines, usual, names)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    row, before = 0, 1 if said else 0
    while True:
        line = before + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            if "unexpected end" in str(exc):
                raise SourceError(
                    f"{where}: a quoted field from line {line} on never ends; the file is truncated"
                ) from exc
            yield row, None, BadRecord("bad_csv", f"line {line}: {exc}")
            row += 1
            continue
        if not cells:
            continue
        if names is None:
            names = cells
            continue
        if len(cells) != len(names):
            yield row, None, BadRecord("bad_csv", f"line {line} has {len(cells)} fields, expected {len(names)}")
        else:
            yield row, None, dict(zip(names, cells, strict=True))
        row += 1


def _said(lines: Iterator[str]) -> tuple[str, Iterator[str]]:
    """What a first line `sep=;` says (Excel writes and reads it) and the lines after it; "" and all lines where there is none."""
    first = next(lines, "")
    match = _SAID.fullmatch(first)
    return (match[1], lines) if match else ("", chain([first], lines) if first else lines)


@dataclass(frozen=True, slots=True)
class _Split:
    """What the first records are if a character stands between fields: cells of the first, and of the others, how many have
    as many and how many have but one."""

    separator: str
    width: int
    agreeing: int
    alone: int
    others: int


def find_separator(lines: Iterator[str], usual: str, names: Sequence[str] | None) -> tuple[str, Iterator[str]]:
    """What stands between the fields of a file, and all its lines again.

    A row of another width, or another character within a cell, changes nothing: the usual character stays unless it does not
    split the first record, or another one splits more of the records alike and speaks against it (see `_is_better`).
    """
    lines, look = tee(lines)
    text = list(islice(look, LOOKED_AT))
    expected, *others = (_split(text, separator, names) for separator in dict.fromkeys((usual, *_OTHERS)))
    best = max(others, key=lambda split: (split.width > 1, split.agreeing))
    return (best if _is_better(best, expected, names) else expected).separator, lines


def _split(text: Sequence[str], separator: str, names: Sequence[str] | None) -> _Split:
    widths: list[int] = []
    with suppress(csv.Error):  # those before an error count
        widths.extend(map(len, filter(None, csv.reader(text, delimiter=separator, strict=True))))
    width = len(names) if names is not None else widths[0] if widths else 0
    others = widths if names is not None else widths[1:]
    return _Split(separator, width, others.count(width), others.count(1), len(others))


def _is_better(other: _Split, usual: _Split, names: Sequence[str] | None) -> bool:
    if names is not None:
        return other.agreeing > usual.agreeing
    if other.width < 2:
        return False
    if usual.width < 2:
        return other.agreeing > 0 or not other.others
    if other.agreeing <= usual.agreeing:
        return False
    if other.width > usual.width:
        return True
    is_never_there = usual.alone == usual.others
    return not usual.agreeing and (other.agreeing >= _MANY or (is_never_there and other.width == usual.width))
