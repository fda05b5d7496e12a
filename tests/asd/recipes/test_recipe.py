"""Recipes: every one that ships is sound, and mistakes in one are told by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import asd
from asd.errors import UnknownNameError, UsageError
from asd.recipes.recipe import builtin_recipes, is_training_run, load_recipe, recipe_configs, require_one_kind
from asd.resources import pipelines_dir
from asd.scoring import find_scorer
from asd.tasks.registry import load_task
from tests.asd.cli_runner import run_asd

RECIPES = builtin_recipes()
FILES = sorted(path.relative_to(pipelines_dir()).as_posix() for path in pipelines_dir().rglob("*.yaml"))


def test_every_yaml_is_a_recipe_or_says_that_it_is_none() -> None:
    assert len(FILES) > 20
    recipes = {f"{name}.yaml" for name in RECIPES}
    others = [pipelines_dir() / name for name in FILES if name not in recipes]
    assert all(path.name.startswith("_") or is_training_run(path) for path in others)


@pytest.mark.parametrize("file", FILES)
def test_every_yaml_is_sound(file: str) -> None:
    """Bases are extended by somebody, so what they say is checked with the recipes below."""
    raw = yaml.safe_load((pipelines_dir() / file).read_text("utf-8"))
    assert isinstance(raw, dict)
    name = file.split("/")[-1]
    if name.startswith("_"):
        assert any(f"/{name}" in f"/{other}" for other in map(_extended, (pipelines_dir() / one for one in FILES)))


def _extended(path: Path) -> str:
    return str(yaml.safe_load(path.read_text("utf-8")).get("extends", ""))


def test_recipes_ship() -> None:
    assert {"coin/asd", "coin/default", "coin/alphabetical", "coin/original", "coin/diverse", "coin/10type"} <= set(
        RECIPES
    )
    assert {f"coin/asd-x{share}" for share in (10, 40, 60, 80)} <= set(RECIPES)
    assert {"coast/domain-asd", "coast/capability-asd", "coast/dataset-asd", "ucit/asd", "ucit/default"} <= set(RECIPES)
    assert {"mllm-dcl/asd", "mllm-dcl/default", "mllm-acl/asd", "mllm-acl/default", "smoke/embedded"} <= set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_known_tasks_and_its_own_command(name: str) -> None:
    configs = recipe_configs(load_recipe(name), {})
    assert [config.load_spec().name for config in configs]
    assert len({config.out for config in configs}) == len(configs)
    assert RECIPES[name].read_text().splitlines()[0] == f"# asd convert --recipe {name}"


@pytest.mark.parametrize("name", [name for name in RECIPES if not name.startswith(("smoke/", "smollm/"))])
def test_what_a_recipe_says_of_its_tasks_agrees_with_them(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.benchmark is not None
    assert recipe.hyperparameters["start_model"]
    for entry in recipe.tasks:
        assert entry.native_style == load_task(entry.task).native_style
        assert entry.scorers
        for rule in entry.scorers:
            find_scorer(rule)
        for texts in entry.settings.get("rfps", {}).values():
            assert len(set(texts)) == len(texts)


def test_no_two_recipes_write_to_one_place() -> None:
    outs = [config.out for name in RECIPES for config in recipe_configs(load_recipe(name), {})]
    assert len(set(outs)) == len(outs)


def test_published_matrices_agree_with_the_figures_that_the_authors_print() -> None:
    """CoIN's sequential LoRA run: its matrix gives the printed BWT with divisor T, and -37.29 with T - 1."""
    lora = load_recipe("coin/default").published[0]
    assert lora.matrix is not None
    losses = [lora.matrix[-1][task] - lora.matrix[task][task] for task in range(8)]  # type: ignore[operator]
    assert round(sum(losses) / 8, 2) == lora.metrics["BWT"] == -32.62
    assert round(sum(losses) / 7, 2) == -37.29
    regularised = next(row for row in load_recipe("mllm-dcl/asd").published if row.method.startswith("RegLoRA (listed"))
    assert regularised.metrics["MFN"] == pytest.approx(sum(regularised.after_last_task.values()) / 5, abs=0.006)
    assert (regularised.metrics["MFN"] - regularised.metrics["MFT"]) * 5 / 4 == pytest.approx(
        regularised.metrics["BWT"], abs=0.006
    )


def test_a_recipe_says_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "_base.yaml").write_text(
        "name: base\nout: d\nsettings: {ratio: 0.1, seed: 1}\n"
        "tasks: [{task: gqa, ratio: 0.3, scorers: ['gqa:fixed']}, {task: vqav2}]\n"
    )
    path = tmp_path / "mine.yaml"
    path.write_text(
        "extends: _base.yaml\nname: mine\nsettings: {ratio: 0.5}\norder: [vqav2, textvqa, gqa]\n"
        "tasks: [{task: gqa, seed: 7}, {task: textvqa}]\n"
    )
    recipe = load_recipe(str(path))
    assert [entry.task for entry in recipe.tasks] == ["vqav2", "textvqa", "gqa"]
    assert recipe.tasks[2].scorers == ["gqa:fixed"]
    configs = recipe_configs(recipe, {})
    assert [(config.ratio, config.seed) for config in configs] == [(0.5, 1), (0.5, 1), (0.3, 7)]


def test_a_recipe_of_ones_own_may_extend_a_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "extends: coin/_coin.yaml\nname: mine\nout: d\norder: [vqav2, gqa]\npublished: []\n"
    )
    recipe = load_recipe(str(tmp_path / "mine.yaml"))
    assert [entry.task for entry in recipe.tasks] == ["vqav2", "gqa"]


def test_own_wordings_reach_the_samples(tmp_path: Path) -> None:
    import json

    from asd.conversion.convert import convert

    source = tmp_path / "problems.json"
    source.write_text(json.dumps({"1": {"question": "Which?", "choices": ["a", "b"], "answer": 0, "image": None,
                                        "split": "train", "hint": "", "lecture": "", "solution": ""}}))  # fmt: skip
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"name: mine\nout: {tmp_path}/d\nsettings: {{ratio: 0}}\n"
        f"tasks: [{{task: scienceqa, source: {source}, rfps: {{multiple_choice: ['Your letter, please.']}}}}]\n"
    )
    (config,) = recipe_configs(load_recipe(str(path)), {})
    done = convert(config)
    assert asd.load(done.path)[0]["prompt"] == "Which?\nA. a\nB. b\nYour letter, please."
    other = convert(config.model_copy(update={"rfps": None, "out": tmp_path / "e"}))
    assert other.version != done.version


def test_the_first_complete_place_below_the_data_root_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nout: d\ntasks:\n  - task: gqa\n    places:\n"
        "      - {folder: a, files: [x.json, y.json], image_root: pictures}\n"
        "      - {folder: b, files: ['z*.json']}\n"
    )
    for name in ("a/x.json", "b/z1.json", "pictures/p.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    monkeypatch.setenv("ASD_DATA_ROOT", str(tmp_path))
    recipe = load_recipe(str(path))
    (config,) = recipe_configs(recipe, {})
    assert (config.source, config.image_root) == (str(tmp_path / "b"), tmp_path / "b")
    (tmp_path / "a/y.json").write_text("x")
    (config,) = recipe_configs(recipe, {})
    assert (config.source, config.image_root) == (str(tmp_path / "a"), tmp_path / "pictures")


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
        (
            "extends: gone.yaml\nname: x\n",
            r"gone.yaml cannot be read \(No such file or directory\); .*mine.yaml extends",
        ),
        ("extends: mine.yaml\nname: x\n", "extend each other in a circle"),
        ("name: x\nout: d\norder: [gqua]\ntasks: [{task: gqa}]\n", "no task in `order` of mine.yaml named 'gqua'"),
        ("name: x\nout: d\ntasks: [{task: gqa, rfps: {short: [a]}}]\n", "rfps: no key 'short'"),
        ("name: x\nout: d\ntasks: [{task: gqa, rfps: {short_answer: []}}]\n", "short_answer needs at least one"),
        (
            "name: x\nout: d\ntasks: [{task: gqa}]\n"
            "published: [{method: m, start_model: s, source: q, certainty: read, after_own_task: {vqav2: 1}}]\n",
            "published 'm' has figures of unknown tasks: vqav2",
        ),
        (
            "name: x\nout: d\ntasks: [{task: gqa}]\n"
            "published: [{method: m, start_model: s, source: q, certainty: read}]\n",
            "m: no figure is given",
        ),
        ("name: x\nout: d\ntasks: [{ratio: 0.1}]\n", "an entry of `tasks` has no `task`"),
        (
            "name: x\nout: d\ntasks: [{task: gqa, ratio: 2}]\n",
            "task gqa: ratio: give a share between 0 and 1",
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


class TestCommand:
    def test_list(self) -> None:
        told = run_asd("recipes").out
        assert all(f"\n{name}: " in f"\n{told}" for name in RECIPES)
        assert "asd convert --recipe NAME" in told

    @pytest.mark.parametrize("name", RECIPES)
    def test_printed_whole_a_recipe_needs_no_other_file(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "mine.yaml").write_text(run_asd("recipes", name, "--yaml").out)
        assert load_recipe(str(tmp_path / "mine.yaml")) == load_recipe(name)

    def test_one_is_explained(self) -> None:
        told = run_asd("recipes", "CoIN/asd").out
        assert told.startswith("coin/asd: CoIN's eight tasks in training order")
        assert "\n  4  gqa\n       data below CoIN/Instructions_Original/GQA: train.json\n" in told
        assert "asd convert --recipe coin/asd\n" in told
        assert json.loads(run_asd("recipes", "coin/asd", "--json").out)[0]["settings"]["ratio"] == 0.2

    def test_mistakes(self) -> None:
        assert "no recipe named 'coin/ads'; did you mean 'coin/asd'" in run_asd("recipes", "coin/ads").err
        assert "--yaml prints one recipe; give its name" in run_asd("recipes", "--yaml").err
