"""The parts of benchmarks/gpu.sh in their smallest form, on a CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPO

pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")
RECIPE = """# asd-train run arm.yaml
name: arm
method: {method: reglora}
model: {name: named-by-the-script}
data:
  root: asd-data
  tasks:
    - {task: vqav2, train: asd-data/vqav2, test: asd-data/vqav2-test}
    - {task: scienceqa, train: asd-data/scienceqa, test: asd-data/scienceqa-test}
train: {lora: {r: 2, alpha: 4}, batch: 4, lr: 1.0e-2, steps: 1}
eval: {batch: 6, max_new_tokens: 2}
"""


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    names = {"OUT": "out", "IN": "in", "KEEP": "keep", "RECIPES": "recipes"}
    return {
        **os.environ, **{name: str(tmp_path / folder) for name, folder in names.items()}, "PYTHON": sys.executable,
        "ASD_DEVICE": "cpu", "PIECE": "100K", "SEEDS": "0",
    }  # fmt: skip


def call(places: dict[str, str], *arguments: object, code: int = 0) -> str:
    command = [str(REPO / "benchmarks" / "gpu.sh"), *map(str, arguments)]
    done = subprocess.run(command, check=False, env=places, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr


def result(places: dict[str, str], part: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((Path(places["OUT"]) / f"{part}.json").read_text())
    return read


def test_kernels_reglora_moelora(places: dict[str, str]) -> None:
    for part in ("kernels", "reglora", "moelora"):
        call(places, part)
    assert set(result(places, "kernels")["tests"].values()) == {"passed"}
    assert [row["task"] for row in result(places, "reglora")["rows"]] == [2]
    assert result(places, "moelora")["results"][0]["experts"] == 2


def test_a_failing_test_of_the_kernels_is_told_and_recorded(places: dict[str, str], tmp_path: Path) -> None:
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test_failing():\n    assert False\n")
    assert "some tests fail" in call({**places, "PYTEST_ADDOPTS": str(failing)}, "kernels", code=1)
    assert sorted(set(result(places, "kernels")["tests"].values())) == ["failure", "passed"]


def test_a_sequence_is_packed_sent_in_pieces_and_run(places: dict[str, str], tmp_path: Path) -> None:
    """Two seeds: the second is left for another machine, which is told by the first one's results."""
    from tests.training.run_settings import make_settings

    made = make_settings(tmp_path / "made")
    model = Path(made["model"]["name"]).rename(tmp_path / "model")  # as the packed one is called on the way
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "arm.yaml").write_text(RECIPE)
    (tmp_path / "recipes" / "rows.yaml").write_text("# asd convert --recipe rows\n")
    call(places, "pack", model, made["data"]["root"])
    pieces = sorted(Path(places["IN"]).glob("piece-*"))
    held = pieces[-1].rename(tmp_path / "held")
    call(places, "keep")
    assert "pieces are missing or damaged" in call(places, "smollm", code=2)
    held.rename(pieces[-1])
    call(places, "keep")
    broken = tmp_path / "recipes" / "a-broken.yaml"
    broken.write_text(RECIPE.replace("reglora}", "none-such}"))
    assert "a-broken, seed 0 failed" in call(places, "smollm", code=1)
    broken.unlink()
    (run,) = result(places, "smollm")["runs"].values()
    assert run["finished"] and run["method"] == "reglora" and run["seed"] == 0 and run["on"]["device"].startswith("CPU")
    (Path(places["OUT"]) / "smollm.json").rename(Path(places["IN"]) / "smollm.json")
    elsewhere = {**places, "KEEP": str(tmp_path / "elsewhere"), "SEEDS": "0 1", "MINUTES": "0"}
    (tmp_path / "keep" / "pieces").rename(tmp_path / "pieces")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "pieces").rename(tmp_path / "elsewhere" / "pieces")
    assert "1 runs are left" in call(elsewhere, "smollm", code=3)
    assert list(result(places, "smollm")["runs"]) == ["arm-0"]
    (Path(made["data"]["root"]) / "new").touch()
    call(places, "pack", model, made["data"]["root"])
    call(places, "keep")
    call({**places, "MINUTES": "0"}, "smollm")
    assert (tmp_path / "keep" / "packed" / "rows" / "new").is_file(), "of the new pack"


def test_what_is_missing_is_said(places: dict[str, str], tmp_path: Path) -> None:
    assert "name a part: kernels" in call(places, code=2)
    assert "no pieces are in" in call(places, "keep", code=2)
    assert "pack takes a model" in call(places, "pack", tmp_path / "no", tmp_path, code=2)
    if not _has_cuda():
        assert "sees no CUDA device" in call({**places, "ASD_DEVICE": "cuda"}, "reglora", code=2)


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
