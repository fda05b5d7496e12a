"""What the first pass leaves in its folder, and whether all of it is still as it was left.

`done.json`, the mark of all of it, comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asd.plan.codes import Mask
from asd.shards.files import lost_file, storage_errors
from asd.work.done_mark import DamagedFileError, Imprint, imprint_of, read_mark, require_unchanged, write_mark

DONE = "done.json"
COLUMNS: dict[str, type[np.generic]] = {"keys": np.uint64, "capable": Mask, "polarity": np.uint8}


@dataclass(frozen=True)
class NativeShard:
    """One file of native rows. `first` is the index of its first row among all samples."""

    file: str
    split: str
    rows: int
    first: int
    number: int


class StoredColumn:
    """An array in a .npy file, of which only the slices that are asked for are read."""

    def __init__(self, path: Path) -> None:
        """Raises: StorageError for a file that is not there or is none."""
        try:
            array = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as exc:
            raise lost_file(path, str(exc)) from exc
        self._path, self._length, self._dtype, self._start = path, len(array), array.dtype, array.offset

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, part: slice) -> npt.NDArray[Any]:
        """Raises: StorageError if the file has been cut off or is gone."""
        first, last, _ = part.indices(self._length)
        size, count = self._dtype.itemsize, max(last - first, 0)
        try:
            values = np.fromfile(self._path, self._dtype, count, offset=self._start + first * size)
        except OSError as exc:
            raise lost_file(self._path, str(exc)) from exc
        if len(values) != count:
            raise lost_file(self._path, f"{self._path.stat().st_size} bytes are left of it")
        return values

    def write(self, first: int, values: npt.NDArray[Any]) -> None:
        """Put other values in place of those from `first` on."""
        with storage_errors(self._path), self._path.open("r+b") as file:
            file.seek(self._start + first * self._dtype.itemsize)
            file.write(values.astype(self._dtype).data)


def store_column(path: Path, parts: Iterable[npt.NDArray[Any]], length: int, dtype: type[np.generic]) -> StoredColumn:
    """Write parts one after the other as one array of so many values."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": (length,)}
    with storage_errors(path):
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for part in parts:
                file.write(np.ascontiguousarray(part, dtype).data)
        return StoredColumn(path)


@dataclass
class Ingested:
    """What the first pass found. The columns have one entry per sample, in shard order."""

    shards: list[NativeShard]
    keys: StoredColumn
    """uint64"""
    capable: StoredColumn
    """uint8, as are polarities."""
    polarity: StoredColumn
    rejects: dict[str, int]
    renamed: dict[int, str]
    """Sample index -> source id with a suffix, for ids that occur more than once."""
    spellings: dict[str, int] = field(default_factory=dict)
    """As `asd.work.verdict_words.spellings`, of all samples."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of how the files were read."""
    image_notes: list[str] = field(default_factory=list)
    """And of their images; told when all is done."""

    @property
    def num_samples(self) -> int:
        return len(self.keys)


def save_ingested(ingested: Ingested, folder: Path, shard_imprints: Mapping[str, Imprint]) -> None:
    """Write `done.json`; all other files are there already. shard_imprints: of the native shards, which may be large."""
    with storage_errors(folder):
        others = sorted({path.name for path in folder.iterdir()} - set(shard_imprints))
        imprints = {**shard_imprints, **{name: imprint_of(folder / name) for name in others}}
    known = {
        "shards": [asdict(shard) for shard in ingested.shards],
        "rejects": ingested.rejects,
        "renamed": {str(index): name for index, name in ingested.renamed.items()},
        "spellings": ingested.spellings,
        "notes": ingested.notes,
        "image_notes": ingested.image_notes,
    }
    write_mark(folder / DONE, imprints, known)


def load_ingested(folder: Path) -> Ingested:
    """Raises: DamagedFileError if a file is missing, cut off or changed."""
    known = _checked(folder)
    return Ingested(
        shards=[NativeShard(**shard) for shard in known["shards"]],
        **{name: StoredColumn(folder / f"{name}.npy") for name in COLUMNS},
        rejects=known["rejects"],
        renamed={int(index): name for index, name in known["renamed"].items()},
        spellings=known["spellings"],
        notes=known["notes"],
        image_notes=known["image_notes"],
    )


def find_damage(folder: Path) -> str | None:
    """Which file is missing, cut off or changed, in words; None where all are as they were left."""
    try:
        _checked(folder)
    except DamagedFileError as exc:
        return str(exc)
    return None


def _checked(folder: Path) -> dict[str, Any]:
    imprints, known = read_mark(folder / DONE)
    for name, imprint in imprints.items():
        require_unchanged(folder / name, imprint)
    return known
