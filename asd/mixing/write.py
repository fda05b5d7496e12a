"""The version of a mix: its rows in one mixed order, and what its manifest says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import asd
from asd.columns import shard_schema
from asd.conversion.progress import Progress
from asd.mixing.choice import Choice
from asd.mixing.images import below
from asd.mixing.parts import OpenPart
from asd.mixing.recipe import MixRecipe
from asd.schemas.styles import AnswerStyle
from asd.schemas.task import TaskSpec
from asd.shards.card_configs import count_images
from asd.shards.description import write_description
from asd.shards.files import sha256_of, write_arrow, write_bytes
from asd.shards.manifest import Counts, FileEntry, Manifest

SPLIT = "train"
"""Of all rows of a mix: it is what a model is tuned on."""
SHARD_ROWS, SHARD_BYTES = 65_536, 256 << 20
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that multiplying by it maps keys one to one; small keys come to lie all over the range."""


def write_version(
    out: Path,
    recipe: MixRecipe,
    identity: dict[str, Any],
    version: str,
    parts: Sequence[OpenPart],
    chosen: Sequence[Choice],
    prefixes: Sequence[str],
    progress: Progress,
) -> None:
    """Shards, then the manifest, last."""
    entries, by_style, by_maker, before = [], Counter[str](), Counter[str](), Counter[str]()
    converted = 0
    schema = shard_schema(is_rewritten=any("rewrite" in part.manifest.row_schema.names for part in parts))
    for number, table in enumerate(_shards(parts, chosen, prefixes, schema)):
        name = f"data/{SPLIT}-{number:05d}.arrow"
        write_arrow(out / name, schema, table.to_batches())
        entries.append(_entry(out, name, SPLIT, table.num_rows))
        for column, counter in (("style", by_style), ("maker", by_maker), ("native_style", before)):
            counter.update({item["values"]: item["counts"] for item in table[column].value_counts().to_pylist()})
        converted += pc.sum(pc.not_equal(table["style"], table["native_style"])).as_py()
        progress.advance(table.num_rows)
    write_bytes(out / "rejects.jsonl", b"")
    entries.append(_entry(out, "rejects.jsonl", None, None))
    rows = sum(by_style.values())
    manifest = Manifest(
        format_version=identity["format"],
        version=version,
        task=recipe.name,
        asd_version=asd.__version__,
        config={"ratio": converted / rows, "seed": recipe.seed, "mix": identity["mix"]},
        spec=_spec(recipe, parts).model_dump(mode="json"),
        source={"layout": "mix", "files": [], "parts": identity["parts"], **_drawn(parts)},
        templates={name: digest for part in parts for name, digest in sorted(part.manifest.templates.items())},
        code=identity["code"],
        counts=Counts(
            samples=rows,
            converted=converted,
            wanted=converted,
            by_split={SPLIT: rows},
            by_style=dict(sorted(by_style.items())),
            by_style_before=dict(sorted(before.items())),
            by_maker=dict(sorted(by_maker.items())),
        ),
        files=entries,
        columns=schema.names,
        images=count_images(out / entry.path for entry in entries if entry.split is not None),
    )
    write_description(out, manifest)


def _entry(out: Path, name: str, split: str | None, rows: int | None) -> FileEntry:
    path = out / name
    return FileEntry(path=name, split=split, rows=rows, size_bytes=path.stat().st_size, sha256=sha256_of(path))


def _drawn(parts: Sequence[OpenPart]) -> dict[str, Any]:
    """Which parts' rows are drawn by this package, which exports must say."""
    drawn = [part.name for part in parts if part.manifest.source.get("drawn")]
    return {"drawn": True, "drawn_parts": drawn} if drawn else {}


def _spec(recipe: MixRecipe, parts: Sequence[OpenPart]) -> TaskSpec:
    """What readers of a version want to know of its task; a mix has no scorer of its own, so open answers are judged."""

    def joined(key: str) -> str | None:
        """Not given if one part does not give it: what is known of the others does not hold for all rows."""
        given = [part.manifest.spec.get(key) for part in parts]
        return "; ".join(dict.fromkeys(map(str, given))) if all(given) else None

    return TaskSpec(
        name=recipe.name,
        title=f"Mix {recipe.name}",
        description=recipe.description or f"Rows of {', '.join(part.manifest.task for part in parts)}.",
        family="text",
        native_style=AnswerStyle.FREE_FORM,
        scorer="judge",
        licence=joined("licence"),
        citation=joined("citation"),
    )


def _shards(
    parts: Sequence[OpenPart], chosen: Sequence[Choice], prefixes: Sequence[str], schema: pa.Schema
) -> Iterator[pa.Table]:
    """The rows of all parts in one order that mixes them, cut into shards. Ids begin with the part's name."""
    places = np.concatenate([np.full(len(choice.rows), number) for number, choice in enumerate(chosen)])
    rows = np.concatenate([choice.rows for choice in chosen])
    keys = np.concatenate([choice.keys for choice in chosen])
    order = np.argsort(keys * _SPREAD, kind="stable")
    size = sum(part.table.nbytes for part in parts) / max(1, sum(part.table.num_rows for part in parts))
    step = int(max(1, min(SHARD_ROWS, SHARD_BYTES / max(1.0, size))))
    for start in range(0, len(order), step):
        wanted = order[start : start + step]
        by_part = [np.flatnonzero(places[wanted] == number) for number in range(len(parts))]
        tables = [
            _renamed(part.table.take(pa.array(rows[wanted[mine]])), part.name, prefix, schema)
            for part, prefix, mine in zip(parts, prefixes, by_part, strict=True)
        ]
        yield pa.concat_tables(tables).take(pa.array(np.argsort(np.concatenate(by_part)))).combine_chunks()


def _renamed(table: pa.Table, part: str, prefix: str, schema: pa.Schema) -> pa.Table:
    """Rows as the mix holds them: ids of their own, the training split, images below the common root."""
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(table.num_rows, field.type))
        elif field.name in ("id", "group"):
            columns.append(pc.binary_join_element_wise(f"{part}/", table[field.name], ""))
        elif field.name == "split":
            columns.append(pa.repeat(pa.scalar(SPLIT), table.num_rows))
        elif field.name == "images" and prefix:
            columns.append(pa.chunked_array([below(chunk, prefix) for chunk in table["images"].chunks], field.type))
        else:
            columns.append(table[field.name])
    return pa.Table.from_arrays(columns, schema=schema)
