from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from asd_training.errors import RunError, StateError
from asd_training.report.run_record import load_record
from tests.training.report.run_folders import change, write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


def test_what_a_run_left_is_read(run: Path) -> None:
    found = load_record(run)
    assert found.tasks == ["scienceqa", "vqav2", "imagenet"]
    assert [stage.name for stage in found.stages] == found.tasks
    assert list(found.matrices) == ["strict", "recovered", "constrained"]
    assert math.isnan(found.matrices["strict"].values[0, 1])
    assert found.peak_memory == {"process": 2**30}
    assert found.seconds("train") == 90.0
    assert (found.processor_seconds("train"), found.processor_seconds("evaluate")) == (60.0, 12.0)
    assert found.stages[0].log[0]["loss"] == 1.0


def test_processor_time_that_is_not_of_all_stages_is_none(run: Path) -> None:
    change(run / "results.json", processor_s={"train": {"03-imagenet": 20.0}})  # the rest by a build that kept none
    found = load_record(run)
    assert (found.processor_seconds("train"), found.processor_seconds("evaluate")) == (None, None)


def test_nan_in_the_file_is_not_evaluated(run: Path) -> None:
    change(run / "results.json", matrices={"strict": [[1.0, None, None], [0.5, 1.0, None], [0.5, math.nan, 1.0]]})
    assert load_record(run).metrics["strict"]["MFN"] is None
    assert load_record(run).metrics["strict"]["MFT"] == 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 7}, r"results.json has format 7, this build reads 1"),
        ({"tasks": []}, r"results.json: tasks: List should have at least 1 item"),
        ({"seed": "many"}, r"results.json: seed: Input should be a valid integer"),
        ({"matrices": {"strict": [[1.0]]}}, r"matrix 'strict': row 0 of the accuracy matrix has 1 cells, expected 3"),
        ({"stages": ["../../etc"]}, r"'../../etc' is no stage; expected a name such as 03-imagenet"),
        ({"stages": ["09-vqav2"]}, r"'09-vqav2' is no stage"),
        (
            {"forgetting": {"vqav2": {"03-imagenet": {"forgotten": 1}}}},
            r"forgetting.vqav2.03-imagenet.right_own: Field requ",
        ),
    ],
)
def test_damaged_results(run: Path, changes: dict[str, object], message: str) -> None:
    change(run / "results.json", **changes)
    with pytest.raises(RunError, match=message):
        load_record(run)


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is no run folder \(config.json is missing\)"):
        load_record(tmp_path)


def test_nothing_finished_yet(run: Path) -> None:
    (run / "results.json").unlink()
    with pytest.raises(RunError, match=r"has no results yet: no stage is finished; run `asd-train run`"):
        load_record(run)


def test_files_that_are_no_json(run: Path) -> None:
    (run / "results.json").write_text("{")
    with pytest.raises(StateError, match=r"results.json cannot be read"):
        load_record(run)


def test_a_damaged_log(run: Path) -> None:
    (run / "tasks/02-vqav2/log.jsonl").write_text("{broken\n")
    with pytest.raises(StateError, match=r"log.jsonl is damaged .*; delete the file: only the loss curve is lost"):
        load_record(run).stages[1].log  # noqa: B018


def test_a_configuration_without_settings(run: Path) -> None:
    (run / "config.json").write_text(json.dumps({"format_version": 1}))
    with pytest.raises(RunError, match=r"config.json holds no configuration"):
        load_record(run)


def test_a_stage_of_all_tasks(tmp_path: Path) -> None:
    run = write_run(tmp_path / "joint", method={"method": "joint"})
    change(run / "results.json", stages=["03-joint"])
    (stage,) = load_record(run).stages
    assert (stage.row, stage.name, stage.tasks) == (2, "joint", ("scienceqa", "vqav2", "imagenet"))
    assert stage.facts == {}
