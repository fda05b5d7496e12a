"""One mix, from its file to a committed version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from asd.conversion.config import ConvertConfig
from asd.conversion.convert import convert
from asd.conversion.progress import Progress, SilentProgress
from asd.errors import UsageError, problem_of_setting
from asd.fingerprint import code_fingerprint, version_id
from asd.mixing.choice import Choice, choose
from asd.mixing.images import common_root
from asd.mixing.parts import OpenPart, candidates, open_part
from asd.mixing.recipe import MixPart, MixRecipe, read_recipe
from asd.mixing.sizes import Unit, sizes_in, tokenizer_digest
from asd.mixing.write import write_version
from asd.shards.card import dataset_card
from asd.shards.manifest import FORMAT_VERSION, read_manifest
from asd.shards.store import Store, split_location


@dataclass(frozen=True)
class PartTaken:
    """What a mix takes of a part."""

    name: str
    data: str
    version: str
    rows: int
    size: int
    """In the mix's unit."""
    available: int
    repeated: int


@dataclass(frozen=True)
class Mix:
    """path: the dataset directory; number: "v1", "v2", ... (empty where nothing was written); parts: in the file's order."""

    path: Path
    version: str
    number: str
    did_work: bool
    rows: int
    unit: Unit
    parts: tuple[PartTaken, ...]
    by_style: dict[str, int]


def mix(
    file: str | Path,
    *,
    out: Path | None = None,
    total: int | None = None,
    dry: bool = False,
    progress: Progress | None = None,
) -> Mix:
    """Make the mix that a file describes, or find that it has been made.

    out: dataset directory (default: asd-data/<name>); total: rows (words, tokens) instead of the file's; dry: choose the rows and
    write none (conversions that the parts name are made, or found). The same file and the same parts give the same bytes.
    Raises: UsageError, and what `convert` raises.
    """
    progress = progress or SilentProgress()
    beside = Path(file).parent
    recipe = read_recipe(Path(file))
    if total is not None:
        recipe = recipe.model_copy(update={"total": total})
    store = Store(out if out is not None else Path("asd-data") / recipe.name)
    store.require_free()
    tokenizer = None if recipe.tokenizer is None else _beside(beside, str(recipe.tokenizer))
    sizes = sizes_in(recipe.unit, None if tokenizer is None else Path(tokenizer))
    places = {name: _place(name, recipe, beside) for name in recipe.parts}
    _require_other_place(store, places)
    there_first = sorted(places, key=lambda name: isinstance(places[name], ConvertConfig))
    opened = {name: _opened(name, recipe.parts[name], places[name], progress) for name in there_first}
    parts = [opened[name] for name in recipe.parts]
    chosen = choose([candidates(part, recipe.seed, sizes) for part in parts], recipe.unit, recipe.total)
    root, prefixes = common_root(parts)
    digest = None if recipe.unit != "tokens" or tokenizer is None else tokenizer_digest(Path(tokenizer))
    identity = _identity(recipe, digest, parts, prefixes)
    version = version_id(identity)
    taken = tuple(
        PartTaken(
            part.name, str(part.root), part.version, len(choice.rows), choice.size, part.table.num_rows, choice.repeated
        )
        for part, choice in zip(parts, chosen, strict=True)
    )
    rows = sum(part.rows for part in taken)
    if dry:
        return Mix(store.root, version, "", False, rows, recipe.unit, taken, _styles(parts, chosen))
    origin = {"mix": str(Path(file)), "image_root": None if root is None else str(root), "seed": recipe.seed}
    with store.lock(version, on_wait=f"another process is making version {version} in {store.root}; waiting for it"):
        did_work = not store.is_whole(version)
        if did_work:
            folder = store.staging(version)
            store.discard(folder)
            progress.stage("writing", rows)
            write_version(folder / "out", recipe, identity, version, parts, chosen, prefixes, progress)
        finished = store.staging(version) / "out" if did_work else store.path_of(version)
        manifest = read_manifest(finished)
        number = store.commit(version, finished, origin, partial(dataset_card, store, version))
        store.discard(store.staging(version))
    return Mix(store.root, version, number, did_work, rows, recipe.unit, taken, manifest.counts.by_style)


_Place = tuple[Path, str | None] | ConvertConfig
"""Of a part: dataset directory and version, or the conversion that makes it."""


def _place(name: str, recipe: MixRecipe, beside: Path) -> _Place:
    """Raises: UsageError."""
    part = recipe.parts[name]
    if part.data is not None:
        return split_location(_beside(beside, part.data))
    settings = {"out": Path("asd-data") / f"{recipe.name}-{name}", **part.convert}
    for key in ("source", "task", "image_root"):
        if isinstance(value := settings.get(key), str):
            settings[key] = _beside(beside, value)
    try:
        return ConvertConfig(**settings)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "settings"
        raise UsageError(f"part {name}: {where}: {problem_of_setting(first)}") from exc


def _beside(folder: Path, name: str) -> str:
    """A file or a dataset (`DIR@VERSION`) of the mix file's folder, else the name as it is."""
    here = folder / name
    return str(here) if split_location(str(here))[0].exists() else name


def _require_other_place(store: Store, places: Mapping[str, _Place]) -> None:
    """Raises: UsageError where the mix would be written among the versions of one of its own parts."""
    for name, place in places.items():
        root = place.out if isinstance(place, ConvertConfig) else place[0]
        if root is not None and root.resolve() == store.root.resolve():
            raise UsageError(
                f"the mix would be written to {store.root}, the dataset of its part {name}. Choose another --out, or another "
                "`name` of the mix."
            )


def _opened(name: str, part: MixPart, place: _Place, progress: Progress) -> OpenPart:
    """A part's version; a conversion that it names is made first."""
    if isinstance(place, ConvertConfig):
        progress.say(f"part {name}: converting {place.task}")
        done = convert(place, progress)
        place = done.path, done.version
    return open_part(name, part, *place)


def _identity(
    recipe: MixRecipe, tokenizer: str | None, parts: Sequence[OpenPart], prefixes: Sequence[str]
) -> dict[str, Any]:
    """Everything that decides the rows of a mix and their bytes, and nothing of where they lie. tokenizer: its digest."""
    return {
        "format": FORMAT_VERSION,
        "code": code_fingerprint(),
        "mix": {
            **recipe.model_dump(mode="json", include={"name", "description", "seed", "unit", "total"}),
            **({} if tokenizer is None else {"tokenizer": tokenizer}),
        },
        "parts": [
            {
                "name": part.name,
                "version": part.version,
                "share": part.part.share,
                "styles": None if part.part.styles is None else list(part.part.styles),
                "split": part.part.split,
                "images_below": prefix,
            }
            for part, prefix in zip(parts, prefixes, strict=True)
        ],
    }


def _styles(parts: Sequence[OpenPart], chosen: Sequence[Choice]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for part, choice in zip(parts, chosen, strict=True):
        styles = part.table["style"].take(pa.array(choice.rows))
        counts.update({item["values"]: item["counts"] for item in styles.value_counts().to_pylist()})
    return dict(sorted(counts.items()))
