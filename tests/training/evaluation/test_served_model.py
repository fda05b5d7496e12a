"""A model that is written to be served computes what the model with its adapters computes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from asd_training.config import LoraSettings, ModelConfig
from asd_training.evaluation.served_model import merged_state, write_model
from asd_training.methods.adapters import add_adapter
from asd_training.models import load_model, load_processor
from tests.training.tiny_models import BUILDERS

LORA = LoraSettings(r=4, alpha=8, dropout=0.1)


def adapted(folder: Path, adapters: tuple[str, ...]) -> nn.Module:
    torch.manual_seed(0)
    model = load_model(ModelConfig(name=str(folder)), "float32")
    for name in adapters:
        model = add_adapter(model, LORA, name)
    for path, parameter in model.named_parameters():
        if "lora_B" in path:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


@pytest.mark.parametrize(
    ("kind", "adapters"),
    [
        ("llava", ()),
        ("llava", ("default",)),
        ("llava", ("first", "second")),
        ("qwen2_vl", ("first", "second")),
        ("smolvlm", ("default",)),
    ],
)
def test_logits_are_those_of_the_adapters(tmp_path: Path, kind: str, adapters: tuple[str, ...]) -> None:
    base = BUILDERS[kind](tmp_path / "base")
    model = adapted(base, adapters)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    write_model(model, load_processor(ModelConfig(name=str(base))), tmp_path / "served")
    written = load_model(ModelConfig(name=str(tmp_path / "served")), "float32")
    ids = torch.arange(10, 30)[None]
    with torch.inference_mode():
        expected = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        found = written(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    if adapters:
        base_logits = load_model(ModelConfig(name=str(base)), "float32")(input_ids=ids).logits
        assert (expected - base_logits).abs().max() > 1e-2


def test_names_are_those_of_checkpoints_on_the_hub(tmp_path: Path) -> None:
    base = BUILDERS["llava"](tmp_path / "base")
    model = adapted(base, ("default",))
    write_model(model, load_processor(ModelConfig(name=str(base))), tmp_path / "served")
    with safe_open(tmp_path / "served" / "model.safetensors", "pt") as file:
        names = set(file.keys())
    assert "vision_tower.vision_model.embeddings.patch_embedding.weight" in names
    assert not [name for name in names if "lora" in name or "base_layer" in name]


def test_updates_are_summed_before_they_are_rounded(tmp_path: Path) -> None:
    model = adapted(BUILDERS["llava"](tmp_path / "base"), ("first", "second"))
    base = model.get_base_model().bfloat16()  # type: ignore[operator]
    name = "model.language_model.layers.0.self_attn.q_proj"
    layer = base.get_submodule(name)
    exact = layer.base_layer.weight.float() + sum(layer.get_delta_weight(one).float() for one in ("first", "second"))
    assert torch.equal(merged_state(base)[f"{name}.weight"], exact.bfloat16())
