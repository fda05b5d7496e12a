"""What a user may get wrong: each is one message that names the place and the way on, before any time is spent."""

from __future__ import annotations

import copy
import json
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asd_training.cli.main import main
from asd_training.config import ModelConfig, build_config
from asd_training.errors import ModelError, RunError, StateError, TaskDataError
from asd_training.loop import run
from asd_training.models import load_model, load_processor
from tests.training.run_settings import make_settings

Settings = dict[str, Any]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = make_settings(tmp_path_factory.mktemp("bad"), method={"method": "seq-lora"}, train={"steps": 1})
    start(settings)
    return settings


@pytest.fixture
def fresh(finished: Settings, tmp_path: Path) -> Settings:
    """The settings of a run that has not begun."""
    return {**copy.deepcopy(finished), "out": str(tmp_path / "run")}


def start(settings: Settings) -> dict[str, Any]:
    return run(build_config(settings), lambda text: None)


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says on its way out."""
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr().err
    assert stopped.value.code in (1, 2)
    assert said.startswith("error: ") and "Errno 21" not in said
    return said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"scorer": "none"},
            r"task 'vqav2' has no scorer: no scoring rule named 'none' \(known: .*Name one in its entry",
        ),
        ({"scorer": "exactmatch"}, r"no scoring rule named 'exactmatch'; did you mean 'exact_match'"),
        (
            {"task": "colours"},
            r"task 'colours' has no scorer: .*/vqav2@\w+ was made as task 'vqav2'; name that task .*\(`scorer: single_string`\)",
        ),
        ({"train": "nowhere"}, r"task 'vqav2': nowhere does not exist .*Give the directory that `asd convert` printed"),
        ({"test_split": "dev"}, r"task 'vqav2': no split named 'dev' \(known: test\)"),
        ({"image_root": "nowhere"}, r"25 image\(s\) do not exist, e.g. .*nowhere/train/0.png; set data.image_root"),
    ],
)
def test_a_wrong_task_entry(fresh: Settings, changes: Settings, message: str) -> None:
    fresh["data"]["tasks"][0].update(changes)
    with pytest.raises(TaskDataError, match=message):
        start(fresh)


def test_a_version_that_is_not_there(fresh: Settings) -> None:
    fresh["data"]["tasks"][0]["train"] += "@v9"
    with pytest.raises(TaskDataError, match=r"no version named 'v9'; did you mean 'v1'\? \(known: .*Looked in"):
        start(fresh)


def test_shards_of_a_newer_format(fresh: Settings, tmp_path: Path) -> None:
    entry = fresh["data"]["tasks"][0]
    shutil.copytree(entry["train"], tmp_path / "newer")
    for path in (tmp_path / "newer").rglob("manifest.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))
    entry["train"] = str(tmp_path / "newer")
    with pytest.raises(TaskDataError, match=r"manifest.json has format 99; this build reads format .*Upgrade"):
        start(fresh)


def test_a_model_folder_that_is_not_there(fresh: Settings, tmp_path: Path) -> None:
    fresh["model"]["name"] = str(tmp_path / "nothing")
    with pytest.raises(ModelError, match=r"model.name: there is no folder .*nothing; give one with the model's files"):
        start(fresh)


def test_a_hub_name_that_was_not_downloaded(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    fresh["model"]["name"] = "nobody/nothing"
    with pytest.raises(ModelError, match=r"loaded from 'nobody/nothing': .*Give a folder .*was downloaded before"):
        start(fresh)


@pytest.fixture
def hub_that_is_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Its cache of downloaded models, empty; nobody listens at the hub's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    for name, value in {"HF_HUB_OFFLINE": False, "ENDPOINT": address, "HF_HUB_CACHE": str(tmp_path / "hub")}.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    return tmp_path / "hub"


def test_a_hub_that_does_not_answer_is_told_in_seconds(fresh: Settings, hub_that_is_away: Path) -> None:
    fresh["model"]["name"] = "nobody/nothing"
    began = time.monotonic()
    with pytest.raises(
        ModelError, match=r"does not answer .*'nobody/nothing' was not downloaded.*folder \(model.name\)"
    ):
        start(fresh)
    assert time.monotonic() - began < 15


def test_what_was_downloaded_is_used_where_the_hub_does_not_answer(fresh: Settings, hub_that_is_away: Path) -> None:
    model = hub_that_is_away / "models--nobody--something"
    shutil.copytree(fresh["model"]["name"], model / "snapshots/1")
    (model / "refs").mkdir()
    (model / "refs/main").write_text("1")
    assert load_model(ModelConfig(name="nobody/something"))
    assert load_processor(ModelConfig(name="nobody/something"))


def test_a_model_file_that_was_cut_short(fresh: Settings, tmp_path: Path) -> None:
    shutil.copytree(fresh["model"]["name"], tmp_path / "cut")
    weights = tmp_path / "cut/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    fresh["model"]["name"] = str(tmp_path / "cut")
    with pytest.raises(ModelError, match=r"cut' cannot be loaded: .*header.*Complete the download \(model.name\)"):
        start(fresh)


def test_a_projector_that_is_not_there(fresh: Settings) -> None:
    fresh["model"]["projector"] = "model.bridge"
    with pytest.raises(ModelError, match=r"no module 'model.bridge' .*it has 'model.multi_modal_projector'"):
        start(fresh)


@pytest.mark.parametrize("below", ["", "run"])
def test_a_run_folder_that_is_a_file(fresh: Settings, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    fresh["out"] = str(tmp_path / "file" / below)
    with pytest.raises(RunError, match=r"file.* cannot be the run folder .*set `out` to a folder that can be made"):
        start(fresh)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("done", "{}", r"01-vqav2/done.json lacks .*'scores'.* \(got no train_s.*delete it to have it made again"),
        ("done", '{"scores": 3}', r"done.json lacks .*scores: 3.*delete it"),
        ("trained", "{}", r"trained.json lacks 'train_s', 'trainable_parameters' .*delete it to have it made again"),
    ],
)
def test_an_edited_stage_file(finished: Settings, tmp_path: Path, name: str, content: str, message: str) -> None:
    shutil.copytree(finished["out"], tmp_path / "run")
    stage = tmp_path / "run/tasks/01-vqav2"
    (stage / "done.json").unlink()
    (stage / f"{name}.json").write_text(content)
    with pytest.raises(StateError, match=message):
        start({**finished, "out": str(tmp_path / "run")})


def test_a_report_on_memory_that_is_no_number(
    finished: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished["out"], tmp_path / "run")
    (tmp_path / "run/tasks/01-vqav2/done.json").write_text('{"peak_memory_bytes": {"process": "much"}}')
    said = fails(capsys, "report", tmp_path / "run")
    assert "done.json: peak_memory_bytes.process is 'much', expected a number of bytes; remove the entry" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            lambda run, data, at: ["predict", run, "--data", data, "--out", at],
            "--out: {at} is a folder, expected a file",
        ),
        (
            lambda run, data, at: ["predict", run, "--data", data, "--out", at / "file/p.arrow"],
            "--out: the folder {at}/file",
        ),
        (
            lambda run, data, at: ["predict", run, "--data", data, "--out", at / "p.arrow", "--image-root", at],
            "5 image(s) do not exist, e.g. vqav2/test/c0: {at}/test/0.png; give the folder",
        ),
        (lambda run, data, at: ["eval", run, "--out", at / "file"], "--out: the folder {at}/file cannot be made"),
        (lambda run, data, at: ["report", run, "--html", at], "--html: {at} is a folder, expected a file"),
    ],
)
def test_a_place_that_cannot_be_used(
    finished: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: Callable[..., list[object]],
    message: str,
) -> None:
    (tmp_path / "file").write_text("")
    data = finished["data"]["tasks"][0]["test"]
    assert message.format(at=tmp_path) in fails(capsys, *arguments(finished["out"], data, tmp_path))
