"""A version opened as a `datasets.Dataset` that remembers where its images are; only paths stand in the rows.

Imports `datasets`, so `asd.shards.reader` imports it when something is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import datasets

_KEEPING = (
    "add_column", "cast", "cast_column", "filter", "flatten_indices", "map", "remove_columns", "rename_column",
    "rename_columns", "repeat", "select", "select_columns", "shard", "shuffle", "skip", "sort", "take",
    "train_test_split", "with_format", "with_transform",
)  # fmt: skip
"""Methods whose results hold rows of the same version."""


class LoadedRow(dict[str, Any]):
    """A row, or a batch of rows as columns, and the folder that its image paths are relative to (None: not known)."""

    def __init__(self, content: dict[str, Any], image_root: str | None) -> None:
        super().__init__(content)
        self.image_root = image_root


class LoadedRows(datasets.Dataset):  # type: ignore[misc]
    """Rows of a version. `image_root`: the folder that the conversion read the images from; None where it is not known."""

    image_root: str | None = None

    def __getitem__(self, key: Any) -> Any:
        return self._rooted(super().__getitem__(key))

    def __iter__(self) -> Iterator[Any]:
        return map(self._rooted, super().__iter__())

    def _rooted(self, row: Any) -> Any:
        return LoadedRow(row, self.image_root) if type(row) is dict else row


def opened(table: datasets.table.Table, image_root: str | None) -> LoadedRows:
    """The rows of a table, with the folder of their images."""
    rows = LoadedRows(table)
    rows.image_root = image_root
    return rows


def together(parts: Sequence[LoadedRows]) -> LoadedRows:
    """The rows of several versions, one after the other; their images are found where all have the same root."""
    rows = datasets.concatenate_datasets(list(parts))
    roots = {part.image_root for part in parts}
    rows.__class__, rows.image_root = LoadedRows, roots.pop() if len(roots) == 1 else None
    return cast(LoadedRows, rows)


def _like(origin: LoadedRows, result: Any) -> Any:
    """The library makes plain Datasets of what was selected, sorted or mapped; these know their images, too."""
    if isinstance(result, datasets.DatasetDict):
        for part in result.values():
            _like(origin, part)
    elif type(result) is datasets.Dataset:
        result.__class__ = LoadedRows
        result.image_root = origin.image_root
    return result


def _keeping(name: str) -> Any:
    inherited = getattr(datasets.Dataset, name)

    def method(self: LoadedRows, *args: Any, **kwargs: Any) -> Any:
        return _like(self, inherited(self, *args, **kwargs))

    method.__name__, method.__doc__ = name, inherited.__doc__
    return method


for _name in _KEEPING:
    setattr(LoadedRows, _name, _keeping(_name))
