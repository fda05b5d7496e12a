"""Whole factors from sharded ones.

FSDP2 (`torch.distributed.fsdp.fully_shard`) keeps each parameter as a DTensor: gathered here, and the gradient of
the whole goes back to the shard of each process. Every process computes the same penalty, so its gradient is not
summed over processes. FSDP1 and ZeRO-3 leave one-dimensional pieces that cannot be gathered with gradients.
"""

from __future__ import annotations

from torch import Tensor

from training.errors import ModelError


def whole_pair(layer: str, pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """(A, B) themselves where they are whole, else gathered: every process has to ask for the same layers in the
    same order.

    Raises: ModelError if they are pieces of FSDP1 or ZeRO-3.
    """
    lora_a, lora_b = pair
    return _whole(layer, "lora_A", lora_a), _whole(layer, "lora_B", lora_b)


def _whole(layer: str, name: str, factor: Tensor) -> Tensor:
    gather = getattr(factor, "full_tensor", None)
    if gather is not None:
        gathered: Tensor = gather()
        return gathered
    if factor.ndim == 1:
        raise ModelError(
            f"{layer}: {name} is a flat piece of {factor.numel()} values, as FSDP1 and ZeRO-3 keep parameters; shard "
            "with FSDP2 (torch.distributed.fsdp.fully_shard; fsdp_version: 2 in accelerate), or not at all (DDP, ZeRO-2)"
        )
    return factor
