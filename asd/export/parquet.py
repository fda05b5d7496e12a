"""Parquet with every shard column and the types that `datasets` and the hub's viewer know (images as Image)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from asd.columns import SHARD_SCHEMA
from asd.export.format import ExportedSplit, Format, task_file
from asd.export.images import ImageMode
from asd.shards.files import whole_file

HUB_IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
"""In this order only does `datasets` take a struct for an Image."""
_IMAGES = SHARD_SCHEMA.get_field_index("images")
_JSON_FEATURE = {"feature": {"_type": "Json"}, "_type": "List"}
_IMAGE_FEATURE = {"images": {"feature": {"_type": "Image"}, "_type": "List"}}
ROWS_IN_MEMORY = 256
"""With their images, rows are large."""


def hub_schema(schema: pa.Schema, json_columns: Sequence[str] = ()) -> pa.Schema:
    """The schema with the note by which `datasets` reads `images` as pictures, and lists of texts as JSON values."""
    features = {field.name: _feature(field.type) for field in schema} | dict.fromkeys(json_columns, _JSON_FEATURE)
    for name in json_columns:
        schema = schema.set(schema.get_field_index(name), pa.field(name, pa.list_(pa.json_())))
    if "images" in schema.names:
        features |= _IMAGE_FEATURE
        schema = schema.set(schema.get_field_index("images"), pa.field("images", HUB_IMAGES))
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _feature(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    return {"dtype": str(kind), "_type": "Value"}


def write_parquet(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    rows = 0
    with whole_file(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _images(rows: Sequence[tuple[str, list[dict[str, Any]]]], part: ExportedSplit) -> pa.Array:
    """The images as the chosen mode has them: paths, copies beside the file, or bytes inside."""
    places, column = part.places, []
    for name, images in rows:
        if places.mode is ImageMode.EMBED:
            column.append([{"path": image["path"], "bytes": places.data(image, name)} for image in images])
        else:
            column.append([{"path": places.relative(image, name), "bytes": None} for image in images])
    return pa.array(column, HUB_IMAGES)


def _write(part: ExportedSplit, path: Path) -> int:
    batches = part.batches()
    first = next(batches, None)
    row_schema = SHARD_SCHEMA if first is None else first.schema  # versions made with a rewriter have a column more
    schema = hub_schema(row_schema)
    return write_parquet(path, schema, _cast(chain([] if first is None else [first], batches), part, schema))


def _cast(batches: Iterable[pa.RecordBatch], part: ExportedSplit, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, ROWS_IN_MEMORY):
            some = batch.slice(start, ROWS_IN_MEMORY)
            asked = zip(count(), some["id"].to_pylist(), some["images"].to_pylist(), strict=False)
            usable = list(
                part.usable([{"place": place, "id": name, "images": images} for place, name, images in asked])
            )
            if len(usable) < some.num_rows:
                some = some.take(pa.array([row["place"] for row in usable], pa.int64()))
            images = _images([(row["id"], row["images"]) for row in usable], part)
            yield some.set_column(_IMAGES, schema.field(_IMAGES), images).cast(schema)
    part.require_some_usable()


FORMAT = Format(
    name="parquet",
    summary="Parquet: every column of the shards, images typed for `datasets` and the hub's viewer",
    file=task_file(".parquet"),
    write=_write,
    images=(ImageMode.PATHS, ImageMode.EMBED, ImageMode.COPY),
)
