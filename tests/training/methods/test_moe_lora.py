"""MoELoRA: one product for all experts equals the loop over them; routers, balance, and sizes at the paper's shapes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from hypothesis import given, settings, strategies as st  # noqa: E402, I001
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from asd_training.config import LoraSettings, MoeLora as MoeLoraSettings  # noqa: E402
from asd_training.errors import ModelError, SettingError  # noqa: E402
from asd_training.layers.expert_router import RoutedLoraLinear, Routing, balance  # noqa: E402
from asd_training.layers.gated_lora import gate_blocks  # noqa: E402
from asd_training.methods.adapters import save_adapter  # noqa: E402
from asd_training.methods.moe_lora import MoeLora  # noqa: E402


def make_layer(routing: Routing, *, features: tuple[int, int] = (12, 20), rank: int = 8) -> RoutedLoraLinear:
    torch.manual_seed(0)
    config = LoraConfig(r=rank, lora_alpha=16, target_modules=["0"])
    config._register_custom_module({nn.Linear: partial(RoutedLoraLinear, routing=routing)})
    model = get_peft_model(nn.Sequential(nn.Linear(*features)), config)
    layer = model.base_model.model[0]
    nn.init.normal_(layer.lora_B["default"].weight)
    nn.init.normal_(layer.lora_router["default"].weight)
    return layer


def loop_over_experts(layer: RoutedLoraLinear, x: Tensor, top_k: int | None) -> Tensor:
    """Every expert's output in full, as the released code does; from its description."""
    weights = (x @ layer.lora_router["default"].weight.T).softmax(-1)
    if top_k is not None:
        smallest = weights.topk(top_k, dim=-1).values[..., -1:]
        weights = weights.where(weights >= smallest, 0)
        weights = weights / weights.sum(-1, keepdim=True)
    result = layer.base_layer(x)
    experts = layer.routing.experts
    pairs = zip(
        layer.lora_A["default"].weight.chunk(experts), layer.lora_B["default"].weight.chunk(experts, 1), strict=True
    )
    for number, (a, b) in enumerate(pairs):
        result = result + x @ a.T @ b.T * 2.0 * weights[..., number, None]  # alpha / total rank = 16 / 8
    return result


@pytest.mark.parametrize("top_k", [None, 1, 3])
@pytest.mark.parametrize("shape", [(12,), (7, 12), (2, 5, 12)])
def test_equals_the_loop_over_experts_with_its_gradients(shape: tuple[int, ...], top_k: int | None) -> None:
    layer = make_layer(Routing(4, top_k))
    x = torch.randn(shape, requires_grad=True)
    weights = [x, *(p for p in layer.parameters() if p.requires_grad)]
    got, expected = layer(x), loop_over_experts(layer, x, top_k)
    torch.testing.assert_close(got, expected)
    gradients = [torch.autograd.grad(output.square().sum(), weights) for output in (got, expected)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**16))
@settings(max_examples=20, deadline=None)
def test_gates_sum_to_one_and_top_k_uses_k(experts: int, top_k: int, seed: int) -> None:
    layer = make_layer(Routing(experts, min(top_k, experts)), rank=2 * experts)
    gates = layer.gates("default", torch.randn(9, 12, generator=torch.Generator().manual_seed(seed)))
    torch.testing.assert_close(gates.sum(-1), torch.ones(9))
    assert ((gates > 0).sum(-1) <= min(top_k, experts)).all()


def test_blocks_by_hand() -> None:
    gated = gate_blocks(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([10.0, 0.5]))
    assert gated.tolist() == [10.0, 20.0, 1.5, 2.0]


def test_balance_by_hand() -> None:
    """Two experts; three of four tokens choose the first. f = (3/4, 1/4), P = (0.7, 0.3): 2 (0.525 + 0.075) = 1.2."""
    found = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.2, 0.8]])
    assert balance(found, 1).item() == pytest.approx(1.2)
    assert balance(torch.full((2, 3, 4), 0.25), 4).item() == pytest.approx(1.0)


def test_a_float32_router_keeps_the_precision_of_its_gates() -> None:
    x = torch.randn(64, 12)
    exact = make_layer(Routing(4)).gates("default", x)
    errors = []
    for float32 in (True, False):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            errors.append((make_layer(Routing(4, float32=float32)).gates("default", x).float() - exact).abs().max())
    assert errors[0] == 0 < errors[1]


def test_it_starts_as_the_released_code_does() -> None:
    config = LoraConfig(r=64, lora_alpha=128, target_modules=["0"])
    config._register_custom_module({nn.Linear: partial(RoutedLoraLinear, routing=Routing())})
    layer = get_peft_model(nn.Sequential(nn.Linear(256, 8)), config).base_model.model[0]
    assert layer.lora_A["default"].weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not layer.lora_B["default"].weight.any()
    assert layer.lora_router["default"].weight.abs().max() <= 256**-0.5
    assert (Routing().experts, layer.scaling["default"]) == (8, 2.0)


def test_plain_peft_refuses_the_saved_adapter_rather_than_lose_the_routers(tmp_path: Path) -> None:
    config = LoraConfig(r=8, target_modules=["0"])
    config._register_custom_module({nn.Linear: partial(RoutedLoraLinear, routing=Routing(4))})
    save_adapter(get_peft_model(nn.Sequential(nn.Linear(4, 4)), config), "default", tmp_path)
    with pytest.raises(KeyError, match="ASD_GATED_LORA"):
        PeftModel.from_pretrained(nn.Sequential(nn.Linear(4, 4)), tmp_path)


def test_it_cannot_be_merged() -> None:
    with pytest.raises(ModelError, match="gates depend on the input"):
        make_layer(Routing(4)).merge()


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"experts": 3}, "the rank 8 cannot be shared by 3 experts"),
        ({"top_k": 9}, "top_k is 9, but there are 8 experts"),
    ],
)
def test_settings_that_do_not_fit(given_settings: dict[str, int], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        MoeLora(MoeLoraSettings(method="moelora", **given_settings), LoraSettings(r=8))
