"""What happens to a run folder: damaged, lost or older files, and a disk that is full. Nothing trained is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import asd
from asd_training.config import build_config
from asd_training.errors import RunError, SettingError, StateError
from asd_training.loop import run
from asd_training.processes import start_processes
from tests.training.run_processes import run_limited
from tests.training.run_settings import make_settings
from tests.training.tiny_tasks import two_tasks

Settings = dict[str, Any]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("damage")
    settings = make_settings(root, method={"method": "seq-lora"}, train={"steps": 2})
    run(build_config(settings), lambda text: None)
    return settings


@pytest.fixture
def copied(finished: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(finished["out"], tmp_path / "run")
    return {**finished, "out": str(tmp_path / "run")}


def again(settings: Settings) -> dict[str, Any]:
    return run(build_config(settings), lambda text: None)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda out: cut(out / "config.json"), r"config.json cannot be read .*put back a copy"),
        (lambda out: (out / "config.json").write_text("[]"), r"holds list, expected an object.*put back a copy"),
        (lambda out: (out / "config.json").write_text("{}"), r"config.json lacks 'config', 'format_version', 'shards'"),
        (lambda out: cut(out / "tasks/01-vqav2/done.json"), r"done.json cannot be read .*delete it to have it made"),
        (lambda out: (out / "tasks/01-vqav2/log.jsonl").write_text("{\n"), r"log.jsonl is damaged .*delete the file"),
    ],
)
def test_a_damaged_file_is_named(copied: Settings, damage: Callable[[Path], None], message: str) -> None:
    damage(Path(copied["out"]))
    with pytest.raises((RunError, StateError), match=message):
        again(copied)


def test_results_cut_off_are_written_again(copied: Settings) -> None:
    file = Path(copied["out"]) / "results.json"
    before = file.read_bytes()
    cut(file)
    again(copied)
    assert file.read_bytes() == before


def test_lost_predictions_of_an_earlier_stage_are_made_again(copied: Settings) -> None:
    out = Path(copied["out"])
    predictions = out / "predictions/01-after-vqav2/vqav2.arrow"
    expected, later = predictions.read_bytes(), out / "tasks/02-scienceqa/done.json"
    cut(predictions)
    facts = later.read_text()
    later.unlink()
    with pytest.raises(RunError, match=r"vqav2.arrow cannot be read as predictions .*and the done.json of its stage"):
        again(copied)
    predictions.unlink()
    (out / "tasks/01-vqav2/done.json").unlink()
    results = again(copied)
    assert predictions.read_bytes() == expected
    assert results["finished"]
    assert json.loads(later.read_text())["scores"] == json.loads(facts)["scores"]


def test_stages_between_are_loaded_on_the_way_to_a_later_one(tmp_path: Path, finished: Settings) -> None:
    """Undone: the first and the last of three stages; the answers after the last need what the second trained."""
    third = _third_task(tmp_path)
    data = {**finished["data"], "tasks": [*finished["data"]["tasks"], third]}
    settings = {**finished, "out": str(tmp_path / "three"), "data": data}
    again(settings)
    out = Path(settings["out"])
    expected = {path: path.read_bytes() for path in out.rglob("*.arrow")}
    for stage in ("01", "03"):
        (next((out / "tasks").glob(f"{stage}-*")) / "done.json").unlink()
        for path in next((out / "predictions").glob(f"{stage}-*")).iterdir():
            path.unlink()
    again(settings)
    assert {path: path.read_bytes() for path in out.rglob("*.arrow")} == expected


def test_a_setting_newer_than_the_run_has_its_default(copied: Settings) -> None:
    file = Path(copied["out"]) / "config.json"
    facts = json.loads(file.read_text())
    del facts["config"]["eval"]["cross_format"]
    file.write_text(json.dumps(facts))
    assert again(copied)["finished"]


@pytest.mark.parametrize("limit_bytes", [1_500, 3_000, 30_000])
def test_a_full_disk_is_told_and_the_run_goes_on(finished: Settings, tmp_path: Path, limit_bytes: int) -> None:
    settings = {**finished, "out": str(tmp_path / "full"), "train": {**finished["train"], "checkpoint_steps": 1}}
    told = tmp_path / "told"
    assert run_limited(settings, limit_bytes, told) == 0
    assert "is full (" in told.read_text()
    assert "the same command goes on" in told.read_text()
    assert again(settings)["finished"]


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"ACCELERATE_USE_DEEPSPEED": "true"}, r"set to DeepSpeed \(\$ACCELERATE_USE_DEEPSPEED\).*train.shard: true"),
        ({"ACCELERATE_USE_FSDP": "true"}, r"set to FSDP with version 1 .*set fsdp_version: 2"),
        ({"ACCELERATE_USE_FSDP": "1", "FSDP_VERSION": "2", "FSDP_OFFLOAD_PARAMS": "true"}, r"parameters on the CPU"),
    ],
)
def test_what_only_launchers_can_shard_is_refused(
    monkeypatch: pytest.MonkeyPatch, switches: dict[str, str], message: str
) -> None:
    for name, value in switches.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=message):
        start_processes()


def _third_task(folder: Path) -> dict[str, str]:
    """The colours as task gqa."""
    entry = {**two_tasks(folder / "data")["tasks"][0], "task": "gqa"}
    for split in ("train", "test"):
        asd.convert(split=split, ratio=0.0, out=folder / split, workers=1, **entry)
    return {"task": "gqa", "train": str(folder / "train"), "test": str(folder / "test")}
