"""Numbers that break, and training that changes nothing, are said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from asd_training.config import build_config
from asd_training.errors import NumberError
from asd_training.learning import require_finite_state
from asd_training.loop import run
from asd_training.valid_json import json_text
from tests.training.run_settings import make_settings

SHORT = {"steps": 6, "log_steps": 2, "lora": {"r": 4, "alpha": 8, "dropout": 0.0}}


def first_task(root: Path, **settings: Any) -> dict[str, Any]:
    given = make_settings(root, **settings)
    given["data"]["tasks"] = given["data"]["tasks"][:1]
    return given


@pytest.mark.parametrize("method", ["seq-lora", "reglora", "moelora", "continual-llava"])  # each kind of loss
def test_a_loss_that_is_no_number_stops_the_run(workshop: Path, method: str) -> None:
    needs = {"moelora": {"experts": 2}, "continual-llava": {"encoder": "hashed-words"}}
    train = {**SHORT, "lr": 1e30, "projector_lr": 1e30, "max_grad_norm": 0}
    given = first_task(workshop, name=f"nan-{method}", method={"method": method, **needs.get(method, {})}, train=train)
    message = r"01-\S+: the loss of step [2-6] of 6 is no number any more; lower train.lr \(now 1e\+30\).*max_grad_norm \(now 0"
    with pytest.raises(NumberError, match=message):
        run(build_config(given), lambda text: None)
    assert not (Path(given["out"]) / "results.json").exists()


def test_earlier_stages_are_kept(workshop: Path) -> None:
    said: list[str] = []
    given = make_settings(workshop, name="nan-later", method={"method": "seq-lora"}, train=SHORT)
    broken = Path(given["out"]) / "tasks/01-vqav2/adapter/adapter_model.safetensors"

    def break_first(text: str) -> None:
        said.append(text)
        if text.startswith("02-scienceqa: training"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(build_config(given), break_first)
    adapter = load_file(broken)
    save_file({name: weight * 1e20 for name, weight in adapter.items()}, broken, {"format": "pt"})
    with pytest.raises(
        NumberError, match=r"02-scienceqa: already the loss of the first of 6 steps is no number.*dtype"
    ):
        run(build_config(given), said.append)
    results = json.loads((Path(given["out"]) / "results.json").read_text())
    assert results["stages"] == ["01-vqav2"] and not results["finished"]


def test_the_last_step_is_looked_at_too(workshop: Path) -> None:
    train = {**SHORT, "steps": 1, "lr": 1e39, "projector_lr": None, "max_grad_norm": 0}
    given = first_task(workshop, name="nan-last", method={"method": "seq-lora"}, train=train)
    with pytest.raises(NumberError, match=r"after its last step \d+ of the trained tensors are no numbers \('"):
        run(build_config(given), lambda text: None)


def test_a_state_that_is_no_number() -> None:
    with pytest.raises(NumberError, match=r"03-gqa: what the method keeps of it is no number \('fisher/a'\)"):
        require_finite_state({"fisher/a": torch.tensor([float("inf")]), "count": torch.tensor(1)}, "03-gqa")


def test_a_single_step_has_a_rate(workshop: Path) -> None:
    said: list[str] = []
    given = first_task(workshop, name="one-step", method={"method": "seq-lora"}, train={**SHORT, "steps": 1})
    results = run(build_config(given), said.append)
    adapter = load_file(Path(given["out"]) / "tasks/01-vqav2/adapter/adapter_model.safetensors")
    assert all(weight.abs().max() > 0 for name, weight in adapter.items() if "lora_B" in name)
    assert results["losses"]["01-vqav2"]["last"]["lr"] > 0
    assert results["learnt"] == {"01-vqav2": "all"} and not any("WARNING" in text for text in said)


def test_a_stage_that_learnt_nothing_says_so(workshop: Path) -> None:
    said: list[str] = []
    train = {**SHORT, "lr": 1e-45, "projector_lr": 1e-45}
    given = first_task(workshop, name="nothing", method={"method": "seq-lora"}, train=train)
    results = run(build_config(given), said.append)
    assert results["learnt"] == {"01-vqav2": "nothing"}
    assert any("01-vqav2: WARNING: nothing was learnt" in text for text in said)


def test_a_projector_that_has_not_changed_is_told_apart(workshop: Path) -> None:
    said: list[str] = []
    given = first_task(workshop, name="still", method={"method": "seq-lora"}, train={**SHORT, "projector_lr": 1e-45})
    assert run(build_config(given), said.append)["learnt"] == {"01-vqav2": "some"}
    assert any("the projector has not changed" in text for text in said)


def test_json_has_no_nan() -> None:
    text = json_text({"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": (-float("inf"),)}})
    assert text == '{"a": null, "b": [null, 1.5], "c": {"d": [null]}}'
