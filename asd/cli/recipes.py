"""`asd recipes`."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import yaml

from asd.errors import UsageError
from asd.recipes.recipe import Recipe, builtin_recipes, load_recipe, recipe_mapping, recipe_name

_WIDTH = 100
_WHAT = (
    "A recipe converts the tasks of a benchmark with the same settings:",
    "  asd convert --recipe NAME    convert them, each into a folder of its own",
    "  asd data check NAME          say which of the data is there, and where the rest comes from",
    "  asd recipes NAME             show one; --yaml prints it, to be changed and given by its path",
)


def run(name: str | None, *, as_yaml: bool, as_json: bool) -> None:
    if name is None and as_yaml:
        raise UsageError("--yaml prints one recipe; give its name, e.g. asd recipes coin/asd --yaml.")
    if as_yaml:
        print(yaml.safe_dump(recipe_mapping(str(name)), sort_keys=False, allow_unicode=True, width=_WIDTH), end="")
        return
    recipes = {known: load_recipe(known) for known in ([recipe_name(name)] if name is not None else builtin_recipes())}
    if as_json:
        documents = [{"recipe": known, **recipe.model_dump(mode="json")} for known, recipe in recipes.items()]
        print(json_module.dumps(documents, indent=1, ensure_ascii=False))
    else:
        print("\n".join(overview(recipes) if name is None else describe(*next(iter(recipes.items())))))


def overview(recipes: Mapping[str, Recipe]) -> list[str]:
    lines = []
    for name, recipe in recipes.items():
        tasks = f"{len(recipe.tasks)} tasks: {', '.join(entry.task for entry in recipe.tasks)}"
        lines += [f"{name}: {recipe.description}", *_indented(tasks)]
    return [*lines, "", *_WHAT]


def describe(name: str, recipe: Recipe) -> list[str]:
    lines = [
        f"{name}: {recipe.description}",
        "",
        f"writes to        {recipe.out}/TASK",
        f"settings         {_settings(recipe.settings) or 'the defaults of asd convert'}",
    ]
    if recipe.hyperparameters:
        lines += _wrapped(f"how they trained {_settings(recipe.hyperparameters)}")
    if recipe.published:
        lines += _wrapped(f"published        {'; '.join(dict.fromkeys(row.method for row in recipe.published))}")
    lines += ["", "tasks, in order:"]
    for number, entry in enumerate(recipe.tasks, start=1):
        own = _settings(entry.settings)
        lines.append(f"  {number}  {entry.task}{f'   {own}' if own else ''}")
        lines += [f"       data below {place.folder}: {', '.join(place.files)}" for place in entry.places]
    return [
        *lines,
        "",
        f"is the data there?  asd data check {name}",
        f"convert it:         asd convert --recipe {name}",
        f"as YAML, to change: asd recipes {name} --yaml > mine.yaml",
    ]


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {json_module.dumps(value, ensure_ascii=False)}" for key, value in settings.items())


def _indented(text: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _wrapped(text: str) -> list[str]:
    return wrap(text, _WIDTH, subsequent_indent=" " * 17, break_on_hyphens=False)
