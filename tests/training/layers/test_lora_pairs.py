"""Finding LoRA pairs: names without wrappers, the current adapter, clear errors."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from torch import nn  # noqa: E402

from asd_training.errors import ModelError  # noqa: E402
from asd_training.layers.lora_pairs import layer_name, lora_pairs  # noqa: E402


class AdaptedLinear(nn.Module):
    """What a PEFT layer looks like from outside."""

    def __init__(self, adapters: dict[str, int], active: list[str]) -> None:
        super().__init__()
        self.lora_A = nn.ModuleDict({name: nn.Linear(6, rank, bias=False) for name, rank in adapters.items()})
        self.lora_B = nn.ModuleDict({name: nn.Linear(rank, 4, bias=False) for name, rank in adapters.items()})
        self.active_adapters = active


def make_model(adapters: dict[str, int], active: list[str]) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), AdaptedLinear(adapters, active))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("layers.0.q_proj", "layers.0.q_proj"),
        ("base_model.model.model.layers.0.q_proj", "model.layers.0.q_proj"),
        ("module.base_model.model.layers.0.q_proj", "layers.0.q_proj"),
        ("_orig_mod.layers.0._checkpoint_wrapped_module.mlp._fsdp_wrapped_module.up", "layers.0.mlp.up"),
    ],
)
def test_layer_names(path: str, name: str) -> None:
    assert layer_name(path) == name


def test_the_only_adapter_the_active_one_and_the_named_one() -> None:
    assert {name: a.shape for name, (a, _) in lora_pairs(make_model({"x": 2}, [])).items()} == {"1": (2, 6)}
    two = make_model({"task0": 2, "task1": 3}, ["task1"])
    assert lora_pairs(two)["1"][1].shape == (4, 3)
    assert lora_pairs(two, "task0")["1"][1].shape == (4, 2)
    assert isinstance(lora_pairs(two)["1"][0], nn.Parameter)


def test_errors() -> None:
    with pytest.raises(ModelError, match="Linear has no layers with lora_A and lora_B; add an adapter first"):
        lora_pairs(nn.Linear(2, 2))
    both = make_model({"task0": 2, "task1": 3}, ["task0", "task1"])
    with pytest.raises(ModelError, match="adapters 'task0', 'task1', of which 2 are active; name the one"):
        lora_pairs(both)
    with pytest.raises(ModelError, match="no layer has an adapter named 'task9'; the model has 'task0', 'task1'"):
        lora_pairs(both, "task9")
