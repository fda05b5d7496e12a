"""Whole factors from sharded ones.

FSDP2 (`torch.distributed.fsdp.fully_shard`) keeps each parameter as a DTensor: gathered here, and the gradient of
the whole goes back to the shard of each process. Every process computes the same penalty, so its gradient is not
summed over processes. FSDP1 and ZeRO-3 leave one-dimensional pieces that cannot be gathered with gradients.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from asd_training.errors import ModelError


def is_sharded(tensor: Any) -> bool:
    """By what it can do, so that torch.distributed need not be imported."""
    return hasattr(tensor, "full_tensor")


def whole_tensor(tensor: Any) -> Tensor:
    """Itself, or gathered where it is sharded by FSDP2: then every process has to ask."""
    whole: Tensor = tensor.full_tensor() if is_sharded(tensor) else tensor
    return whole


def whole_pair(layer: str, pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """(A, B) themselves where they are whole, else gathered: every process has to ask for the same layers in the
    same order.

    Raises: ModelError if they are pieces of FSDP1 or ZeRO-3.
    """
    lora_a, lora_b = pair
    return whole_factor(layer, "lora_A", lora_a), whole_factor(layer, "lora_B", lora_b)


def whole_factor(layer: str, name: str, factor: Tensor) -> Tensor:
    """One of the two, as `whole_pair` gives it."""
    if factor.ndim == 1:
        raise ModelError(
            f"{layer}: {name} is a flat piece of {factor.numel()} values, as FSDP1 and ZeRO-3 keep parameters; shard "
            "with FSDP2 (torch.distributed.fsdp.fully_shard; fsdp_version: 2 in accelerate), or not at all (DDP, ZeRO-2)"
        )
    return whole_tensor(factor)
