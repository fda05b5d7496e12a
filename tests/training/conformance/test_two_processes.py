"""Methods that put gates into the forward pass, on two processes: the same weights as one with twice the batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from safetensors.torch import load_file  # noqa: E402

from tests.training.run_processes import run_in_process, run_in_two_processes  # noqa: E402
from tests.training.run_settings import make_settings  # noqa: E402

TRAIN = {
    "batch": 4,
    "steps": 3,
    "lr": 1e-3,
    "projector_lr": 1e-3,
    "log_steps": 3,
    "lora": {"r": 4, "alpha": 8, "dropout": 0.0},
}
METHODS: list[dict[str, Any]] = [
    {"method": "moelora", "experts": 2},
    {"method": "continual-llava", "encoder": "hashed-words", "slots": 4, "rank": 2, "chosen": 2},
    {"method": "ewc", "rows": 4},
]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method["method"])
def test_two_processes_equal_one_with_twice_the_batch(workshop: Path, method: dict[str, Any]) -> None:
    name, ask = method["method"], {"batch": 6, "max_new_tokens": 1}
    one = make_settings(workshop, name=f"one-{name}", method=method, train={**TRAIN, "batch": 8}, eval=ask)
    two = make_settings(workshop, name=f"two-{name}", method=method, train=TRAIN, eval=ask)
    assert run_in_process(one) == 0
    assert run_in_two_processes(two) == [0, 0]
    for stage in ("01-vqav2", "02-scienceqa"):
        file = f"tasks/{stage}/adapter/adapter_model.safetensors"
        alone, shared = load_file(Path(one["out"]) / file), load_file(Path(two["out"]) / file)
        assert alone.keys() == shared.keys()
        for key, weight in alone.items():
            torch.testing.assert_close(weight, shared[key], atol=2e-5, rtol=1e-3)
