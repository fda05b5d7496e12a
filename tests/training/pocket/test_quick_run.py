"""The whole loop on the shipped base model, as a user calls it: drawn tasks, ASD, RegLoRA, matrix, resumption."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from asd.resources import pipelines_dir

QUICK = pipelines_dir() / "pocket" / "quick.yaml"


def asd_train(folder: Path) -> str:
    command = [sys.executable, "-m", "asd_training.cli.main", "run", str(QUICK), "--out", "run"]
    paths = os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_quick_run_from_nothing_and_again(tmp_path: Path) -> None:
    printed = asd_train(tmp_path)
    results = json.loads((tmp_path / "run" / "results.json").read_text("utf-8"))
    assert results["finished"]
    assert results["tasks"] == ["scienceqa", "imagenet", "grounding"]
    assert results["asd"] == pytest.approx(0.2, abs=0.01)
    strict = results["matrices"]["strict"]
    assert [[cell is not None for cell in row] for row in strict] == [
        [True, False, False],
        [True, True, False],
        [True] * 3,
    ]
    assert all(told["last"]["loss"] < told["first"]["loss"] for told in results["losses"].values())
    assert "after grounding" in printed
    styles = {style for line in (tmp_path / "run").rglob("log.jsonl") for style in line.read_text("utf-8").split('"')}
    assert {"multiple_choice", "short_answer", "bounding_box", "yes_no"} <= styles
    before = (tmp_path / "run" / "results.json").read_bytes()
    assert asd_train(tmp_path) == printed  # everything is finished: nothing is done again
    assert (tmp_path / "run" / "results.json").read_bytes() == before
