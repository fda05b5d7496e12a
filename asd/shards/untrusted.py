"""What a dataset from elsewhere may name: files within its version's folder, images below their root. A manifest whose sums
fit proves only that whoever wrote it could count."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asd.errors import ShardError
from asd.lazy_regex import regex

_STRAY = r"^[/\\]|^[A-Za-z]:[/\\]|(?:^|[/\\])\.\.(?:[/\\]|$)|\x00|^(?i:file):"
ADDRESS = r"^(?:[a-zA-Z][a-zA-Z0-9+.\-]+://|data:)"
"""Images that are no files here; a `file:` address is one."""
_MARKS = (b"..", b"\\", b":", b"\0")
"""One of these, or a slash at the beginning, stands in every path that could leave its root."""
_SEGMENT = regex(r"[^/\\\x00-\x1f]+")
_SPLIT = regex(r"\w[\w.-]{0,63}")
_TASK = regex(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,127}")
_VERSION = regex(r"[0-9a-f]{1,128}")


def require_inner_path(path: str) -> str:
    """Of a manifest. Raises: ValueError unless it is relative, posix, and stays below where it starts."""
    if all(_SEGMENT.fullmatch(part) and part not in (".", "..") for part in path.split("/")):
        return path
    raise ValueError(f"{path!r} does not stay within the version's folder")


def require_task_name(name: str) -> str:
    """Raises: ValueError for a name that could not be a file's."""
    if _TASK.fullmatch(name):
        return name
    raise ValueError(f"{name!r} is no name of a task: letters, digits, '_', '-' and '.' only")


def require_version_id(name: str) -> str:
    """Raises: ValueError."""
    if _VERSION.fullmatch(name):
        return name
    raise ValueError(f"{name!r} is no id of a version")


def require_split_name(name: str | None) -> str | None:
    """Raises: ValueError."""
    if name is None or _SPLIT.fullmatch(name):
        return name
    raise ValueError(f"{name!r} is no name of a split")


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a file lies below a folder, links followed. Raises: OSError where they cannot be."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def require_inside(path: Path, folder: Path) -> None:
    """Raises: ShardError for a link that leads out of a version's folder."""
    if not is_inside(path, folder):
        raise ShardError(
            f"{path} is a link that leads out of its version's folder (to {os.path.realpath(path)}), which no conversion "
            "writes. Put the file itself there if you trust it, or fetch a copy without links."
        )


def stray_images(batch: pa.RecordBatch) -> list[str]:
    """Image paths that leave the image root: absolute, with a `..`, a drive letter, a NUL, or `file:`.

    Damaged columns raise ArrowException. The common case costs a search for a few bytes, not a look at every path.
    """
    column = batch["images"]
    column.validate(full=True)
    paths = column.flatten().field("path")
    if not _may_stray(paths):
        return []
    is_stray = pc.match_substring_regex(paths, _STRAY)
    is_file = pc.match_substring_regex(paths, r"^(?i:file):")
    is_address = pc.and_not(pc.match_substring_regex(paths, ADDRESS), is_file)
    stray: list[str] = paths.filter(pc.fill_null(pc.and_not(is_stray, is_address), False)).unique().to_pylist()
    return stray


def _may_stray(paths: pa.StringArray) -> bool:
    if not len(paths):
        return False
    offsets = np.frombuffer(paths.buffers()[1], np.int32)[paths.offset : paths.offset + len(paths) + 1]
    text = paths.buffers()[2].to_pybytes()[offsets[0] : offsets[-1]] if paths.buffers()[2] is not None else b""
    if any(mark in text for mark in _MARKS):
        return True
    starts = (offsets[:-1] - offsets[0])[np.diff(offsets) > 0]
    return bool((np.frombuffer(text, np.uint8)[starts] == ord("/")).any())


def require_inner_images(batch: pa.RecordBatch, path: Path) -> pa.RecordBatch:
    """The batch. Raises: ShardError."""
    try:
        stray = stray_images(batch)
    except pa.ArrowException as exc:
        raise ShardError(f"{path} cannot be read ({exc}). Run `asd verify` on the dataset.") from exc
    if stray:
        raise ShardError(
            f"{path}: {len(stray)} image paths leave the image root, the first is {stray[0]!r}. No conversion writes such "
            "paths: do not use this dataset unless you know who made it."
        )
    return batch
