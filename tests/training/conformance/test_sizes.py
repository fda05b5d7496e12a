"""Parameter counts at the shapes of LLaVA-1.5-7B, by formula and as published; nothing is allocated."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from pydantic import TypeAdapter  # noqa: E402
from torch import nn  # noqa: E402

from asd_training.config import LoraSettings, MethodConfig  # noqa: E402
from asd_training.methods.protocol import Stage  # noqa: E402
from asd_training.methods.registry import build_method  # noqa: E402

HIDDEN, INNER, LAYERS = 4096, 11008, 32
SHAPES = [(HIDDEN, HIDDEN)] * 4 + [(HIDDEN, INNER)] * 2 + [(INNER, HIDDEN)]
PLAIN = LAYERS * sum(rows + columns for rows, columns in SHAPES) * 128
ROUTERS = LAYERS * sum(inputs for inputs, _ in SHAPES) * 8
POOL = 4 * 8 * LAYERS * 2 * HIDDEN * 8

pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # asked by PEFT


@pytest.fixture
def base() -> nn.Module:
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    text = LlamaConfig(hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=LAYERS, num_attention_heads=32)
    vision = CLIPVisionConfig(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1)
    with torch.device("meta"):
        return LlavaForConditionalGeneration(LlavaConfig(text_config=text, vision_config=vision)).requires_grad_(False)


def counts(model: nn.Module, tasks: int, **settings: object) -> dict[str, int]:
    """Parameters by the kind that follows "lora_" in their names, after the stages of some tasks."""
    method = build_method(TypeAdapter(MethodConfig).validate_python(settings), LoraSettings(dropout=0.0))
    with torch.device("meta"):
        for number in range(tasks):
            model = method.wrap(model, Stage(number, number, str(number), (str(number),)))
    found: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            kind = name.rpartition("lora_")[2].split(".")[0]
            found[kind] = found.get(kind, 0) + parameter.numel()
    return found


def test_moelora_is_plain_lora_and_its_routers(base: nn.Module) -> None:
    found = counts(base, 1, method="moelora")
    assert found["A"] + found["B"] == PLAIN == 319_815_680
    assert found["router"] == ROUTERS == 9_109_504


def test_continual_llava_with_four_tasks(base: nn.Module) -> None:
    found = counts(base, 4, method="continual-llava", encoder="hashed-words")
    assert found["A"] + found["B"] == POOL == 67_108_864
    assert found["pool"] == 4 * 8 * 256 + 0 + 1 + 2 + 3  # keys, and a context weight for every earlier task


@pytest.mark.parametrize(
    ("method", "tasks"), [("seq-lora", 1), ("reglora", 1), ("joint", 1), ("ewc", 2), ("replay", 1)]
)
def test_one_adapter_of_plain_lora(base: nn.Module, method: str, tasks: int) -> None:
    found = counts(base, tasks, method=method)
    assert found == {"A": found["A"], "B": PLAIN - found["A"]}


def test_o_lora_keeps_an_adapter_for_every_task(base: nn.Module) -> None:
    found = counts(base, 2, method="o-lora")
    assert found["A"] + found["B"] == 2 * PLAIN
