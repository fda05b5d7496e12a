"""What one training example is made of: a row (one turn), or all rows of one source record, as a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

Unit = Literal["turn", "record"]
Row = Mapping[str, Any]
_MARK = "<image>\n"
_ORIGIN = ("source_file", "source_row", "group")
"""Columns that all turns of one record share."""


class TrainingUnits:
    """The training examples of a task, in the order of its rows; each has the `location` of those."""

    def __init__(self, table: pa.Table, unit: Unit, location: str = "") -> None:
        self.table, self.location = table, location
        self._starts = _record_starts(table) if unit == "record" else np.arange(table.num_rows)
        self._ends = np.append(self._starts[1:], table.num_rows)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> dict[str, Any]:
        start, end = int(self._starts[number]), int(self._ends[number])
        return {**as_one_row(self.table.slice(start, end - start).to_pylist()), "location": self.location}

    def ids(self) -> list[str]:
        """The id of each example's first row."""
        ids: list[str] = self.table["id"].take(pa.array(self._starts)).to_pylist()
        return ids

    def sums(self, by_row: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Numbers of rows, summed by example."""
        return np.add.reduceat(by_row, self._starts) if len(self) else by_row

    def rows_of_at_most(self, count: int) -> npt.NDArray[np.int64]:
        """The rows of `count` examples chosen by a hash of their ids, in the order they have."""
        keys = [xxhash.xxh3_64_intdigest(row_id.encode()) for row_id in self.ids()]
        chosen = sorted(sorted(range(len(keys)), key=keys.__getitem__)[:count])
        spans = [np.arange(self._starts[number], self._ends[number]) for number in chosen]
        return np.concatenate(spans) if spans else np.zeros(0, np.int64)


def as_one_row(rows: Sequence[Row]) -> dict[str, Any]:
    """The rows of one record as one conversation; a single row as it is.

    The record's images are shown before its first question only, as in released multi-turn files; a later turn with other
    images, or with images amid its text, brings its own. `answer_styles` has the style of each answer.
    """
    first = rows[0]
    if len(rows) == 1:
        return dict(first)
    images, styles = list(first["images"]), list[str]()
    messages: list[Mapping[str, str]] = []
    for row in rows:
        said = list(row["messages"])
        if messages and said[0]["role"] == "system":
            said = said[1:]
        if messages:
            repeats = _without_images(said, len(row["images"])) if row["images"] == first["images"] else None
            images += row["images"] if repeats is None else []
            said = said if repeats is None else repeats
        messages += said
        styles += [row["style"]] * sum(message["role"] == "assistant" for message in said)
    return {**first, "images": images, "messages": messages, "answer_styles": styles}


def _without_images(messages: Sequence[Mapping[str, str]], count: int) -> list[Mapping[str, str]] | None:
    """Without the marks that open the question; None where images stand elsewhere."""
    asked, *rest = messages
    text = asked["content"].removeprefix(_MARK * count)
    return None if _MARK.strip() in text else [{**asked, "content": text}, *rest]


def _record_starts(table: pa.Table) -> npt.NDArray[np.int64]:
    """Rows that begin a record: another origin than the row before them, or a turn that does not go on."""
    if not table.num_rows:
        return np.zeros(0, np.int64)
    begins = np.ones(table.num_rows, np.bool_)
    turns = table["turn"].to_numpy()
    begins[1:] = turns[1:] <= turns[:-1]
    for name in _ORIGIN:
        column = table[name].combine_chunks()
        changed = pc.not_equal(column[1:], column[:-1])
        begins[1:] |= pc.fill_null(changed, True).to_numpy(zero_copy_only=False)
    return np.flatnonzero(begins)
