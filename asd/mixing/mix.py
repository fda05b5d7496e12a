"""One mix, from its file to a committed version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
from asd.mixing.parts import OpenPart, candidates, common_root, open_part
from asd.mixing.recipe import MixRecipe, read_recipe
from asd.mixing.write import write_version
from asd.shards.card import dataset_card
from asd.shards.manifest import FORMAT_VERSION, read_manifest
from asd.shards.store import Store


@dataclass(frozen=True)
class PartTaken:
    """What a mix takes of a part."""

    name: str
    data: str
    version: str
    rows: int
    words: int
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

    out: dataset directory (default: asd-data/<name>); total: rows (or words) instead of the file's; dry: choose the rows and
    write none (conversions that the parts name are made, or found). The same file and the same parts give the same bytes.
    Raises: UsageError, and what `convert` raises.
    """
    progress = progress or SilentProgress()
    recipe = read_recipe(Path(file))
    if total is not None:
        recipe = recipe.model_copy(update={"total": total})
    there_first = sorted(recipe.parts, key=lambda name: recipe.parts[name].data is None)
    opened = {name: _opened(name, recipe, Path(file).parent, progress) for name in there_first}
    parts = [opened[name] for name in recipe.parts]
    in_words = recipe.unit == "words"
    chosen = choose([candidates(part, recipe.seed, in_words=in_words) for part in parts], recipe.unit, recipe.total)
    root, prefixes = common_root(parts)
    store = Store(out if out is not None else Path("asd-data") / recipe.name)
    store.require_free()
    identity = _identity(recipe, parts, prefixes)
    version = version_id(identity)
    taken = tuple(
        PartTaken(
            part.name, str(part.root), part.version, len(choice.rows),
            choice.words if in_words else 0, part.table.num_rows, choice.repeated,
        )
        for part, choice in zip(parts, chosen, strict=True)
    )  # fmt: skip
    rows = sum(one.rows for one in taken)
    if dry:
        return Mix(store.root, version, "", False, rows, taken, _styles(parts, chosen))
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
    return Mix(store.root, version, number, did_work, rows, taken, manifest.counts.by_style)


def _opened(name: str, recipe: MixRecipe, beside: Path, progress: Progress) -> OpenPart:
    """A part's version; a conversion that it names is made first."""
    part = recipe.parts[name]
    if part.data is not None:
        here = beside / part.data
        exists = here.exists() or Path(str(here).rpartition("@")[0]).is_dir()
        return open_part(name, part, str(here) if exists else part.data)
    settings = {"out": Path("asd-data") / f"{recipe.name}-{name}", **part.convert}
    for key in ("source", "task", "image_root"):  # files are found beside the mix file, as `data` is
        value = settings.get(key)
        if isinstance(value, str) and (beside / value).exists():
            settings[key] = str(beside / value)
    try:
        config = ConvertConfig(**settings)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "settings"
        raise UsageError(f"part {name}: {where}: {problem_of_setting(first)}") from exc
    progress.say(f"part {name}: converting {config.task}")
    done = convert(config, progress)
    return open_part(name, part, f"{done.path}@{done.version}")


def _identity(recipe: MixRecipe, parts: Sequence[OpenPart], prefixes: Sequence[str]) -> dict[str, Any]:
    """Everything that decides the rows of a mix and their bytes."""
    return {
        "format": FORMAT_VERSION,
        "code": code_fingerprint(),
        "mix": {"name": recipe.name, "seed": recipe.seed, "unit": recipe.unit, "total": recipe.total},
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
