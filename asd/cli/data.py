"""What `asd data check` prints."""

from __future__ import annotations

import json
import os
from pathlib import Path

import typer

from asd.errors import UsageError
from asd.recipes.data_check import TaskData, check_data
from asd.recipes.recipe import load_recipe
from asd.sources.resolve import data_root


def run(recipe: str, root: str | None, *, images: bool, as_json: bool) -> None:
    folder = Path(root) if root is not None else data_root()
    if folder is None:
        raise UsageError("no data root is set: give --data-root DIR, or set ASD_DATA_ROOT.")
    if not folder.is_dir():
        raise UsageError(f"the data root {folder} is not a folder.")
    os.environ["ASD_DATA_ROOT"] = str(folder)  # the recipe's places are below it
    loaded = load_recipe(recipe)
    found = check_data(loaded, folder, images=images)
    complete = all(one.is_complete for one in found)
    if as_json:
        tasks = [one.as_json() for one in found]
        print(json.dumps({"recipe": loaded.name, "complete": complete, "tasks": tasks}, indent=1, ensure_ascii=False))
    else:
        print("\n".join(line for one in found for line in _describe(one)))
        bad = [one.task for one in found if not one.is_complete]
        print(f"\n{loaded.name}: " + (f"missing data of {', '.join(bad)}" if bad else "everything is there"))
    if not complete:
        raise typer.Exit(1)


def _describe(one: TaskData) -> list[str]:
    lines = [f"{'ok     ' if one.is_complete else 'MISSING'} {one.task}: {one.title}"]
    if one.files:
        shown = ", ".join(one.files[:4]) + (f" and {len(one.files) - 4} more" if len(one.files) > 4 else "")
        unusable = f" and {one.unusable_rows:,} unusable ones" if one.unusable_rows else ""
        lines.append(f"  annotations  {one.rows:,} rows{unusable} in {one.folder} ({one.layout}: {shown})")
    lines += [f"  missing      {'or ' if number else ''}{text}" for number, text in enumerate(one.missing)]
    if one.images:
        there = one.images - one.missing_images
        lines.append(f"  images       {there:,} of {one.images:,} in {one.image_root}")
    if one.missing_images:
        more = f" and {one.missing_images - len(one.missing_image_names):,} more" if (
            one.missing_images > len(one.missing_image_names)
        ) else ""  # fmt: skip
        lines.append(
            f"  missing      {', '.join(one.missing_image_names)}{more} (from {one.homepage or 'its publisher'})"
        )
    lines.append(f"  origin       {one.homepage or 'not stated'}")
    lines.append(f"  licence      {one.licence}: {one.terms.sentence}")
    return lines
