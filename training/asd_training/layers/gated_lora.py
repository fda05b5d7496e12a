"""LoRA whose rank is split into blocks that are switched by gates, as one product for all blocks.

    y = W x + s * sum over e of g_e(x) * B_e A_e x  =  W x + B (s * g(x) * A x),   A, B: all A_e, all B_e side by side

where g_e scales the r / E rows of A x that belong to block e. The sum over blocks happens inside the second matrix
product, so no block's (..., out) tensor ever exists. Layers are PEFT's LoRA layers, put in by its hook for custom
modules: `lora_A` and `lora_B` have the shapes of a plain LoRA of rank r, so that whatever reads those works here too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from peft.tuners.lora.layer import Linear as LoraLinear
from torch import Tensor

from asd_training.errors import ModelError, SettingError


def gate_blocks(low_rank: Tensor, gates: Tensor) -> Tensor:
    """low_rank (..., r) with its E equal blocks scaled by gates (..., E); leading dimensions broadcast."""
    blocks = low_rank.reshape(*low_rank.shape[:-1], gates.shape[-1], -1)
    return (blocks * gates.unsqueeze(-1).to(low_rank.dtype)).flatten(-2)


def require_divisible(rank: int, blocks: int, what: str) -> None:
    """Raises: SettingError if `blocks` blocks cannot share the rank."""
    if rank % blocks:
        raise SettingError(f"the rank {rank} cannot be shared by {blocks} {what}; choose a multiple of {blocks}")


class GatedLoraLinear(LoraLinear, ABC):
    """A linear layer with gated adapters; subclasses say where gates come from. Cannot be merged."""

    @abstractmethod
    def gates(self, adapter: str, x: Tensor) -> Tensor:
        """x: (..., in). Returns (..., E), with leading dimensions that broadcast with those of x."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """x: (..., in), any number of leading dimensions. Returns (..., out) in the type of the frozen layer."""
        result: Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters:
            return result
        dtype = result.dtype
        for name in self.active_adapters:
            if name in self.lora_A:
                result = result + self._update(name, x)
        return result.to(dtype)

    def _update(self, name: str, x: Tensor) -> Tensor:
        first: Any = self.lora_A[name]
        x = self._cast_input_dtype(x, first.weight.dtype)
        low_rank = first(self.lora_dropout[name](x))
        update: Tensor = self.lora_B[name](gate_blocks(low_rank, self.scaling[name] * self.gates(name, x)))
        return update

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        raise ModelError("gates depend on the input, so these adapters cannot be merged; keep them beside the weights")


def normal_init(weight: Tensor, std: float) -> None:
    with torch.no_grad():
        weight.normal_(0.0, std)
