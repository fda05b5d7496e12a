"""Recipes: one YAML file that converts the tasks of a whole benchmark with the same settings.

A recipe may extend another file and say only what differs. Files whose names begin with `_` are there to be extended,
and those with a `method:` are runs of the training package: neither is a recipe by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from asd.conversion.config import ConvertConfig
from asd.errors import UnknownNameError, UsageError, problem_of_setting
from asd.plain_yaml import read_yaml
from asd.recipes.benchmark import Benchmark, Place, Published, TaskEntry
from asd.resources import pipelines_dir
from asd.sources.resolve import data_root, resolve_source
from asd.tasks.registry import load_task


class Recipe(BaseModel):
    """What a recipe file holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str = ""
    out: Path
    """Folder of the datasets, one per task; relative to where the command runs."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of every task; see `ConvertConfig`."""
    tasks: list[TaskEntry] = Field(min_length=1)
    """In the benchmark's order."""
    benchmark: Benchmark | None = None
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    """How the paper trained."""
    published: list[Published] = Field(default_factory=list)

    @model_validator(mode="after")
    def validate_published(self) -> Recipe:
        """Figures must be of this recipe's tasks, or a comparison would silently drop them."""
        tasks = {entry.task for entry in self.tasks}
        for row in self.published:
            unknown = ({*row.after_own_task, *row.after_last_task} if tasks else set()) - tasks
            if unknown:
                raise ValueError(f"published {row.method!r} has figures of unknown tasks: {', '.join(sorted(unknown))}")
            if row.matrix is not None and len(row.matrix) != len(self.tasks):
                raise ValueError(f"published {row.method!r}: its matrix is not {len(self.tasks)} x {len(self.tasks)}")
        return self


def is_training_run(path: Path) -> bool:
    """Whether a file of `pipelines/` configures a run of the training package: it, or the run beside it that it extends,
    has a top-level `method:`."""
    text = path.read_text("utf-8")
    if "\nmethod:" in text:
        return True
    extended = re.search(r"^extends: (\S+)$", text, re.MULTILINE)
    beside = path.parent / extended[1] if extended else path
    return beside != path and beside.is_file() and is_training_run(beside)


def builtin_recipes() -> dict[str, Path]:
    """ "<benchmark>/<recipe>" -> file."""
    root = pipelines_dir()
    paths = {path.relative_to(root).with_suffix("").as_posix(): path for path in sorted(root.rglob("*.yaml"))}
    return {name: path for name, path in paths.items() if not path.name.startswith("_") and not is_training_run(path)}


def load_recipe(name_or_path: str) -> Recipe:
    """A built-in recipe by name ("coin/asd") or any by path. Raises: UsageError, UnknownNameError."""
    path = _recipe_file(name_or_path)
    try:
        return Recipe.model_validate(_read(path))
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise UsageError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from exc


def recipe_mapping(name_or_path: str) -> dict[str, Any]:
    """What `load_recipe` reads, with what the file extends put under it: it needs no other file any more.

    Raises: as `load_recipe`.
    """
    load_recipe(name_or_path)  # what is printed must be a recipe
    raw: dict[str, Any] = _read(_recipe_file(name_or_path))
    return raw


def recipe_name(name_or_path: str) -> str:
    """The built-in recipe that is meant, in whatever case; the path of a file as it is. Raises: UnknownNameError."""
    if Path(name_or_path).is_file():
        return name_or_path
    known, lower = builtin_recipes(), name_or_path.lower()
    if lower not in known:
        raise UnknownNameError("recipe", name_or_path, known, hint="A path to a YAML file works too.")
    return lower


def _recipe_file(name_or_path: str) -> Path:
    name = recipe_name(name_or_path)
    return builtin_recipes().get(name, Path(name))


def _read(path: Path, extended_by: tuple[Path, ...] = ()) -> Any:
    """The file with what it extends put under it."""
    try:
        raw = read_yaml(path)
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path} is not valid YAML: {exc}") from exc
    except OSError as exc:
        extender = f"; {extended_by[-1]} extends it" if extended_by else ""
        raise UsageError(f"{path} cannot be read ({exc.strerror}){extender}.") from exc
    if not isinstance(raw, dict) or not {"extends", "order"} & raw.keys():
        return raw
    if len(extended_by) > 4:
        raise UsageError(f"{path}: recipes extend each other in a circle, or too deeply.")
    under = _read(_named(str(raw["extends"]), path), (*extended_by, path)) if "extends" in raw else {}
    whole = _over(under, {key: value for key, value in raw.items() if key not in ("extends", "order", "tasks")})
    whole["tasks"] = _tasks_over(under.get("tasks", []), raw.get("tasks", []), raw.get("order"), path)
    return whole


def _named(extended: str, path: Path) -> Path:
    """Beside the file that names it, else among the built-in ones."""
    beside, built_in = path.parent / extended, pipelines_dir() / extended
    return built_in if built_in.is_file() and not beside.is_file() else beside


def _over(under: Any, over: Any) -> Any:
    """`over` laid over `under`, key by key where both are mappings."""
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    return {**under, **{key: _over(under.get(key), value) for key, value in over.items()}}


def _tasks_over(under: list[Any], over: list[Any], order: list[str] | None, path: Path) -> list[Any]:
    """Entries of the same task are laid over each other; `order` chooses and orders."""
    tasks = {entry["task"]: entry for entry in under}
    for entry in over:
        name = entry.get("task") if isinstance(entry, dict) else None
        tasks[name] = _over(tasks.get(name, {}), entry)
    unknown = [name for name in order or () if name not in tasks]
    if unknown:
        raise UnknownNameError(f"task in `order` of {path.name}", unknown[0], map(str, tasks))
    return [tasks[name] for name in order or tasks]


def require_one_kind(recipe: Recipe, configs: list[ConvertConfig]) -> None:
    """Before any work: a benchmark is made of real data or of embedded samples, never of both.

    Raises: UsageError naming the tasks whose data is missing; as `load_task` and `resolve_source`.
    """
    kinds = {config.task: resolve_source(load_task(config.task), config.source).kind for config in configs}
    missing = [task for task, kind in kinds.items() if kind == "embedded"]
    if missing and len(missing) < len(configs):
        raise UsageError(
            f"recipe {recipe.name}: no data was found for {', '.join(missing)}; the other tasks have theirs. Put the "
            "missing ones below the data root (`asd data check` says which files), name them with `source:` in a recipe "
            "of your own, or convert single tasks with --task."
        )


def _merged(*parts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Later settings of the rewriter replace earlier ones of the same name, in groups too; None starts from nothing.

    Another kind of rewriter takes nothing over of where the model was: neither servers nor engine arguments.
    """
    whole: dict[str, Any] | None = None
    for part in parts:
        if part is None:
            whole = None
            continue
        whole = dict(whole or {})
        if part.get("kind", whole.get("kind")) != whole.get("kind"):
            whole = {name: value for name, value in whole.items() if name not in ("base_urls", "server_args")}
        for name, value in part.items():
            known = whole.get(name)
            whole[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return whole


def recipe_configs(recipe: Recipe, overrides: Mapping[str, Any]) -> list[ConvertConfig]:
    """One conversion per task: recipe settings, then the task's own, then `overrides` (the command line)."""
    root = Path(overrides.get("out") or recipe.out)
    shared = {key: value for key, value in overrides.items() if key not in ("out", "task", "source")}
    configs = []
    for item in recipe.tasks:
        entry: dict[str, Any] = {"task": item.task, **item.settings}
        settings = {**recipe.settings, **entry, **shared}
        if "rewriter" in settings:
            settings["rewriter"] = _merged(
                *(part["rewriter"] for part in (recipe.settings, entry, shared) if "rewriter" in part)
            )
        settings.setdefault("out", root / Path(item.task).stem)
        settings["sample_apart"] = not overrides.get("out")
        if "source" not in settings:
            settings |= _placed(item)
        try:
            configs.append(ConvertConfig(**settings))
        except ValidationError as exc:
            first = exc.errors()[0]
            where = ".".join(map(str, first["loc"])) or "settings"
            problem = problem_of_setting(first)
            raise UsageError(f"recipe {recipe.name}, task {item.task}: {where}: {problem}") from exc
    return configs


def _placed(item: TaskEntry) -> dict[str, Any]:
    """Source and image folder of the first complete place below the data root, if the recipe names places."""
    root = data_root()
    place = (
        None
        if root is None
        else next((candidate for candidate in item.places if not missing_files(candidate, root)), None)
    )
    if root is None or place is None:
        return {}
    image_root = root / (place.image_root if place.image_root is not None else place.folder)
    return {"source": str(root / place.folder)} | ({"image_root": image_root} if image_root.is_dir() else {})


def missing_files(place: Place, root: Path) -> list[str]:
    """Globs of a place that match nothing below the data root."""
    folder = root / place.folder
    return [pattern for pattern in place.files if next(folder.glob(pattern), None) is None]


def recipe_datasets(recipe: Recipe) -> list[Path]:
    """The dataset directories that converting the recipe makes, in its order; `-sample` ones where only those exist."""
    folders = []
    for config in recipe_configs(recipe, {}):
        folder = Path(config.out or ".")
        sample = folder.with_name(f"{folder.name}-sample")
        folders.append(sample if sample.is_dir() and not folder.is_dir() else folder)
    return folders
