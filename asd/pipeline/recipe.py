"""Recipes: one YAML file that converts the tasks of a whole benchmark with the same settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asd.errors import UnknownNameError, UsageError
from asd.pipeline.config import ConvertConfig
from asd.resources import pipelines_dir
from asd.sources.resolve import resolve_source
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
    tasks: list[dict[str, Any]] = Field(min_length=1)
    """In the benchmark's order: `task` and whatever settings differ for it."""


def builtin_recipes() -> dict[str, Path]:
    """ "<benchmark>/<recipe>" -> file."""
    root = pipelines_dir()
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in sorted(root.rglob("*.yaml"))}


def load_recipe(name_or_path: str) -> Recipe:
    """A built-in recipe by name ("coin/asd") or any by path. Raises: UsageError, UnknownNameError."""
    path = Path(name_or_path)
    if not path.is_file():
        known = builtin_recipes()
        if name_or_path not in known:
            raise UnknownNameError("recipe", name_or_path, known, hint="A path to a YAML file works too.")
        path = known[name_or_path]
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
        return Recipe.model_validate(raw)
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path} is not valid YAML: {exc}") from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise UsageError(f"{path}: {where}: {first['msg']}") from exc


def require_one_kind(recipe: Recipe, configs: list[ConvertConfig]) -> None:
    """Before any work: a benchmark is made of real data or of embedded samples, never of both.

    Raises: UsageError naming the tasks whose data is missing; as `load_task` and `resolve_source`.
    """
    kinds = {config.task: resolve_source(load_task(config.task), config.source).kind for config in configs}
    missing = [task for task, kind in kinds.items() if kind == "embedded"]
    if missing and len(missing) < len(configs):
        raise UsageError(
            f"recipe {recipe.name}: no data was found for {', '.join(missing)}; the other tasks have theirs. Put the "
            "missing ones below the data root, name them with `source:` in a recipe of your own, or convert single "
            "tasks with --task."
        )


def _merged(*parts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Later settings of the rewriter replace earlier ones of the same name, in groups too; None starts from nothing."""
    whole: dict[str, Any] | None = None
    for part in parts:
        if part is None:
            whole = None
            continue
        whole = dict(whole or {})
        for name, value in part.items():
            known = whole.get(name)
            whole[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return whole


def recipe_configs(recipe: Recipe, overrides: Mapping[str, Any]) -> list[ConvertConfig]:
    """One conversion per task: recipe settings, then the task's own, then `overrides` (the command line)."""
    root = Path(overrides.get("out") or recipe.out)
    shared = {key: value for key, value in overrides.items() if key not in ("out", "task", "source")}
    configs = []
    for entry in recipe.tasks:
        if "task" not in entry:
            raise UsageError(f"recipe {recipe.name}: an entry of `tasks` has no `task`: {entry}")
        settings = {**recipe.settings, **entry, **shared}
        if "rewriter" in settings:
            settings["rewriter"] = _merged(*(part["rewriter"] for part in (recipe.settings, entry, shared) if "rewriter" in part))
        settings.setdefault("out", root / Path(str(entry["task"])).stem)
        try:
            configs.append(ConvertConfig(**settings))
        except ValidationError as exc:
            first = exc.errors()[0]
            where = ".".join(map(str, first["loc"])) or "settings"
            message = first["msg"].removeprefix("Value error, ")
            raise UsageError(f"recipe {recipe.name}, task {entry['task']}: {where}: {message}") from exc
    return configs


def recipe_datasets(recipe: Recipe) -> list[Path]:
    """The dataset directories that converting the recipe makes, in its order; `-sample` ones where only those exist."""
    folders = []
    for config in recipe_configs(recipe, {}):
        folder = Path(config.out or ".")
        sample = folder.with_name(f"{folder.name}-sample")
        folders.append(sample if sample.is_dir() and not folder.is_dir() else folder)
    return folders
