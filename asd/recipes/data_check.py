"""Is the data of a benchmark there? Per task: annotation files, images, where they come from, what their licence allows.

Reads the annotations as a conversion would, so what is found here is what a conversion finds. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xxhash

from asd.conversion.config import ConvertConfig
from asd.errors import AsdError
from asd.recipes.benchmark import Place, TaskEntry
from asd.recipes.recipe import Recipe, missing_files, recipe_configs
from asd.remote.licence_terms import Terms, licence_terms
from asd.schemas.task import NOT_GIVEN, TaskSpec
from asd.sources.image_text import is_address, is_data
from asd.sources.open import Source, open_source

SHOWN = 3
"""Missing images that are named."""


@dataclass
class TaskData:
    """What was found of one task's data, and what is missing."""

    task: str
    title: str
    homepage: str
    licence: str
    terms: Terms
    folder: str = ""
    """Where the annotations were found; empty if nowhere."""
    layout: str = ""
    files: list[str] = field(default_factory=list)
    rows: int = 0
    unusable_rows: int = 0
    missing: list[str] = field(default_factory=list)
    """What is to be put where, in words; empty if the annotations are complete."""
    image_root: str = ""
    images: int = 0
    """Distinct images that the rows name."""
    missing_images: int = 0
    missing_image_names: list[str] = field(default_factory=list)
    """The first few."""

    @property
    def is_complete(self) -> bool:
        return not self.missing and not self.missing_images

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "terms": self.terms._asdict(), "complete": self.is_complete}


def check_data(recipe: Recipe, root: Path, *, images: bool = True) -> list[TaskData]:
    """One entry per task, in order. images: look every image up; without it, annotations only.

    Raises: UsageError for a recipe that is wrong in itself; missing data is a finding, not an error.
    """
    configs = recipe_configs(recipe, {})
    return [_check_task(entry, config, root, images) for entry, config in zip(recipe.tasks, configs, strict=True)]


def _check_task(entry: TaskEntry, config: ConvertConfig, root: Path, images: bool) -> TaskData:
    spec = config.load_spec()
    places = _places(entry, config, spec, root)
    place = next((candidate for candidate in places if not missing_files(candidate, root)), None)
    licence = _licence(place or places[0], spec)
    data = TaskData(
        spec.name, spec.title or spec.name, _origin(place or places[0], spec), licence, licence_terms(licence)
    )
    if place is None:
        data.missing = [_wanted(candidate, root, spec) for candidate in places]
        return data
    try:
        _read(data, spec, config, place, root, images)
    except AsdError as exc:
        data.missing = [str(exc)]
    return data


def _places(entry: TaskEntry, config: ConvertConfig, spec: TaskSpec, root: Path) -> list[Place]:
    """A `source` of the recipe's own goes before its places; without either, the task's folder."""
    if config.source is not None and not config.source.startswith("hf:") and not entry.places:
        path = Path(config.source)
        image_root = None if config.image_root is None else str(config.image_root)
        return [Place(folder=str(path.parent.absolute()), files=[path.name], image_root=image_root)]
    return entry.places or [Place(folder=spec.data_dir or spec.name, files=["*"])]


def _licence(place: Place, spec: TaskSpec) -> str:
    """A benchmark's own files stand under their licence and under that of the data set they were made from."""
    licence = spec.licence or NOT_GIVEN
    return f"{place.licence} (these files); {licence} (the data set)" if place.licence else licence


def _origin(place: Place, spec: TaskSpec) -> str:
    return place.origin or spec.homepage


def _wanted(place: Place, root: Path, spec: TaskSpec) -> str:
    names = ", ".join(missing_files(place, root))
    if place.files == ["*"]:
        known = [layout.files if isinstance(layout.files, str) else " ".join(layout.files) for layout in spec.layouts]
        names = f"its files ({'; '.join(known) or 'LLaVA conversations'})"
    return f"{names} in {root / place.folder} (from {_origin(place, spec) or 'its publisher'})"


def _read(data: TaskData, spec: TaskSpec, config: ConvertConfig, place: Place, root: Path, images: bool) -> None:
    folder = root / place.folder
    given = root / place.image_root if place.image_root is not None else folder
    data.folder, data.image_root = str(folder), str(given)
    if not given.is_dir():
        data.missing.append(f"the folder of the images, {given} (from {data.homepage or 'its publisher'})")
    source = open_source(spec, folder, source_format=config.source_format, split=config.split,
                         image_root=given if given.is_dir() else None)  # fmt: skip
    data.layout, data.files = source.layout, [file.path for file in source.files]
    _count(data, source, given, look=images and given.is_dir())


def _count(data: TaskData, source: Source, image_root: Path, *, look: bool) -> None:
    """Rows, and distinct images of which so many are not there. Holds 8 bytes an image."""
    seen: set[int] = set()
    for batch in source.batches():
        data.rows += batch.table.num_rows
        data.unusable_rows += len(batch.rejects)
        for path in batch.table["images"].flatten().to_pylist() if look else ():
            mark = xxhash.xxh3_64_intdigest(path.encode())
            if mark in seen or is_data(path) or is_address(path):
                continue
            seen.add(mark)
            if not (image_root / path).is_file():
                data.missing_images += 1
                if len(data.missing_image_names) < SHOWN:
                    data.missing_image_names.append(path)
    data.images = len(seen)
