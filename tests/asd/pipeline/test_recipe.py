"""Recipes: every one that ships is sound, and mistakes in one are told by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from asd.errors import UnknownNameError, UsageError
from asd.pipeline.recipe import builtin_recipes, load_recipe, recipe_configs, require_one_kind
from asd.tasks.registry import load_task

RECIPES = builtin_recipes()


def test_recipes_ship() -> None:
    assert {"coin/asd", "coast/domain-asd", "smoke/embedded"} <= set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_known_tasks_and_its_own_command(name: str) -> None:
    configs = recipe_configs(load_recipe(name), {})
    assert [load_task(config.task).name for config in configs]
    assert len({config.out for config in configs}) == len(configs)
    assert RECIPES[name].read_text().splitlines()[0] == f"# asd convert --pipeline {name}"


def test_the_command_line_beats_the_task_and_the_task_beats_the_recipe(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nout: d\nsettings: {ratio: 0.1, seed: 1}\ntasks: [{task: gqa}, {task: vqav2, ratio: 0.3}]\n"
    )
    recipe = load_recipe(str(path))
    assert [config.ratio for config in recipe_configs(recipe, {})] == [0.1, 0.3]
    configs = recipe_configs(recipe, {"ratio": 0.5, "out": str(tmp_path)})
    assert [(config.ratio, config.seed, config.out) for config in configs] == [
        (0.5, 1, tmp_path / "gqa"),
        (0.5, 1, tmp_path / "vqav2"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nout: d\ntasks: []\n", "tasks: List should have at least 1 item"),
        ("name: x\nout: d\ntask: gqa\n", "tasks: Field required"),
        ("name: [\n", "is not valid YAML"),
        ("name: x\nout: d\ntasks: [{ratio: 0.1}]\n", "an entry of `tasks` has no `task`"),
        (
            "name: x\nout: d\ntasks: [{task: gqa, ratio: 2}]\n",
            "task gqa: ratio: Input should be less than or equal to 1",
        ),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        recipe_configs(load_recipe(str(path)), {})


def test_an_unknown_recipe_gets_a_guess() -> None:
    with pytest.raises(UnknownNameError, match="no recipe named 'coin/ads'; did you mean 'coin/asd'"):
        load_recipe("coin/ads")


def test_real_data_and_embedded_samples_are_never_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe("smoke/embedded")
    configs = recipe_configs(recipe, {})
    monkeypatch.delenv("ASD_DATA_ROOT", raising=False)
    require_one_kind(recipe, configs)
    (tmp_path / "vqav2").mkdir()
    monkeypatch.setenv("ASD_DATA_ROOT", str(tmp_path))
    with pytest.raises(UsageError, match="recipe smoke: no data was found for scienceqa, grounding; the other tasks"):
        require_one_kind(recipe, configs)
