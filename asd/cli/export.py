"""`asd export`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from asd.errors import UsageError
from asd.export.format import CHUNK_ROWS, EXAMPLES, ExportedSplit
from asd.export.images import ImageMode
from asd.export.run import Exported, ExportOptions, export
from asd.export.table import FORMATS
from asd.shards.locations import datasets_below
from asd.sources.image_text import is_address


def list_formats() -> str:
    width = max(map(len, FORMATS))
    return "\n".join(f"{name:<{width}}  {form.summary}" for name, form in FORMATS.items())


def run(
    datasets: list[str], settings: dict[str, Any], *, recipe: str | None, styles: str | None, as_json: bool
) -> None:
    if recipe is not None:
        from asd.recipes.recipe import load_recipe, recipe_datasets

        datasets = [*datasets, *map(str, recipe_datasets(load_recipe(recipe)))]
    if not datasets:
        raise UsageError("give DIR, one or more datasets, or --recipe NAME to export all datasets of a recipe.")
    datasets = [inside for dataset in datasets for inside in datasets_below(dataset)]
    options = ExportOptions(
        **settings | {"out": Path(settings["out"]), "styles": _names(styles) if styles is not None else None}
    )
    done = export(datasets, options)
    print(json.dumps(_document(done), indent=1, ensure_ascii=False) if as_json else _describe(done))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _warnings(done: Exported) -> list[str]:
    """Images that a trainer will look for in vain."""
    parts = [file.part for file in done.data]
    lines = []
    if done.format.for_images and not any(map(_has_images, parts)):
        records = sum(file.records for file in done.data)
        lines.append(
            f"warning: none of the {records:,} records holds an image, and {done.format.name} is for data with images. If they "
            "should have some: let the task file's layout name them (`images`) and convert again. Text alone goes to ms-swift, "
            "llama-factory or trl."
        )
    absent: dict[str | None, list[str]] = {}
    for part in parts:
        absent.setdefault(part.places.root, []).extend(_absent_images(part))
    for root, paths in absent.items():
        if paths:
            where = f"are not in {root}" if root else "are in no known folder"
            lines.append(
                f"warning: {len(paths):,} images {where} (the first: {paths[0]}; of each file the first {CHUNK_ROWS:,} records "
                "were looked at). Give the folder of the images with --image-root, or put them there: trainers stop at the first."
            )
    return lines


def _has_images(part: ExportedSplit) -> bool:
    return any(
        pc.any(pc.greater(pc.list_value_length(batch["images"]), 0)).as_py()
        for batch in part.batches(("style", "images"))
    )


def _absent_images(part: ExportedSplit) -> list[str]:
    """Of the first records, those that are not where the trainer will look for them; none where images were looked at."""
    root = part.places.root
    if part.places.is_checking or "://" in (root or ""):
        return []
    images = (image for row in islice(part.rows(), CHUNK_ROWS) for image in row["images"] if image["bytes"] is None)
    paths = dict.fromkeys(str(image["path"]) for image in images)
    return [path for path in paths if not is_address(path) and not (root and (Path(root) / path).is_file())]


def _document(done: Exported) -> dict[str, Any]:
    files = [
        {"path": str(file.path), "task": file.part.task, "split": file.part.split, "version": file.part.version,
         "records": file.records, "left_out": dict(file.part.left_out), "noted": dict(+file.part.noted),
         "images": file.part.places.mode.value, "drawn_sample": file.part.is_drawn}
        for file in done.data
    ]  # fmt: skip
    beside = [str(path) for path in done.beside]
    return {"format": done.format.name, "files": files, "beside": beside, "warnings": _warnings(done)}


def _describe(done: Exported) -> str:
    lines = [f"wrote {file.records:,} records to {file.path}" for file in done.data]
    lines += [f"wrote {path}" for path in done.beside]
    left_out, noted = _counts(done, lambda part: part.left_out), _counts(done, lambda part: part.noted)
    lines += [f"left out: {count:,} records with {reason}{_examples(done, reason)}" for reason, count in left_out]
    lines += [f"note: {count:,} records with {reason}{_examples(done, reason)}" for reason, count in noted]
    lines += dict.fromkeys(_copied(file.part) for file in done.data)
    lines += _drawn([file.part for file in done.data if file.part.is_drawn])
    hints = dict.fromkeys(hint for file in done.data if (hint := done.format.hint(file.part)))
    lines += [f"use it:   {hint}" for hint in hints]
    lines += _warnings(done)
    splits = [name for file in done.data if file.part.split is None for name in file.part.manifest.counts.by_split]
    if len(splits) > 1:
        lines.append(f"note: the file holds several splits ({', '.join(splits)}); --split train keeps test rows out.")
    return "\n".join(filter(None, lines))


def _drawn(parts: Sequence[ExportedSplit]) -> list[str]:
    """What this package drew: whole data sets, or parts of a mix."""
    wholes = dict.fromkeys(part.task for part in parts if not part.drawn_parts)
    lines = [
        f"note: {', '.join(wholes)}: drawn by this package as a sample; this is not the data set of that name, and no "
        "result on it is one on the benchmark."
    ] * bool(wholes)
    mixes = {part.task: part.drawn_parts for part in parts if part.drawn_parts}
    for task, names in mixes.items():
        are = f"part {names[0]} is" if len(names) == 1 else f"parts {', '.join(names)} are"
        lines.append(
            f"note: {task}: of this mix, {are} a sample that this package drew, not the data set of that name."
        )
    return lines


def _counts(done: Exported, of: Callable[[ExportedSplit], Counter[str]]) -> list[tuple[str, int]]:
    whole: Counter[str] = Counter()
    for file in done.data:
        whole.update(of(file.part))
    return sorted((+whole).items())


def _examples(done: Exported, reason: str) -> str:
    examples = [text for file in done.data for text in file.part.examples.get(reason, ())][:EXAMPLES]
    return f" ({'; '.join(examples)})" if examples else ""


def _copied(part: ExportedSplit) -> str:
    """Where images went that nobody asked to be copied."""
    if part.places.mode is not ImageMode.COPY or part.places.is_asked:
        return ""
    return f"note: the images of {part.task} are in its shards; they were copied to {part.places.out / 'images'}"
