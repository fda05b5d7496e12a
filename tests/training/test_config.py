"""Run configurations: all problems at once, inheritance, changes from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from asd.resources import pipelines_dir
from asd_training.config import build_config, change_config, load_config
from asd_training.errors import SettingError

MINIMAL: dict[str, Any] = {
    "name": "t",
    "method": {"method": "reglora"},
    "model": {"name": "m"},
    "data": {"tasks": ["gqa", {"task": "my/parts.yaml", "scorer": "label"}]},
}


def write(folder: Path, name: str, settings: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(settings))
    return path


def test_defaults_are_those_of_the_released_method() -> None:
    config = build_config(MINIMAL)
    assert (config.method.strength, config.method.fraction, config.method.duplicates) == (2500, 0.02, "count")  # type: ignore[union-attr]
    assert (config.train.lora.r, config.train.lora.alpha, config.train.lr) == (128, 256, 2e-4)
    assert [entry.name for entry in config.data.tasks] == ["gqa", "parts"]
    assert config.run_dir == Path("runs/t")


def test_a_task_may_have_a_batch_of_its_own() -> None:
    data = MINIMAL["data"] | {"tasks": [{"task": "gqa", "batch": 6}, "parts"]}
    config = build_config(MINIMAL | {"data": data, "train": {"batch": 9}})
    assert [config.train_on([name]).batch for name in ("gqa", "parts")] == [6, 9]
    assert config.train_on(["gqa", "parts"]).batch == 9  # all at once: no task's own


@pytest.mark.parametrize(
    ("name", "batches", "accumulate"),
    [
        ("seq-lora", [16, 16, 20, 8, 16, 8, 10, 12], 1),
        ("moelora", [12, 12, 16, 6, 12, 6, 6, 8], 1),
        ("seq-lora-newest", [14, 14, 16, 6, 14, 6, 8, 10], 8),
        ("moelora-newest", [14, 14, 16, 6, 14, 6, 8, 10], 8),
        ("sefe", [16] * 8, 1),
    ],
)
def test_runs_on_coin_have_the_batches_of_the_scripts(name: str, batches: list[int], accumulate: int) -> None:
    config = load_config(pipelines_dir() / "coin" / f"{name}.yaml")
    assert [config.train_on([entry.name]).batch for entry in config.data.tasks] == batches
    assert (config.train.accumulate, config.train.weight_decay, config.model.image) == (
        accumulate,
        0.0,
        "padded_square",
    )
    assert config.train.schedule == ("cosine" if name == "sefe" else "constant_with_warmup")


def test_all_problems_are_told_at_once() -> None:
    settings = MINIMAL | {
        "method": {"method": "reglora", "fraction": 2},
        "model": {},
        "train": {"lr": -1, "speed": 3, "lora": {"r": 0}},
        "seed": "x",
    }
    with pytest.raises(SettingError) as told:
        build_config(settings, "my.yaml")
    lines = str(told.value).splitlines()
    assert lines[0] == "my.yaml has 6 problems:"
    assert "  method.fraction: Input should be less than or equal to 1, got 2" in lines
    assert "  model.name: is missing" in lines
    assert "  train.speed: no such setting" in lines
    assert {line.split(":")[0].strip() for line in lines[1:]} >= {"train.lr", "train.lora.r", "seed"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"tasks": ["gqa", "gqa"]}, "the task 'gqa' stands twice"),
        ({"tasks": []}, "at least 1"),
        ({"tasks": [{"task": "gqa", "source": "x"}]}, "has a source, but nothing is to be converted"),
        ({"tasks": [{"task": "gqa", "train": "x"}], "convert": {}}, "has shards and data.convert is set"),
    ],
)
def test_tasks_that_do_not_fit_together(data: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        build_config(MINIMAL | {"data": data})


def test_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(SettingError, match="'seq-lora', 'reglora', 'joint', 'zero-shot'"):
        build_config(MINIMAL | {"method": {"method": "magic"}})


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (["method.method=ewc", "method.strenght=1"], "  method.strenght: no such setting; did you mean 'strength'?"),
        (["train.lora.rr=1"], "  train.lora.rr: no such setting; did you mean 'r'?"),
        (["trian.lr=1"], "  trian: no such setting; did you mean 'train'?"),
        (["data.tasks=[{task: gqa, tset: x}]"], "  data.tasks.0.tset: no such setting"),
    ],
)
def test_a_misspelt_setting_is_named_with_the_nearest(tmp_path: Path, changes: list[str], line: str) -> None:
    with pytest.raises(SettingError) as told:
        load_config(write(tmp_path, "a.yaml", MINIMAL), changes)
    assert str(told.value).splitlines()[1] == line


def test_the_bare_name_of_a_method_means_it_with_its_defaults(tmp_path: Path) -> None:
    base = write(tmp_path, "a.yaml", MINIMAL)
    stronger = build_config(MINIMAL | {"method": {"method": "o-lora", "strength": 5}})
    assert load_config(base, ["method=o-lora", "method.strength=5"]).method == stronger.method
    above = load_config(write(tmp_path, "b.yaml", {"extends": "a.yaml", "method": "ewc"}))
    assert (above.method.method, above.model.name) == ("ewc", load_config(base).model.name)


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        SettingError, match=r"did you mean pocket/quick\? give the path of a run configuration, or one of"
    ):
        load_config("pocket/quik")
    with pytest.raises(SettingError, match="did you mean coin/sefe"):
        load_config(tmp_path / "none" / "coin" / "sefe.yaml")


def test_changes_from_the_command_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", MINIMAL)
    config = load_config(path, ["train.lr=1e-3", "train.lora.targets=[q_proj]", "eval.constrained=true"])
    assert config.train.lr == 1e-3
    assert config.train.lora.targets == ("q_proj",)
    assert config.eval.constrained


@pytest.mark.parametrize("change", ["train.lr", "=3", "train..lr=3", "name.x=3"])
def test_changes_of_another_form(tmp_path: Path, change: str) -> None:
    path = write(tmp_path, "a.yaml", MINIMAL)
    with pytest.raises(SettingError, match="--set"):
        load_config(path, [change])


def test_only_the_named_section_can_be_changed_later() -> None:
    config = build_config(MINIMAL)
    assert change_config(config, ["eval.batch=3"], allowed="eval").eval.batch == 3
    with pytest.raises(SettingError, match="only settings of 'eval' can be changed here"):
        change_config(config, ["train.lr=3"], allowed="eval")


def test_a_file_extends_another(tmp_path: Path) -> None:
    write(
        tmp_path,
        "base.yaml",
        MINIMAL | {"method": {"method": "reglora", "strength": 1}, "train": {"lr": 0.1, "batch": 2}},
    )
    write(tmp_path, "a.yaml", {"extends": "base.yaml", "train": {"batch": 3}})
    write(tmp_path, "b.yaml", {"extends": "base.yaml", "method": {"method": "seq-lora"}})
    config = load_config(tmp_path / "a.yaml")
    assert (config.train.lr, config.train.batch, config.method.method) == (0.1, 3, "reglora")
    assert load_config(tmp_path / "b.yaml").method.model_dump() == {"method": "seq-lora", "between_tasks": "merge"}


def test_a_file_that_extends_itself(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", {"extends": "b.yaml"})
    write(tmp_path, "b.yaml", {"extends": "a.yaml"})
    with pytest.raises(SettingError, match=r"extends itself, by way of 2 file"):
        load_config(tmp_path / "a.yaml")


@pytest.mark.parametrize(("text", "message"), [("- 1", "expected a mapping"), ("a: [", "is not valid YAML")])
def test_files_that_hold_no_settings(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(SettingError, match=message):
        load_config(path)


def test_a_missing_file() -> None:
    with pytest.raises(SettingError, match=r"nowhere\.yaml cannot be read"):
        load_config("nowhere.yaml")


RUNS = [path for path in sorted(pipelines_dir().rglob("*.yaml")) if "\nmethod:" in path.read_text("utf-8")]


@pytest.mark.parametrize("path", RUNS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_shipped_runs_are_valid_and_say_their_command(path: Path) -> None:
    load_config(path)
    name = path.relative_to(pipelines_dir().parent).as_posix()
    assert path.read_text("utf-8").startswith(f"# asd-train run {name}\n")


def test_some_runs_are_shipped() -> None:
    assert RUNS


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 300, r"the task name 'x{20}'... has 300 bytes and is to name folders; give it 120 at most"),
        ("ü" * 100, r"has 200 bytes"),
        ("tasks/" + "y" * 200 + ".yaml", r"has 200 bytes .*of a task YAML it is the file's name"),
        ("a/b", r"the task name 'a/b' cannot name a folder"),
        ("..", r"cannot name a folder"),
        ("", r"cannot name a folder"),
    ],
)
def test_task_names_that_are_no_folder_names(name: str, message: str) -> None:
    given = {"name": "t", "method": {"method": "zero-shot"}, "model": {"name": "m"}, "data": {"tasks": [name]}}
    with pytest.raises(SettingError, match=message):
        build_config(given)


def test_a_run_name_that_is_no_folder_name() -> None:
    given = {"name": "r" * 300, "method": {"method": "zero-shot"}, "model": {"name": "m"}, "data": {"tasks": ["gqa"]}}
    with pytest.raises(SettingError, match=r"name: String should have at most 120 characters"):
        build_config(given)
