"""A run whose decoder layers are shared out over two processes (FSDP2, gloo): the numbers of one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from asd_training.evaluation.prediction_rows import read_predictions
from tests.training.run_processes import run_in_process, run_in_two_processes
from tests.training.run_settings import make_settings
from tests.training.test_resume import outcome

LORA = {"r": 3, "alpha": 6, "dropout": 0.0}
TRAIN = {"batch": 4, "steps": 3, "lr": 1e-3, "projector_lr": 1e-3, "log_steps": 1, "lora": LORA}
ASK = {"batch": 4, "max_new_tokens": 3}  # 6 questions: one process has a batch more than the other
STAGES = ("01-vqav2", "02-scienceqa")
CASES: dict[str, dict[str, Any]] = {
    "reglora": {"method": {"method": "reglora"}, "eval": {**ASK, "constrained": True}},
    "seq-lora": {
        "method": {"method": "seq-lora", "between_tasks": "stack"},
        "train": {"batch": 2, "accumulate": 2, "gradient_checkpointing": True, "max_grad_norm": 0.01},
    },
    "o-lora": {"method": {"method": "o-lora"}},
    "moelora": {"method": {"method": "moelora", "experts": 3}},
    "continual-llava": {
        "method": {"method": "continual-llava", "encoder": "hashed-words", "slots": 4, "rank": 2, "chosen": 2}
    },
}


def weights(run: Path, stage: str) -> dict[str, torch.Tensor]:
    folder = run / "tasks" / stage
    return load_file(folder / "adapter/adapter_model.safetensors") | load_file(folder / "projector.safetensors")


def answers(run: Path) -> dict[str, list[str]]:
    return {
        path.parent.name + path.name: [row["text"] for row in read_predictions(path)] for path in run.rglob("*.arrow")
    }


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_sharded_equals_one_process_with_twice_the_batch(workshop: Path, case: str) -> None:
    given = {"eval": ASK, **CASES[case]}
    train = {**TRAIN, **given.pop("train", {})}
    one = make_settings(workshop, name=f"alone-{case}", train={**train, "batch": 2 * train["batch"]}, **given)
    two = make_settings(workshop, name=f"shared-{case}", train={**train, "shard": True}, **given)
    assert run_in_process(one) == 0
    assert run_in_two_processes(two) == [0, 0]
    alone, shared = Path(one["out"]), Path(two["out"])
    for stage in STAGES:
        expected, got = weights(alone, stage), weights(shared, stage)
        assert expected.keys() == got.keys()
        for key, weight in expected.items():
            torch.testing.assert_close(got[key], weight, atol=2e-5, rtol=1e-3)
    assert answers(shared) == answers(alone)


@pytest.mark.slow
def test_killed_while_sharded_ends_at_the_same_bits(workshop: Path) -> None:
    train = {**TRAIN, "shard": True, "steps": 4, "checkpoint_steps": 2}
    whole, killed = (
        make_settings(workshop, name=f"shared-{name}", method={"method": "reglora"}, train=train, eval=ASK)
        for name in ("unbroken", "killed")
    )
    assert run_in_two_processes(whole) == [0, 0]
    for call in (4, 2):  # after the checkpoint of the first task; before that of the second
        assert -9 in run_in_two_processes(killed, ("asd_training.task_trainer:average_gradients", call))
    assert run_in_two_processes(killed) == [0, 0]
    expected, got = outcome(Path(whole["out"])), outcome(Path(killed["out"]))
    assert got.keys() == expected.keys()
    assert [name for name in expected if got[name] != expected[name]] == []


@pytest.mark.slow
def test_by_accelerate_s_own_switch(workshop: Path, tmp_path: Path) -> None:
    """In bfloat16. `accelerate launch` with a file of its own settings says FSDP, the run's configuration nothing."""
    settings = make_settings(
        workshop, name="launched", method={"method": "reglora"}, train={**TRAIN, "precision": "bfloat16"}, eval=ASK
    )
    settings["model"]["dtype"] = "bfloat16"
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    launcher = {
        "compute_environment": "LOCAL_MACHINE", "distributed_type": "FSDP", "num_processes": 2, "use_cpu": True,
        "mixed_precision": "bf16", "fsdp_config": {"fsdp_version": 2, "fsdp_offload_params": False},
    }  # fmt: skip
    (tmp_path / "accelerate.yaml").write_text(yaml.safe_dump(launcher))
    command: list[Any] = [
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        tmp_path / "accelerate.yaml",
        "--main_process_port",
        "0",
    ]
    done = subprocess.run(
        [sys.executable, *command, "-m", "asd_training.cli.main", "run", tmp_path / "run.yaml"],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "decoder layers are shared out over 2 processes (FSDP2)" in done.stderr
    assert all(weight.isfinite().all() for weight in weights(Path(settings["out"]), STAGES[1]).values())
