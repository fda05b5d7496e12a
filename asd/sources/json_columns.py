"""Columns of Arrow tables whose values are JSON: `datasets.Json`, and Arrow's own type. Their records hold the values.

Each value of such a column has fields of its own (the arguments of tool calls), which no Arrow type can say, so texts
are stored. A column, the items of a list, and a field of an object can be so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa

_JSON = "arrow.json"
_LISTS = ("List", "LargeList", "Sequence")


def records_of(batch: pa.RecordBatch | pa.Table) -> list[dict[str, Any]]:
    """Rows as objects. A text that is not JSON, where JSON is said to be, stays a text."""
    records: list[dict[str, Any]] = batch.to_pylist()
    features = _features(batch.schema)
    for field in batch.schema:
        where = _place_in_type(field.type)
        if where is None:
            where = _place_in_feature(features.get(field.name))
        if where is not None:
            for record in records:
                record[field.name] = _parsed(record[field.name], where)
    return records


def _features(schema: pa.Schema) -> Mapping[str, Any]:
    """What `datasets` says of the columns in the file's own notes."""
    try:
        features = orjson.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return features if isinstance(features, dict) else {}


def _place_in_type(kind: pa.DataType) -> Any:
    """Where JSON stands in values of a type: "" for all of it, (place,) in the items of a list, {field: place}; None: nowhere."""
    if getattr(kind, "extension_name", "") == _JSON:
        return ""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _of_items(_place_in_type(kind.value_type))
    if pa.types.is_struct(kind):
        return _of_fields({field.name: _place_in_type(field.type) for field in kind})
    return None


def _place_in_feature(feature: Any) -> Any:
    """The same of a feature as `datasets` writes it down."""
    if isinstance(feature, list) and len(feature) == 1:
        return _of_items(_place_in_feature(feature[0]))
    if not isinstance(feature, dict):
        return None
    kind = feature.get("_type")
    if kind == "Json":
        return ""
    if kind in _LISTS:
        return _of_items(_place_in_feature(feature.get("feature")))
    return (
        None if isinstance(kind, str) else _of_fields({name: _place_in_feature(one) for name, one in feature.items()})
    )


def _of_items(place: Any) -> Any:
    return None if place is None else (place,)


def _of_fields(places: dict[str, Any]) -> Any:
    return {name: place for name, place in places.items() if place is not None} or None


def _parsed(value: Any, where: Any) -> Any:
    if where == "" and isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    if isinstance(where, tuple) and isinstance(value, list):
        return [_parsed(item, where[0]) for item in value]
    if isinstance(where, dict) and isinstance(value, dict):
        return {name: _parsed(item, where.get(name)) for name, item in value.items()}
    return value
