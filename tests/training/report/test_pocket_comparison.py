"""`benchmarks/pocket.py`, as a user calls it, on run folders whose figures are known."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from tests.training.report.run_folders import change, remembers, write_run

REPO = Path(__file__).parents[3]


def loses_style(stage: int, task: str, number: int, gold: str) -> str:
    """The first two of every task's four questions, as soon as the next task is learnt."""
    own = ("scienceqa", "vqav2", "imagenet").index(task)
    return "[0.1,0.2,0.5,0.6]" if stage > own and number < 2 else gold


def report(*arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(REPO / "benchmarks" / "pocket.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}, check=False)


def test_tables_figures_and_picture(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for seed in (1, 2):
        write_run(runs / f"seq-lora-s{seed}", loses_style, seed=seed)
        regularised = write_run(runs / f"reglora-s{seed}", remembers, seed=seed, method={"method": "reglora"})
        slower = {"train": dict.fromkeys(("01-scienceqa", "02-vqav2", "03-imagenet"), 30.0 * seed), "evaluate": {}}
        change(regularised / "results.json", processor_s=slower)
    write_run(runs / "ewc-s1", stages=1, method={"method": "ewc"})
    done = report(str(runs), "--json", str(tmp_path / "out.json"), "--plot", str(tmp_path / "new" / "out.svg"))
    assert done.returncode == 0, done.stderr
    assert f"left out: {runs / 'ewc-s1'} is not finished" in done.stderr
    found = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert list(found["methods"]) == ["seq-lora", "reglora"]
    assert found["methods"]["seq-lora"]["forgetting"]["all stages"]["style_lost"]["values"] == [0.5, 0.5]
    assert found["differences"]["reglora - seq-lora"]["MFN"]["values"] == [0.3333, 0.3333]
    assert found["methods"]["reglora"]["costs"]["train_processor_s"]["values"] == [90.0, 180.0]
    assert "| reglora | 1,000 | 24 | 135 s | 2.25 | – | – |" in done.stdout
    assert "| seq-lora | 100.0 ± 0.0 | 66.7 ± 0.0 |" in done.stdout
    drawn = (tmp_path / "new" / "out.svg").read_text("utf-8")
    assert all(text in drawn for text in ("sequential LoRA", "RegLoRA; with ASD: SEFE", "wrong style"))


def test_a_folder_without_runs(tmp_path: Path) -> None:
    done = report(str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "holds no folders named <run>-s<seed> with results.json" in done.stderr
