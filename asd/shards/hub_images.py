"""Rows with their images as `datasets.Image`: opened when a row is read, from the bytes in the shards or from a folder.

Imports `datasets`, so `asd.shards.reader` imports it when images are to be decoded.
"""

from __future__ import annotations

from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.compute as pc
from datasets.table import ConcatenationTable, InMemoryTable

from asd.errors import UsageError
from asd.shards.untrusted import ADDRESS

_INSTEAD = "or load without decode=True: rows then hold paths and bytes"


def with_pictures(table: pa.Table, image_root: str | None) -> datasets.Dataset:
    """The rows of a table of shard columns; an image that has no bytes is opened below `image_root`, an address as it is.

    Raises: UsageError where the images have no bytes and the folder is not known, is not there, or lacks the first one.
    """
    place = table.schema.get_field_index("images")
    column = pa.chunked_array([_located(chunk, image_root) for chunk in table["images"].chunks], _IMAGES)
    features = datasets.Features.from_arrow_schema(table.schema) | {"images": datasets.List(datasets.Image())}
    typed = table.set_column(place, pa.field("images", _IMAGES), column)
    ordered = datasets.Features({name: features[name] for name in table.schema.names})
    wrapped = ConcatenationTable.from_tables([InMemoryTable(typed.replace_schema_metadata(None))])
    return datasets.Dataset(wrapped, info=datasets.DatasetInfo(features=ordered))


_IMAGES = pa.list_(datasets.Image.pa_type)


def _located(lists: pa.ListArray, image_root: str | None) -> pa.ListArray:
    """The lists with the storage that `datasets` asks for, and with paths that can be opened from anywhere."""
    images = lists.flatten()
    paths, data = images.field("path"), images.field("bytes")
    is_below = pc.and_(pc.is_null(data), pc.invert(pc.fill_null(pc.match_substring_regex(paths, ADDRESS), True)))
    if pc.any(is_below).as_py():
        root = _require_root(image_root, str(paths.filter(is_below)[0]))
        paths = pc.if_else(is_below, pc.binary_join_element_wise(root.rstrip("/"), paths, "/"), paths)
    inner = pa.StructArray.from_arrays([data, paths], fields=list(datasets.Image.pa_type))
    counts = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(counts).cast(pa.int32())])
    return pa.ListArray.from_arrays(offsets, inner, type=_IMAGES)


def _require_root(image_root: str | None, first: str) -> str:
    """Raises: UsageError."""
    if image_root is None:
        raise UsageError(f"the folder of the images is not known. Give it with image_root=..., {_INSTEAD}.")
    if "://" not in image_root and not (Path(image_root) / first).is_file():
        raise UsageError(
            f"image {first} is not in {image_root}. Give the folder of the images with image_root=..., {_INSTEAD}."
        )
    return image_root
