"""What a reader asks to see of a version, and the search for it: block by block, so that a page is shown before all is read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asd.errors import UnknownNameError, UsageError
from asd.quality.oddities import ODDITIES, READ, Oddity, as_bits, find_oddities, from_bits
from asd.shards.marks import BAD, GOOD
from asd.view.comparison import CHANGES, Comparison
from asd.view.rows import VersionRows

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
ORDERS = ("stored", "suspicion")
MARKED = (GOOD, BAD, "marked", "unmarked")
_SEARCHED = ("id", "prompt", "response", "gold", "source_file")
_MOST_LETTERS = 500
DECLINED = "declined: "
"""Stands before a reason of the rewriter, "<style>: <reason>", where it is named among the oddities."""


@dataclass(frozen=True, slots=True)
class Query:
    """Empty fields take all rows. text: a part of id, prompt, response, gold or source file, whatever the case."""

    style: str = ""
    maker: str = ""
    split: str = ""
    text: str = ""
    reason: str = ""
    """Name of an oddity, "any", or "declined: <style>: <reason>" of the rewriter."""
    mark: str = ""
    change: str = ""
    order: str = "stored"

    def check(self, rows: VersionRows, *, is_compared: bool) -> None:
        """Raises: UnknownNameError, UsageError for what this version cannot be asked."""
        counts = rows.manifest.counts
        _require("style", self.style, counts.by_style)
        _require("maker", self.maker, counts.by_maker)
        _require("split", self.split, counts.by_split)
        _require("reason", self.reason, ["any", *(oddity.name for oddity in ODDITIES), *declined_reasons(rows)])
        _require("mark", self.mark, MARKED)
        _require("order", self.order, ORDERS)
        _require("change", self.change, CHANGES if is_compared else ())
        if len(self.text) > _MOST_LETTERS:
            raise UsageError(f"a search for {len(self.text):,} letters: give at most {_MOST_LETTERS}.")

    @property
    def needs_oddities(self) -> bool:
        return self.order == "suspicion" or (bool(self.reason) and not self.reason.startswith(DECLINED))


def _require(what: str, name: str, known: Any) -> None:
    if name and name not in known:
        raise UnknownNameError(what, name, sorted(known))


def declined_reasons(rows: VersionRows) -> dict[str, int]:
    """ "declined: <style>: <reason>" -> rows for which the rewriter's text was not taken for it."""
    entry = rows.manifest.rewriter
    return {} if entry is None else {DECLINED + name: count for name, count in sorted(entry.declined.items())}


class Measured:
    """The oddities of a version's rows, as far as they have been looked for: two bytes a row."""

    def __init__(self, rows: VersionRows) -> None:
        self.rows = rows
        self.bits = np.zeros(len(rows), np.uint16)
        self._is_done: list[bool] = [False] * len(rows.blocks)
        points = np.array([oddity.points for oddity in ODDITIES])
        places = 1 << np.arange(len(ODDITIES))
        self._points = ((np.arange(1 << len(ODDITIES))[:, None] & places) > 0) @ points

    def measure(self, place: int) -> None:
        """Look at a block, once."""
        if self._is_done[place]:
            return
        columns = [*READ, "rewrite"] if self.rows.has_rewriter else READ
        first, batch = self.rows.block(place, columns)
        is_wanted = pc.not_equal(batch["maker"], "native")
        if self.rows.has_rewriter:
            is_wanted = pc.or_(is_wanted, pc.is_valid(batch["rewrite"]))
        numbers = np.flatnonzero(np.asarray(is_wanted))
        bits = [as_bits(find_oddities(row)) for row in batch.filter(is_wanted).to_pylist()]
        self.bits[first + numbers] = bits
        self._is_done[place] = True

    def known(self, number: int) -> list[Oddity]:
        """Of a row, those found so far."""
        return from_bits(int(self.bits[number]))

    def suspicion(self, numbers: Numbers) -> Numbers:
        """Points of rows."""
        points: Numbers = self._points[self.bits[numbers]]
        return points


class Search:
    """The rows that a query asks for, found so far. `go_on` looks further; `numbers` gives what is there, in order."""

    def __init__(
        self, rows: VersionRows, query: Query, measured: Measured, marks: Mapping[str, Any], against: Comparison | None
    ) -> None:
        self.rows, self.query, self.measured, self.against = rows, query, measured, against
        self._marked: dict[str, pa.Array] = {}
        if query.mark:  # only then: `pa.array` imports pandas, which takes longer than a page
            self._marked = {name: pa.array(ids, pa.string()) for name, ids in _ids_by_mark(marks).items()}
        self._found: list[Numbers] = []
        self.num_found = 0
        self._place = 0

    @property
    def share_done(self) -> float:
        """0 to 1."""
        blocks = len(self.rows.blocks)
        return self._place / blocks if blocks else 1.0

    @property
    def is_complete(self) -> bool:
        return self._place >= len(self.rows.blocks)

    def go_on(self, enough: int, budget_s: float) -> None:
        """Until `enough` rows are found, all are looked at, or the time is up; an order by suspicion takes all rows."""
        end = time.monotonic() + budget_s
        while not self.is_complete and (self.query.order != "stored" or self.num_found < enough):
            numbers = self._look(self._place)
            self._found.append(numbers)
            self.num_found += len(numbers)
            self._place += 1
            if time.monotonic() > end:
                break

    def numbers(self, offset: int, limit: int) -> list[int]:
        """Of the rows found, from the `offset`th on."""
        if not self._found:
            return []
        if len(self._found) > 1:
            self._found = [np.concatenate(self._found)]
        every = self._found[0]
        if self.query.order == "suspicion":
            every = every[np.argsort(-self.measured.suspicion(every), kind="stable")]
        return [int(number) for number in every[offset : offset + limit]]

    def _look(self, place: int) -> Numbers:
        query = self.query
        if query.needs_oddities:
            self.measured.measure(place)
        first, batch = self.rows.block(place, self._columns())
        mask = np.ones(batch.num_rows, bool)
        for name in ("style", "maker", "split"):
            if wanted := getattr(query, name):
                mask &= np.asarray(pc.equal(batch[name], wanted))
        numbers = first + np.arange(batch.num_rows)
        if query.reason.startswith(DECLINED):
            mask &= rows_declined(batch["rewrite"], query.reason.removeprefix(DECLINED))
        elif query.reason:
            mask &= self.measured.bits[numbers] & _bits_of(query.reason) > 0
        if query.change and self.against is not None:
            mask &= self.against.status[numbers] == CHANGES.index(query.change)
        if query.mark:
            mask &= self._mask_of_mark(batch["id"])
        if query.text and mask.any():
            places = np.flatnonzero(mask)
            kept = batch.take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)]))
            mask[places] = _holding(kept, query.text)
        matching: Numbers = numbers[mask]
        return matching

    def _columns(self) -> list[str]:
        query = self.query
        wanted = ["id", *(name for name in ("style", "maker", "split") if getattr(query, name))]
        wanted += [name for name in _SEARCHED if query.text and name not in wanted]
        return [*wanted, "rewrite"] if query.reason.startswith(DECLINED) else wanted

    def _mask_of_mark(self, ids: pa.StringArray) -> Mask:
        is_marked = self.query.mark == "unmarked"
        among = self._marked["marked" if is_marked else self.query.mark]
        mask: Mask = np.asarray(pc.is_in(ids, among))
        return ~mask if is_marked else mask


def _ids_by_mark(marks: Mapping[str, Any]) -> dict[str, list[str]]:
    by_mark = {value: [name for name, mark in marks.items() if mark.value == value] for value in (GOOD, BAD)}
    return by_mark | {"marked": list(marks)}


def _bits_of(reason: str) -> int:
    return as_bits([oddity for oddity in ODDITIES if reason in ("any", oddity.name)])


def rows_declined(rewrite: pa.StructArray, reason: str) -> Mask:
    """Whether a row's `rewrite.declined` names the reason."""
    declined = pc.struct_field(rewrite, "declined")
    mask = np.zeros(len(rewrite), bool)
    mask[np.asarray(pc.list_parent_indices(declined))[np.asarray(pc.equal(pc.list_flatten(declined), reason))]] = True
    return mask


def _holding(batch: pa.RecordBatch, text: str) -> Mask:
    masks = [pc.match_substring(batch[name], text, ignore_case=True) for name in _SEARCHED]
    return np.asarray(np.logical_or.reduce([np.asarray(pc.fill_null(mask, False)) for mask in masks]))
