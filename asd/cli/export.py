"""`asd export`."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from asd.errors import UsageError
from asd.export.format import CHUNK_ROWS, Part
from asd.export.images import ImageMode
from asd.export.run import Exported, ExportOptions, export
from asd.export.table import FORMATS


def list_formats() -> str:
    width = max(map(len, FORMATS))
    return "\n".join(f"{name:<{width}}  {form.summary}" for name, form in FORMATS.items())


def run(
    datasets: list[str], settings: dict[str, Any], *, pipeline: str | None, styles: str | None, as_json: bool
) -> None:
    if pipeline is not None:
        from asd.recipes.recipe import load_recipe, recipe_datasets

        datasets = [*datasets, *map(str, recipe_datasets(load_recipe(pipeline)))]
    if not datasets:
        raise UsageError("give DIR, one or more datasets, or --pipeline NAME to export all datasets of a recipe.")
    options = ExportOptions(
        **settings | {"out": Path(settings["out"]), "styles": _names(styles) if styles is not None else None}
    )
    done = export(datasets, options)
    print(json.dumps(_document(done), indent=1, ensure_ascii=False) if as_json else _describe(done))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _absent_image(part: Part) -> str:
    """A note if the first image is not where the trainer will look for it; "" where it is, or is an address or bytes."""
    root = part.places.root
    if part.places.mode is not ImageMode.PATHS or root is None or "://" in root:
        return ""
    first = next((str(image["path"]) for row in islice(part.rows(), CHUNK_ROWS) for image in row["images"]), None)
    if first is None or (Path(root) / first).is_file():
        return ""
    return (
        f"note: the image {first} is not in {root}; give the folder of the images with --image-root, or put them there."
    )


def _document(done: Exported) -> dict[str, Any]:
    files = [
        {"path": str(one.path), "task": one.part.task, "split": one.part.split, "version": one.part.version,
         "records": one.records, "left_out": dict(one.part.left_out)}
        for one in done.data
    ]  # fmt: skip
    return {"format": done.format.name, "files": files, "beside": [str(path) for path in done.beside]}


def _describe(done: Exported) -> str:
    lines = [f"wrote {one.records:,} records to {one.path}" for one in done.data]
    lines += [f"wrote {path}" for path in done.beside]
    left_out: Counter[str] = Counter()
    for one in done.data:
        left_out.update(one.part.left_out)
    lines += [f"left out: {count:,} records with {reason}" for reason, count in sorted(left_out.items())]
    hints = dict.fromkeys(hint for one in done.data if (hint := done.format.hint(one.part)))
    lines += [f"use it:   {hint}" for hint in hints]
    if hints or done.format.needs_root:
        lines += dict.fromkeys(note for one in done.data if (note := _absent_image(one.part)))
    splits = [name for one in done.data if one.part.split is None for name in one.part.manifest.counts.by_split]
    if len(splits) > 1:
        lines.append(f"note: the file holds several splits ({', '.join(splits)}); --split train keeps test rows out.")
    return "\n".join(lines)
