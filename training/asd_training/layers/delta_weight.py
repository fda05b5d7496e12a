"""The update that a LoRA pair makes to its layer: delta weight = B A, without the alpha / rank scale.

RegLoRA measures and penalises the unscaled product, so the scale never enters. Products are taken in float32
(float64 for float64 factors), with autocast off and without the tf32 shortcut, whatever the caller has
switched on: which elements are the largest must not depend on a speed setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from asd_training.errors import ShapeError


def check_factors(lora_A: Tensor, lora_B: Tensor, layer: str = "LoRA pair") -> tuple[int, int, int]:  # noqa: N803
    """(out_features, in_features, rank) of A (rank, in) and B (out, rank).

    Raises: ShapeError if the two are not such a pair, or lie on different devices.
    """
    if lora_A.ndim != 2 or lora_B.ndim != 2 or lora_A.shape[0] != lora_B.shape[1]:
        raise ShapeError(
            f"{layer}: expected lora_A of shape (rank, in) and lora_B of shape (out, rank), "
            f"got {tuple(lora_A.shape)} and {tuple(lora_B.shape)}; only linear layers are supported"
        )
    if lora_A.numel() == 0 or lora_B.numel() == 0:
        raise ShapeError(
            f"{layer}: lora_A {tuple(lora_A.shape)} or lora_B {tuple(lora_B.shape)} is empty; "
            "gather sharded parameters before using them"
        )
    if lora_A.device != lora_B.device:
        raise ShapeError(f"{layer}: lora_A is on {lora_A.device}, lora_B on {lora_B.device}; move them to one device")
    return lora_B.shape[0], lora_A.shape[1], lora_A.shape[0]


def working_dtype(*tensors: Tensor) -> torch.dtype:
    """float64 if any of them is, else float32."""
    return torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Matrix products as written: autocast off, float32 products in float32."""
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("highest")
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def delta_weight(lora_A: Tensor, lora_B: Tensor) -> Tensor:  # noqa: N803
    """The whole of B A, (out, in), float32 or float64: for references and small layers only."""
    check_factors(lora_A, lora_B)
    dtype = working_dtype(lora_A, lora_B)
    with full_precision(lora_A.device):
        return lora_B.to(dtype) @ lora_A.to(dtype)


def row_tiles(out_features: int, in_features: int, max_elements: int) -> Iterator[slice]:
    """Slices of rows that cover a matrix in tiles of at most `max_elements` (one row at least)."""
    step = max(1, max_elements // in_features)
    for start in range(0, out_features, step):
        yield slice(start, min(start + step, out_features))
