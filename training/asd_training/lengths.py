"""How many tokens rows have, those of their pictures among them, and which rows do not fit: before the first step.

Pictures are opened as far as their heads: sizes decide how many tokens a processor makes of them. A file that is broken
behind its head is found when its row is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asd.pictures import PictureError, picture_size
from asd_training.errors import TaskDataError
from asd_training.prompt_format import IMAGE_MARK
from asd_training.training_units import TrainingUnits

if TYPE_CHECKING:
    from asd_training.data import Rows
    from asd_training.encoding import Encoder

_TEMPLATE_BYTES = 256
"""More than chat templates add to a turn and its answer."""
_SAMPLE = 1000
_SHAPES = ((64, 64), (640, 480), (400, 1300))
"""Pictures of these sizes become the same number of tokens where a processor makes one size of all."""
_AT_ONCE = 16
"""Files opened at the same time: on a disk in a network each takes milliseconds."""
Size = tuple[int, int]


@dataclass(frozen=True)
class Lengths:
    """Tokens of the shortest, median and longest of `sampled` rows, pictures included; those of rows that do not fit
    are counted over all rows."""

    rows: int
    sampled: int
    shortest: int
    median: int
    longest: int
    picture_tokens: int
    """The most that the pictures of one row take."""
    too_long: int
    cut: int
    """Rows whose answer loses its end."""
    empty_answers: int

    def to_json(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class _TooLong:
    row: str
    tokens: int
    before_answer: int
    picture_tokens: int
    sizes: Sequence[Size]


class RowLengths:
    """The rows of one task, as `encoder` reads them. units: what training examples are made of; None = of a row each."""

    def __init__(self, rows: Rows, encoder: Encoder, units: TrainingUnits | None = None) -> None:
        self.rows, self.encoder = rows, encoder
        self.units = units or TrainingUnits(rows.table, "turn", rows.location)
        self._by_sizes: dict[tuple[Size, ...], int] = {}
        self._known: dict[str, Size | Exception] = {}

    def require_readable(self) -> None:
        """Raises: TaskDataError, with the row, if a picture is none, too large, or for a model that reads text alone, or
        a question holds a special token."""
        if (seen := next((number for number, sizes in enumerate(self._sizes) if sizes), None)) is not None:
            self.encoder.require_eyes(self.rows[seen])
        for number in self._with_special_tokens():
            row = self.rows[number]
            self.encoder.require_no_marks(row["messages"], row["id"])

    def measure(self) -> tuple[Lengths, str | None]:
        """And what is wrong where rows do not fit, with what to do."""
        pictures = np.array([self.picture_tokens(sizes) for sizes in self._sizes], dtype=np.int64)
        most = self.units.sums(self.rows.message_bytes() + _TEMPLATE_BYTES * self._turns() + pictures)
        limit = self.encoder.max_length
        long: list[_TooLong] = []
        cut = 0
        for number in (most > limit).nonzero()[0]:  # only where there are more bytes than tokens allowed
            row = self._exact(int(number))
            if row.tokens > limit:
                is_cut = self.encoder.overlong == "cut" and row.before_answer < limit
                cut += is_cut
                long += [] if is_cut else [row]
        step = max(1, -(-len(self.units) // _SAMPLE))
        sampled = sorted(self._exact(number).tokens for number in range(0, len(self.units), step))
        lengths = Lengths(
            rows=len(self.units),
            sampled=len(sampled),
            shortest=sampled[0],
            median=sampled[len(sampled) // 2],
            longest=max([sampled[-1], *(row.tokens for row in long)]),
            picture_tokens=int(pictures.max(initial=0)),
            too_long=len(long),
            cut=cut,
            empty_answers=int(pc.sum(pc.equal(pc.utf8_trim_whitespace(self.rows.table["response"]), "")).as_py() or 0),
        )
        return lengths, self._what_to_do(long) if long else None

    def tokens(self, number: int) -> int:
        """Of one row, pictures included."""
        return self._exact(number).tokens

    def picture_tokens(self, sizes: tuple[Size, ...]) -> int:
        """Beside the mark that each picture has in the text."""
        if not sizes:
            return 0
        asked = (_SHAPES[0],) * len(sizes) if self._makes_one_size else sizes
        if asked not in self._by_sizes:
            self._by_sizes[asked] = self.encoder.picture_tokens(asked)
        return self._by_sizes[asked]

    @cached_property
    def _makes_one_size(self) -> bool:
        return len({self.encoder.picture_tokens((shape,)) for shape in _SHAPES}) == 1

    def _exact(self, number: int) -> _TooLong:
        row = self.units[number]
        sizes = tuple(self._size_of(image, row["id"]) for image in row["images"])
        before, whole = self.encoder.text_tokens(row)
        # a later turn of a record may bring pictures of its own, which then stand behind the first answer
        first = row["messages"][: next(n for n, m in enumerate(row["messages"]) if m["role"] == "assistant")]
        shown = sum(message["content"].count(IMAGE_MARK) for message in first)
        of_pictures = self.picture_tokens(sizes)
        before += of_pictures if shown == len(sizes) else self.picture_tokens(sizes[:shown])
        return _TooLong(row["id"], whole + of_pictures, before, of_pictures, sizes)

    def _what_to_do(self, long: Sequence[_TooLong]) -> str:
        worst = max(long, key=lambda row: row.tokens)
        limit = self.encoder.max_length
        of = f", {worst.picture_tokens:,} of them of its {_shown(worst.sizes)}" if worst.picture_tokens else ""
        remedies = [
            f"set it to {worst.tokens} or more",
            "leave the row out" if len(long) == 1 else "leave these rows out",
        ]
        if worst.picture_tokens > limit // 2:
            remedies.append("name a processor that makes fewer tokens of a picture (model.processor)")
        if self.encoder.overlong == "error" and all(row.before_answer < limit for row in long):
            remedies.append("set train.overlong to 'cut' to lose the answers' ends")
        others = f" ({len(long):,} rows are too long, this is the longest)" if len(long) > 1 else ""
        return f"row {worst.row} has {worst.tokens:,} tokens{of}; train.max_length is {limit}: {', or '.join(remedies)}{others}"

    def _turns(self) -> Any:
        return np.maximum(1, pc.list_value_length(self.rows.table["messages"]).to_numpy())

    @cached_property
    def _sizes(self) -> list[tuple[Size, ...]]:
        """Per row, the sizes of its pictures."""
        by_row = list(_paths(self.rows.table))
        wanted = sorted({path for paths in by_row for path in paths if path is not None})
        root = self.encoder.image_root or Path()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            self._known.update(zip(wanted, pool.map(lambda path: _size(root / path), wanted), strict=True))
        sizes = []
        for number, paths in enumerate(by_row):
            row = self.rows[number] if None in paths else {"images": [{"path": path, "bytes": None} for path in paths]}
            sizes.append(tuple(self._size_of(image, self._id(number)) for image in row["images"]))
        return sizes

    def _id(self, number: int) -> str:
        return str(self.rows.table["id"][number].as_py())

    def _size_of(self, image: Mapping[str, Any], row_id: str) -> Size:
        """Raises: TaskDataError."""
        size = _size(bytes(image["bytes"])) if image["bytes"] else self._known[image["path"]]
        if isinstance(size, Exception):
            where = (
                f"the image {image['path']} in the row"
                if image["bytes"]
                else f"the image {self.encoder.image_path(image)}"
            )
            raise TaskDataError(f"row {row_id}: {where} cannot be read: {size}; replace it, or leave the row out")
        return size

    def _with_special_tokens(self) -> Iterator[int]:
        pattern = self.encoder.prompts.special_pattern
        start = 0
        for chunk in self.rows.table["messages"].chunks:
            said = chunk.flatten()
            hits = pc.match_substring_regex(said.field("content"), pattern)
            asked = pc.and_(hits, pc.not_equal(said.field("role"), "assistant"))
            parents = pc.filter(pc.list_parent_indices(chunk), asked)
            yield from (start + int(place) for place in pc.unique(parents).to_pylist())
            start += len(chunk)


def _size(source: bytes | Path) -> Size | Exception:
    try:
        return picture_size(source)
    except (OSError, PictureError) as exc:
        return exc


def _shown(sizes: Sequence[Size]) -> str:
    if len(sizes) == 1:
        return f"picture of {sizes[0][0]} x {sizes[0][1]} pixels"
    return f"{len(sizes)} pictures"


def _paths(table: pa.Table) -> Iterator[list[str | None]]:
    """Per row, the path of each image; None where its bytes are in the row, which are not read here."""
    for chunk in table["images"].chunks:
        structs = chunk.flatten()
        lengths = pc.fill_null(pc.list_value_length(chunk), 0).to_pylist()
        paths = structs.field("path").to_pylist()
        embedded = pc.fill_null(pc.greater(pc.binary_length(structs.field("bytes")), 0), False).to_pylist()
        position = 0
        for length in lengths:
            yield [None if embedded[at] else str(paths[at]) for at in range(position, position + length)]
            position += length
