"""Where the images of a mix's parts lie, and which of them are found by a folder at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from asd.errors import UsageError
from asd.sources.image_text import SCHEME

if TYPE_CHECKING:
    from asd.mixing.parts import OpenPart


def need_root(images: pa.StructArray) -> pa.BooleanArray:
    """Whether each image is found by its path below a folder: not one whose bytes the row holds, nor an address (s3://...)."""
    paths = images.field("path")
    is_elsewhere = pc.or_(pc.equal(paths, ""), pc.match_substring_regex(paths, f"^{SCHEME}"))
    return pc.and_(images.field("bytes").is_null(), pc.invert(pc.fill_null(is_elsewhere, True)))


def below(images: pa.ListArray, prefix: str) -> pa.ListArray:
    """The images of rows, with a folder ("a/b/") in front of the paths that need one."""
    items = images.flatten()
    paths = items.field("path")
    placed = pc.if_else(need_root(items), pc.binary_join_element_wise(prefix, paths, ""), paths)
    structs = pa.StructArray.from_arrays([placed, items.field("bytes")], fields=list(items.type))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(images.value_lengths()).cast(pa.int32())])
    return pa.ListArray.from_arrays(offsets, structs)


def common_root(parts: Sequence[OpenPart]) -> tuple[Path | None, list[str]]:
    """(folder that holds all parts' images, what each part's paths get in front of them). Raises: UsageError where
    some parts' images are known and others' are not."""
    with_images = [part for part in parts if part.has_paths]
    roots = {part.name: part.image_root for part in with_images if part.image_root is not None}
    if not roots:
        return None, [""] * len(parts)
    unknown = next((part for part in with_images if part.name not in roots), None)
    if unknown is not None:
        raise UsageError(
            f"part {unknown.name}: no image root is recorded for {unknown.root}, while other parts have theirs, so paths "
            "could not be told apart. Convert it again with --image-root."
        )
    root = Path(os.path.commonpath(roots.values()))
    inner = [roots[part.name].relative_to(root).as_posix() if part.name in roots else "." for part in parts]
    return root, ["" if path == "." else f"{path}/" for path in inner]
