"""What `asd data check` prints."""

from __future__ import annotations

import json
import os
from pathlib import Path

import typer

from asd.errors import FINDING, UsageError
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
    states = check_data(loaded, folder, images=images)
    complete = all(state.is_complete for state in states)
    if as_json:
        tasks = [state.as_json() for state in states]
        print(json.dumps({"recipe": loaded.name, "complete": complete, "tasks": tasks}, indent=1, ensure_ascii=False))
    else:
        print("\n".join(line for state in states for line in _describe(state)))
        bad = [state.task for state in states if not state.is_complete]
        print(f"\n{loaded.name}: " + (f"missing data of {', '.join(bad)}" if bad else "everything is there"))
    if not complete:
        raise typer.Exit(FINDING)


def _describe(data: TaskData) -> list[str]:
    lines = [f"{'ok     ' if data.is_complete else 'MISSING'} {data.task}: {data.title}"]
    if data.files:
        shown = ", ".join(data.files[:4]) + (f" and {len(data.files) - 4} more" if len(data.files) > 4 else "")
        unusable = f" and {data.unusable_rows:,} unusable ones" if data.unusable_rows else ""
        lines.append(f"  annotations  {data.rows:,} rows{unusable} in {data.folder} ({data.layout}: {shown})")
    lines += [f"  missing      {'or ' if number else ''}{text}" for number, text in enumerate(data.missing)]
    if data.images:
        there = data.images - data.missing_images
        lines.append(f"  images       {there:,} of {data.images:,} in {data.image_root}")
    if data.missing_images:
        more = f" and {data.missing_images - len(data.missing_image_names):,} more" if (
            data.missing_images > len(data.missing_image_names)
        ) else ""  # fmt: skip
        lines.append(
            f"  missing      {', '.join(data.missing_image_names)}{more} (from {data.homepage or 'its publisher'})"
        )
    lines.append(f"  origin       {data.homepage or 'not stated'}")
    lines.append(f"  licence      {data.licence}: {data.terms.sentence}")
    return lines
