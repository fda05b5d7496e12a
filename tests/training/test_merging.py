"""Adapters merged into weights of half precision: nothing of an update is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from asd_training.config import LoraSettings, ModelConfig
from asd_training.methods.adapters import adapted_layers, add_adapter, merge_adapters, merging_error
from asd_training.models import load_model
from tests.training.tiny_models import llava


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llava(tmp_path_factory.mktemp("merging") / "llava")


def adapted(folder: Path, size: float = 1e-2) -> torch.nn.Module:
    """In bfloat16, with an update as large as a task of a few steps leaves it."""
    model = load_model(ModelConfig(name=str(folder), dtype="bfloat16"))
    model = add_adapter(model, LoraSettings(r=4, alpha=8, dropout=0.0))
    draw = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn(parameter.shape, generator=draw) * size * 0.01
    return model


def test_an_update_is_merged_whole(folder: Path) -> None:
    model = adapted(folder)
    updates = {id(layer): layer.get_delta_weight("default").clone() for layer in adapted_layers(model)}
    before = {id(layer): layer.get_base_layer().weight.float().clone() for layer in adapted_layers(model)}
    bases = {id(layer): layer.get_base_layer() for layer in adapted_layers(model)}
    merge_adapters(model)
    for key, base in bases.items():
        assert base.weight.dtype == torch.float32
        torch.testing.assert_close(base.weight - before[key], updates[key], atol=4e-8, rtol=1e-3)


def test_what_bfloat16_would_lose_is_measured(folder: Path) -> None:
    model = adapted(folder)
    found = merging_error(model)
    assert found is not None and found["float32"] < 1e-3 and 0.2 < found["bfloat16"] < 20
    lost, whole = 0.0, 0.0
    for layer in adapted_layers(model):  # the slow and obvious way
        weight, update = layer.get_base_layer().weight, layer.get_delta_weight("default").detach().double()
        rounded = (weight.double() + update).to(torch.bfloat16).double()
        lost += float((rounded - weight.double() - update).square().sum())
        whole += float(update.square().sum())
    assert found["bfloat16"] == pytest.approx((lost / whole) ** 0.5)


def test_without_an_update_there_is_nothing_to_measure(folder: Path) -> None:
    assert merging_error(adapted(folder, size=0.0)) is None


def test_the_next_task_starts_from_what_was_merged(folder: Path) -> None:
    model = merge_adapters(adapted(folder))  # type: ignore[arg-type]
    ids = torch.arange(10).reshape(1, -1) + 10
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        again = add_adapter(model, LoraSettings(r=4, alpha=8, dropout=0.0))
        assert torch.isfinite(again(input_ids=ids).logits).all()
