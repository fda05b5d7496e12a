"""What changed between two versions: settings, and rows (same, re-styled, changed, added, removed)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from asd.shards.reader import read_batches
from asd.shards.store import Store


@dataclass
class Difference:
    """Counts of rows by what happened to them, the moves between styles, examples, and changed settings."""

    left: str
    right: str
    same: int = 0
    restyled: int = 0
    changed: int = 0
    """Same style, other content."""
    added: int = 0
    removed: int = 0
    moves: dict[str, int] = field(default_factory=dict)
    """"<left style>-><right style>": rows."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Dotted name -> (left, right), for every setting, file or hash that differs."""


_CONTENT = ("prompt", "response", "gold")
_EXAMPLES = 5


def diff(left_root: Path, left: str | None, right_root: Path, right: str | None) -> Difference:
    """Compare two versions by sample id. Raises: UsageError, UnknownNameError, ShardError."""
    stores = Store(left_root), Store(right_root)
    versions = stores[0].resolve(left), stores[1].resolve(right)
    manifests = [
        store.manifest(version).model_dump(mode="json") for store, version in zip(stores, versions, strict=True)
    ]
    difference = Difference(*versions, settings=_settings(*manifests))
    if versions[0] == versions[1] and left_root.resolve() == right_root.resolve():
        difference.same = manifests[0]["counts"]["samples"]
        return difference
    tables = [_keys(store.root, version) for store, version in zip(stores, versions, strict=True)]
    joined = tables[0].join(tables[1], "id", join_type="full outer", left_suffix="_left", right_suffix="_right")
    _count(joined, difference)
    return difference


def _keys(root: Path, version: str) -> pa.Table:
    """id, style and a digest of the content of every row: about 60 bytes a row, whatever the rows hold."""
    import polars as pl

    parts = []
    for batch in read_batches(root, version):
        frame = pl.from_arrow(batch.select(["id", "style", *_CONTENT]))
        assert isinstance(frame, pl.DataFrame)
        digest = frame.select(_CONTENT).hash_rows(seed=1)
        parts.append(pa.table({"id": batch["id"], "style": batch["style"], "digest": digest.to_arrow()}))
    schema = pa.schema([("id", pa.string()), ("style", pa.string()), ("digest", pa.uint64())])
    return pa.concat_tables(parts) if parts else schema.empty_table()


def _count(joined: pa.Table, difference: Difference) -> None:
    left, right = joined["style_left"], joined["style_right"]
    added, removed = pc.is_null(left), pc.is_null(right)
    both = pc.and_(pc.is_valid(left), pc.is_valid(right))
    restyled = pc.and_(both, pc.fill_null(pc.not_equal(left, right), False))
    same_style = pc.and_(both, pc.fill_null(pc.equal(left, right), False))
    equal = pc.fill_null(pc.equal(joined["digest_left"], joined["digest_right"]), False)
    masks = {
        "same": pc.and_(same_style, equal),
        "restyled": restyled,
        "changed": pc.and_(same_style, pc.invert(equal)),
        "added": added,
        "removed": removed,
    }
    for name, mask in masks.items():
        ids = joined.filter(mask)["id"]
        setattr(difference, name, len(ids))
        if name != "same":
            difference.examples[name] = sorted(ids.to_pylist())[:_EXAMPLES]
    moved = joined.filter(restyled).group_by(["style_left", "style_right"]).aggregate([("id", "count")])
    difference.moves = {
        f"{row['style_left']}->{row['style_right']}": row["id_count"]
        for row in sorted(moved.to_pylist(), key=lambda row: (row["style_left"], row["style_right"]))
    }


def _settings(left: dict[str, Any], right: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    skipped = {"counts", "columns", "croissant", "files", "images", "version"}
    flat = [
        _flatten(
            {k: _settings_of_rewriter(v) if k == "rewriter" else v for k, v in manifest.items() if k not in skipped}
        )
        for manifest in (left, right)
    ]
    names = sorted({*flat[0], *flat[1]})
    return {name: (flat[0].get(name), flat[1].get(name)) for name in names if flat[0].get(name) != flat[1].get(name)}


def _settings_of_rewriter(entry: dict[str, Any] | None) -> dict[str, Any]:
    """Without its counts, but with the digest: other replies are a reason for other rows."""
    return {name: (entry or {}).get(name) for name in ("settings", "templates", "code", "images", "digest")}


def _flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        flat: dict[str, Any] = {}
        for key, item in value.items():
            flat |= _flatten(item, f"{prefix}.{key}" if prefix else str(key))
        return flat
    return {prefix: value}
