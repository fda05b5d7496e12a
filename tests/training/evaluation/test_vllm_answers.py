"""Runs whose answers a real vLLM writes: those of transformers, whatever happens on the way."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from asd_training.config import RunConfig
from asd_training.errors import EngineError, MemoryLimitError
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.evaluation.vllm_process import VllmProcess
from asd_training.finished_run import evaluate_again, load_run
from asd_training.loop import run
from tests.servers.real_vllm import require_vllm
from tests.training.run_settings import make_config
from tests.training.tiny_models import llava

SAME = 0.9
"""Of the answers. Sums in another order differ in the last bits of float32; where two tokens of this random model are as
likely as that, another one is written, and what follows it differs, too. Seen: all the same."""
TRAIN = {"steps": 4, "lr": 5e-3, "lora": {"r": 4, "alpha": 8, "dropout": 0.0}}
EVAL = {"constrained": True, "max_new_tokens": 8, "vllm": {"enforce_eager": True, "gpu_memory_utilization": 0.05}}
STACKED = {"method": "seq-lora", "between_tasks": "stack"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a model whose heads are of a size that vLLM knows."""
    require_vllm()
    folder = tmp_path_factory.mktemp("answers")
    llava(folder / "llava", hidden=64)
    return folder


@pytest.fixture(autouse=True)
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")


def config(root: Path, engine: str) -> RunConfig:
    return make_config(root, name=engine, method=STACKED, train=TRAIN, eval={**EVAL, "engine": engine})


def quiet(text: str) -> None:
    return


def predictions(run_dir: Path) -> dict[str, list[dict[str, Any]]]:
    files = sorted((run_dir / "predictions").rglob("*.arrow"))
    return {str(path.relative_to(run_dir)): read_predictions(path) for path in files}


def share_of_same(theirs: dict[str, list[dict[str, Any]]], ours: dict[str, list[dict[str, Any]]], key: str) -> float:
    assert theirs.keys() == ours.keys()
    pairs = [pair for name in ours for pair in zip(theirs[name], ours[name], strict=True)]
    assert all(one["id"] == other["id"] and one["prompt"] == other["prompt"] for one, other in pairs)
    assert len({other[key] for _, other in pairs}) > 2
    return sum(one[key] == other[key] for one, other in pairs) / len(pairs)


def kill_when_asked(monkeypatch: pytest.MonkeyPatch, doing: str) -> None:
    genuine = VllmProcess.receive

    def killed(process: VllmProcess, what: str) -> dict[str, Any]:
        if what == doing:
            os.kill(process.pid, signal.SIGKILL)
        return genuine(process, what)

    monkeypatch.setattr(VllmProcess, "receive", killed)


@pytest.mark.vllm
def test_a_run_answers_as_with_transformers_though_vllm_is_killed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions with and without images, with and without rules, after one task and after two (two adapters)."""
    ours = config(root, "transformers")
    run(ours, quiet)
    theirs = config(root, "vllm")
    with (
        monkeypatch.context() as patch,
        pytest.raises(EngineError, match=r"was killed \(SIGKILL\).* is kept: the same"),
    ):
        kill_when_asked(patch, "evaluating scienceqa")
        run(theirs, quiet)
    trained = theirs.run_dir / "tasks/02-scienceqa/trained.json"
    before = trained.read_bytes()
    results = run(theirs, quiet)
    assert results["finished"] and trained.read_bytes() == before
    assert results["engine"] == {"01-vqav2": "vllm", "02-scienceqa": "vllm"}
    made = predictions(theirs.run_dir), predictions(ours.run_dir)
    assert share_of_same(*made, "text") >= SAME
    assert share_of_same(*made, "constrained_text") >= SAME
    assert not list(theirs.run_dir.glob(".vllm-model-*"))


@pytest.mark.vllm
def test_a_run_is_evaluated_again_by_vllm(root: Path) -> None:
    """The model after the first task, one adapter merged: the same answers, and nothing new in the run folder."""
    ours = config(root, "transformers")
    run(ours, quiet)
    loaded = load_run(ours.run_dir, after="vqav2", changes=["eval.engine=vllm", "eval.constrained=false"])
    theirs = {"predictions/01-after-vqav2/vqav2.arrow": evaluate_again(loaded, ["vqav2"])["vqav2"]}
    name, rows = next(iter(predictions(ours.run_dir).items()))
    assert share_of_same(theirs, {name: rows}, "text") >= SAME
    assert rows[0]["constrained_text"] is not None and theirs[name][0]["constrained_text"] is None


@pytest.mark.vllm
def test_too_little_memory_is_one_message(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = config(root, "transformers")
    run(ours, quiet)
    monkeypatch.delenv("VLLM_CPU_KVCACHE_SPACE")
    loaded = load_run(ours.run_dir, changes=["eval.engine=vllm", "eval.vllm.gpu_memory_utilization=0.000001"])
    with pytest.raises(
        MemoryLimitError, match=r"out of memory while loading .*requested memory for kv.*gpu_memory_util"
    ):
        evaluate_again(loaded, ["vqav2"])
