"""What an export format is: where its files go, how one split is written, and what lies beside them.

Formats are plain values (see `asd.export.table`); nothing is registered by import.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from asd.export.conversation import Conversation, conversations
from asd.export.images import ImageFaultError, ImageMode, ImagePlace, MissingImages
from asd.export.kept_rows import KeptRows
from asd.export.turn_order import MERGED, in_turn
from asd.export.writing import Record, write_json_lines, write_json_list
from asd.schemas.task import TaskSpec
from asd.shards.manifest import Manifest
from asd.shards.reader import read_batches
from asd.sources.image_text import is_address
from asd.sources.in_order import map_in_order

CHUNK_ROWS = 1024
"""Rows that are Python objects at one time."""
TOOL_CALLS = "tool calls, which this format cannot hold"
ADDRESSES = "images that are addresses, which are kept as such"
EXAMPLES = 3
FAULTS_IN_A_ROW = 1000
"""So many images that are not there, and none that is, are a wrong folder."""
NOT_NATIVE = "converted rows of a test split, which benchmarks score in the native style"


@dataclass
class ExportedSplit:
    """One split of one dataset (or all of its splits in one file), as a stream."""

    root: Path
    version: str
    manifest: Manifest
    split: str | None
    """None: all splits, one after the other."""
    styles: tuple[str, ...] | None
    group_turns: bool
    places: ImagePlace
    numbers: dict[str, int] = field(default_factory=dict)
    """One numbering for all parts of an export (instructions, in the order of their first use)."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Why records were left out, by reason."""
    noted: Counter[str] = field(default_factory=Counter)
    """What records have that the user should know of, and are written nevertheless."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """The first images of those left out or noted, by reason, each with what is wrong with it."""
    seen: Counter[str] = field(default_factory=Counter)
    """What the format counts while it writes, for its side files."""

    _good_images: int = 0
    _first_fault: ImageFaultError | None = None

    @property
    def task(self) -> str:
        return self.manifest.task

    @property
    def label(self) -> str:
        """The task as files and configs call it: a sample that this package drew says so."""
        return f"{self.task}-sample" if self.is_drawn else self.task

    @property
    def is_drawn(self) -> bool:
        return bool(self.manifest.source.get("drawn"))

    @property
    def drawn_parts(self) -> tuple[str, ...]:
        """Of a mix, the parts that this package drew."""
        return tuple(self.manifest.source.get("drawn_parts", ()))

    @property
    def name(self) -> str:
        """The split as files and configs call it."""
        return self.split or "all"

    @cached_property
    def kept_rows(self) -> KeptRows:
        return KeptRows(TaskSpec.model_validate(self.manifest.spec))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Of the rows of the wanted styles. columns: with the style among them; None: all."""
        for batch in read_batches(self.root, self.version, split=self.split, columns=columns):
            yield batch if self.styles is None else batch.filter(pc.is_in(batch["style"], pa.array(self.styles)))

    def rows(self) -> Iterator[dict[str, Any]]:
        for batch in self.batches():
            for start in range(0, batch.num_rows, CHUNK_ROWS):
                yield from self.usable(batch.slice(start, CHUNK_ROWS).to_pylist())
        self.require_some_usable()

    def usable(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The rows whose images are there and can be shown, and others where they are to be kept. rows: id and images.

        Raises: ImageFaultError, where that was asked for, or where many images were looked at and none is there.
        """
        if not self.places.is_checking:
            yield from rows
            return
        for row, fault in map_in_order(lambda row: (row, self.places.look(row)), rows):
            self.noted[ADDRESSES] += any(is_address(str(image["path"])) for image in row["images"])
            if fault is None:
                self._good_images += len(row["images"])
            elif self._is_left_out(fault):
                continue
            yield row

    def _is_left_out(self, fault: ImageFaultError) -> bool:
        """Counts the fault. Raises: it, where nothing else is to be done."""
        policy = self.places.missing
        self._first_fault = self._first_fault or fault
        if policy is MissingImages.ERROR:
            raise fault
        (self.noted if policy is MissingImages.KEEP else self.left_out)[fault.kind] += 1
        examples = self.examples.setdefault(fault.kind, [])
        if len(examples) < EXAMPLES and fault.short not in examples:
            examples.append(fault.short)
        if policy is None and self.left_out[fault.kind] >= FAULTS_IN_A_ROW:
            self.require_some_usable()
        return policy is not MissingImages.KEEP

    def require_some_usable(self) -> None:
        """Raises: the first fault if there was one, no image was without, and nothing was said of such images."""
        if self.places.missing is None and self._first_fault is not None and not self._good_images:
            raise self._first_fault

    def native_rows(self) -> Iterator[dict[str, Any]]:
        """Rows that may stand in a test file."""
        for row in self.rows():
            if row["style"] == row["native_style"]:
                yield row
            else:
                self.left_out[NOT_NATIVE] += 1

    def conversations(self, *, tools: bool = False, many_results: bool = False) -> Iterator[Conversation]:
        """tools: the format has a place for tool calls; else records with them are left out and counted. many_results: see
        `in_turn`."""
        for conversation in conversations(self.rows(), group_turns=self.group_turns, keep_split=self.split is None):
            if conversation.has_tools and not tools:
                self.left_out[TOOL_CALLS] += 1
                continue
            ordered, is_merged, disorder = in_turn(conversation, many_results=many_results)
            if disorder:
                self.left_out[disorder] += 1
                continue
            self.noted[MERGED] += is_merged
            yield ordered


@dataclass(frozen=True)
class Written:
    """A finished data file."""

    part: ExportedSplit
    path: Path
    records: int


def no_sides(written: Sequence[Written], out: Path) -> list[Path]:
    return []


@dataclass(frozen=True)
class Format:
    """One format that shards can be exported to."""

    name: str
    summary: str
    file: Callable[[ExportedSplit], str]
    """Name of a part's data file below the output folder."""
    write: Callable[[ExportedSplit, Path], int]
    """Writes one data file; returns the number of records."""
    sides: Callable[[Sequence[Written], Path], list[Path]] = no_sides
    """Writes what lies beside the data files (configs, indices); returns their paths."""
    images: tuple[ImageMode, ...] = (ImageMode.PATHS, ImageMode.COPY)
    """What it can do with images; the first is the default."""
    needs_root: bool = False
    """Records or side files name the image folder, so it must be known."""
    for_images: bool = False
    """Its readers are those of models that see; text alone is rarely meant."""
    hint: Callable[[ExportedSplit], str] = lambda part: ""
    """What the user has to tell the trainer."""


def flat_file(suffix: str) -> Callable[[ExportedSplit], str]:
    """<task>_<split><suffix>, for loaders that look into one folder."""
    return lambda part: f"{part.label}_{part.name}{suffix}"


def task_file(suffix: str) -> Callable[[ExportedSplit], str]:
    """<task>/<split><suffix>, one folder a task as continual benchmarks lie."""
    return lambda part: f"{part.label}/{part.name}{suffix}"


def json_list(
    record: Callable[[Conversation, ExportedSplit], Record], *, tools: bool = False
) -> Callable[[ExportedSplit, Path], int]:
    return lambda part, path: write_json_list(
        path, (record(conversation, part) for conversation in part.conversations(tools=tools))
    )


def json_lines(
    record: Callable[[Conversation, ExportedSplit], Record], *, tools: bool = False
) -> Callable[[ExportedSplit, Path], int]:
    return lambda part, path: write_json_lines(
        path, (record(conversation, part) for conversation in part.conversations(tools=tools))
    )
