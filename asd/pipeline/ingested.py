"""What the first pass leaves in its folder, and whether all of it is still as it was left.

`done.json` comes last. It holds the size and checksum of every other file but the native shards, of which it holds
the size alone (they may be as large as the source).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from asd.pipeline.checked_json import read_checked_json, write_checked_json
from asd.shards.files import lost_file, storage_errors

DONE = "done.json"
COLUMNS: dict[str, type[np.generic]] = {"keys": np.uint64, "capable": np.uint8, "polarity": np.uint8}


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
            found = np.fromfile(self._path, self._dtype, count, offset=self._start + first * size)
        except OSError as exc:
            raise lost_file(self._path, str(exc)) from exc
        if len(found) != count:
            raise lost_file(self._path, f"{self._path.stat().st_size} bytes are left of it")
        return found

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
    notes: list[str] = field(default_factory=list)
    """What the user should know of how the files were read."""

    @property
    def num_samples(self) -> int:
        return len(self.keys)


class DamagedIngestError(Exception):
    """A file of the first pass is not as it was left; says which one and why."""


def save_ingested(ingested: Ingested, folder: Path) -> None:
    """Write `done.json`; all other files are there already."""
    with storage_errors(folder):
        shards = {shard.file for shard in ingested.shards}
        files = {
            path.name: [path.stat().st_size, None if path.name in shards else checksum(path)]
            for path in sorted(folder.iterdir())
        }
    content = {
        "files": files,
        "shards": [asdict(shard) for shard in ingested.shards],
        "rejects": ingested.rejects,
        "renamed": {str(index): name for index, name in ingested.renamed.items()},
        "notes": ingested.notes,
    }
    write_checked_json(folder / DONE, content)


def load_ingested(folder: Path) -> Ingested:
    """Raises: DamagedIngestError if a file is missing, cut off or changed."""
    content = _checked(folder)
    return Ingested(
        shards=[NativeShard(**shard) for shard in content["shards"]],
        **{name: StoredColumn(folder / f"{name}.npy") for name in COLUMNS},
        rejects=content["rejects"],
        renamed={int(index): name for index, name in content["renamed"].items()},
        notes=content["notes"],
    )


def find_damage(folder: Path) -> str | None:
    """Which file is missing, cut off or changed, in words; None where all are as they were left."""
    try:
        _checked(folder)
    except DamagedIngestError as exc:
        return str(exc)
    return None


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()


def _checked(folder: Path) -> dict[str, Any]:
    try:
        content = read_checked_json(folder / DONE)
    except (OSError, ValueError) as exc:
        raise DamagedIngestError(f"{folder / DONE} cannot be read ({exc})") from exc
    for name, (size, expected) in content["files"].items():
        _require_unchanged(folder / name, size, expected)
    return content


def _require_unchanged(path: Path, size: int, expected: str | None) -> None:
    try:
        found = path.stat().st_size
        if found != size:
            raise DamagedIngestError(f"{path} has {found} bytes, expected {size}")
        if expected is not None and checksum(path) != expected:
            raise DamagedIngestError(f"{path} has changed since it was written")
    except OSError as exc:
        raise DamagedIngestError(f"{path} cannot be read ({exc.strerror or exc})") from exc
