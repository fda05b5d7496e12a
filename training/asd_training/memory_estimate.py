"""How much memory training will take on a device, by rule of thumb: weights, what is trained, activations, logits.

For activations: 17 values a token and hidden unit in each layer (Korthikanti et al., arXiv 2205.05198, equation 2 with
its attention matrices left out), kept for one layer alone with gradient checkpointing. Vision towers, buffers of
libraries and what allocators leave unused come on top.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from asd_training.layers.adapter_targets import adapted_linears
from asd_training.methods.registry import method_class
from asd_training.models import merges_in_float32, projector_or_none, weight_dtype

if TYPE_CHECKING:
    from asd_training.config import RunConfig

_STATES = 16
"""Bytes of a trained float32 parameter: itself, its gradient, and Adam's two moments."""
_VALUES = 17


@dataclass(frozen=True)
class MemoryEstimate:
    """In bytes. merged: what weights grow by when adapters are merged into them in float32."""

    weights: int
    merged: int
    trained: int
    activations: int
    logits: int

    def to_json(self) -> dict[str, int]:
        return asdict(self)


def estimate_memory(config: RunConfig, model: Any, *, tokens: int, stages: int) -> MemoryEstimate:
    """model: may have no values, only shapes; tokens: of the longest row."""
    size = weight_dtype(config.model, config.train.precision, model.config.dtype).itemsize
    weights = sum(parameter.numel() for parameter in model.parameters()) * size
    if not method_class(config.method).trains:
        return MemoryEstimate(weights, 0, 0, 0, 0)
    linears = adapted_linears(model, config.train.lora.targets)
    adapters = sum(config.train.lora.r * (linear.in_features + linear.out_features) for linear in linears)
    projector = 0
    if config.train.projector_lr is not None:
        paths = projector_or_none(model, config.model.projector) or []
        projector = sum(p.numel() for path in paths for p in model.get_submodule(path).parameters())
    merged = sum(linear.weight.numel() for linear in linears) * (4 - size) if merges_in_float32(config, size) else 0
    kept = 4 * adapters * (stages - 1) if getattr(config.method, "between_tasks", "") == "stack" else 0
    value = torch.float32.itemsize if config.train.precision == "float32" else torch.bfloat16.itemsize
    text = model.config.get_text_config()
    seen = max(config.train_on([entry.name]).batch for entry in config.data.tasks) * tokens
    layers = 1 if config.train.gradient_checkpointing else text.num_hidden_layers
    inputs_kept = text.num_hidden_layers if config.train.gradient_checkpointing else 0
    return MemoryEstimate(
        weights=weights,
        merged=merged,
        trained=_STATES * (adapters + projector) + kept,
        activations=seen * text.hidden_size * value * (_VALUES * layers + inputs_kept),
        logits=2 * seen * text.vocab_size * value,
    )
