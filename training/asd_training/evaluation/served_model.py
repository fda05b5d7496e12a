"""A model of a run as a folder that other programs load: adapters added to the weights, the projector, the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from asd_training.evaluation.generate import base_model, without_own_settings

_BASE = ".base_layer."


def write_model(model: nn.Module, processor: Any, folder: Path) -> None:
    """As `save_pretrained` would write the model had its active adapters been merged; the model stays as it is.

    The sum of a weight and its updates is rounded once, to the type of the weight.
    """
    base = base_model(model)
    with without_own_settings(base):  # which may be ones that transformers refuses to save
        base.save_pretrained(folder, state_dict=_published_names(base, merged_state(base)))
    processor.save_pretrained(folder)


def write_description(model: nn.Module, processor: Any, folder: Path) -> None:
    """All but the weights."""
    base = base_model(model)
    base.config.architectures = [type(base).__name__]
    base.config.save_pretrained(folder)
    processor.save_pretrained(folder)


def merged_state(base: nn.Module) -> dict[str, Tensor]:
    """Weights by the names that they have without adapters, each adapted one with its active adapters added."""
    layers = {path: layer for path, layer in base.named_modules() if isinstance(layer, LoraLayer)}
    state = {}
    for name, tensor in base.state_dict().items():
        path, _, last = name.partition(_BASE)
        if path in layers:
            state[f"{path}.{last}"] = _with_updates(layers[path], tensor) if last == "weight" else tensor
        elif not any(name.startswith(f"{place}.") for place in _places_of(name, layers)):
            state[name] = tensor
    return state


def _places_of(name: str, layers: dict[str, Any]) -> list[str]:
    """The adapted layers that a tensor lies in."""
    parts = name.split(".")
    return [place for end in range(1, len(parts)) if (place := ".".join(parts[:end])) in layers]


def _with_updates(layer: Any, weight: Tensor) -> Tensor:
    with torch.no_grad():
        merged = weight.float()
        for adapter in layer.active_adapters:
            if adapter in layer.lora_A:
                merged = merged + layer.get_delta_weight(adapter)
    return merged.to(weight.dtype)


def _published_names(base: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """CLIP's tower has lost a level of names in newer transformers; checkpoints on the hub have it, and vLLM wants it."""
    towers = [
        path
        for path, module in base.named_modules()
        if type(module).__name__ == "CLIPVisionModel" and not hasattr(module, "vision_model")
    ]
    for tower in towers:
        inside = f"{tower}."
        state = {
            name.replace(inside, f"{inside}vision_model.", 1) if name.startswith(inside) else name: tensor
            for name, tensor in state.items()
        }
    return state
