"""What can go wrong with vLLM: one message each, and no process or folder is left. The real one: test_vllm_answers.py."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asd_training.config import RunConfig
from asd_training.data import load_tasks
from asd_training.errors import EngineError, MemoryLimitError, ModelError, SettingError, TrainingError
from asd_training.evaluation.evaluate import Evaluator
from asd_training.evaluation.vllm_engine import VllmEngine, require_engine, require_model, serve
from asd_training.finished_run import load_run
from asd_training.inputs import RunInputs
from asd_training.loop import run
from asd_training.models import load_model
from tests.training.run_settings import make_config

STAND_IN = Path(__file__).resolve().parents[2] / "servers" / "stand_in_engine"
SERVED = {"engine": "vllm", "max_new_tokens": 2}
Ask = Callable[[str], list[str]]


@pytest.fixture
def config(workshop: Path) -> RunConfig:
    return make_config(workshop, name="served", eval=SERVED)


@pytest.fixture
def ask(config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks the text-only questions of a task where this goes wrong in the named way."""
    monkeypatch.delenv("ASD_VLLM_PYTHON", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))

    def asked(wrong: str) -> list[str]:
        monkeypatch.setenv("STAND_IN", wrong)
        tasks = load_tasks(config.data, None)
        rows = [row for row in tasks[0].train if not row["images"]]
        engine: VllmEngine | None = None
        try:
            with serve(load_model(config.model, "float32"), RunInputs(config, tasks), tmp_path) as engine:
                return engine.answers("vqav2", rows, None)
        finally:
            assert [path.name for path in tmp_path.iterdir()] == ["vllm.log"]
            assert engine is not None and engine.pid is None

    return asked


def test_answers_end_where_the_end_token_stands(ask: Ask) -> None:
    assert set(ask("")) == {""}


def test_models_of_killed_processes_are_removed(ask: Ask, tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = tmp_path / f".vllm-model-{gone.pid}-{socket.gethostname()}"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"x")
    ask("")
    assert not left.exists()


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (
            "memory",
            MemoryLimitError,
            r"out of memory while loading the model to evaluate vqav2 with vLLM \(CUDA out of",
        ),
        (
            "full",
            MemoryLimitError,
            r"lower eval.vllm.max_num_seqs or .*gpu_memory_utilization.* the same command goes on",
        ),
        (
            "exit",
            EngineError,
            r"(?s)vLLM's process ended \(exit status 3\), while loading .*RuntimeError: the driver is too",
        ),
        (
            "killed",
            EngineError,
            r"was killed \(SIGKILL\), as the system does when memory runs out.* while evaluating vqav2",
        ),
        ("long", EngineError, r"VLLMValidationError: .*maximum context length.*raise eval.vllm.max_model_len"),
        (
            "cut",
            EngineError,
            r"row vqav2/train/\w+: no room for the answer after 0 tokens; raise eval.vllm.max_model_len",
        ),
        (
            "tokens",
            EngineError,
            r"row vqav2/train/\w+: vLLM reads \d+ tokens, training \d+, .*eval.engine: transformers",
        ),
    ],
)
def test_what_goes_wrong_is_one_message(ask: Ask, wrong: str, kind: type[TrainingError], message: str) -> None:
    with pytest.raises(kind, match=message):
        ask(wrong)


def test_a_model_that_vllm_does_not_know(config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASD_VLLM_PYTHON", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    model, inputs = load_model(config.model, "float32"), RunInputs(config, load_tasks(config.data, None))
    require_model(model, inputs, tmp_path)
    monkeypatch.setenv("STAND_IN", "unknown")
    with pytest.raises(
        EngineError, match=r"looking at the model .*\(before anything is .*: ValueError: .*'Newest'\] are"
    ):
        require_model(model, inputs, tmp_path)
    monkeypatch.setenv("STAND_IN", "text")
    with pytest.raises(ModelError, match=r"vLLM takes no images with '.*llava'; set eval.engine to transformers"):
        require_model(model, inputs, tmp_path)


@pytest.mark.parametrize("method", ["moelora", "continual-llava"])
def test_adapters_that_cannot_be_added_are_refused(workshop: Path, method: str) -> None:
    given: dict[str, Any] = {"method": method, **({"encoder": "hashed-words"} if method == "continual-llava" else {})}
    with pytest.raises(SettingError, match=f"adapters of the method '{method}' cannot be added to the weights"):
        require_engine(make_config(workshop, name="refused", method=given, eval=SERVED))


def test_rules_for_answers_need_one_process(workshop: Path) -> None:
    shared = {**SERVED, "constrained": True, "vllm": {"tensor_parallel_size": 2}}
    with pytest.raises(
        SettingError, match=r"eval.constrained needs vLLM in one process; set eval.vllm.tensor_parallel"
    ):
        require_engine(make_config(workshop, name="refused", eval=shared))


def test_no_vllm(config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASD_VLLM_PYTHON", str(tmp_path / "python"))
    with pytest.raises(SettingError, match=r"its interpreter .*/python cannot be run .*set ASD_VLLM_PYTHON"):
        require_engine(config)
    without = tmp_path / "python"
    without.write_text("#!/bin/sh\nexit 1\n")
    os.chmod(without, 0o755)  # noqa: PTH101
    with pytest.raises(
        SettingError, match=r"vLLM is not installed for .*/python: `.*/python -m pip install vllm`, or set"
    ):
        require_engine(config)


def test_questions_outside_the_block_are_refused(config: RunConfig) -> None:
    tasks = load_tasks(config.data, None)
    evaluator = Evaluator(RunInputs(config, tasks))
    with pytest.raises(EngineError, match="which has to be started"):
        evaluator.native(load_model(config.model, "float32"), tasks[0])


def test_a_refused_run_goes_on_with_transformers(
    workshop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ASD_VLLM_PYTHON", str(tmp_path / "python"))
    settings = {"name": "engines", "method": {"method": "seq-lora"}, "train": {"steps": 1}}
    with pytest.raises(SettingError, match=r"eval.engine is vllm, but its interpreter"):
        run(make_config(workshop, **settings, eval=SERVED), lambda text: None)
    results = run(make_config(workshop, **settings), lambda text: None)
    assert results["engine"] == {"01-vqav2": "transformers", "02-scienceqa": "transformers"}
    with pytest.raises(SettingError, match=r"eval.engine is vllm, but its interpreter"):
        load_run(workshop / "runs/engines", changes=["eval.engine=vllm"])
