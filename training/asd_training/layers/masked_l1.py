"""RegLoRA's penalty on one layer, and on many in one go: the mean absolute delta weight at the key elements.

    S = B A (out, in), unscaled;  w = weights of the key elements (1, or how often each was chosen)
    value = sum(w |S|) / sum(w)
    dB = G A^T / sum(w),  dA = B^T G / sum(w),  G = sign(S) * w,  sign(0) = 0 (no pull while B = 0)

Source: SEFE (arXiv 2505.02486) and its released code. That code takes the mean over a list of positions in
which an element chosen after two tasks stands twice; with w = how often, sum(w) is the length of that list
and the two agree. The paper speaks of a set: w = 1 for each member of the union.

Three forms with one result, behind `masked_delta_l1` and `masked_delta_l1_means`:
- `dense_masked_l1`: plain autograd over the whole of B A. Slow, large, obvious: the reference for tests.
- CPU, devices without Triton, float64, and float32 of rank above 64: tiles of rows; value and both gradients
  in one pass.
- CUDA: the fused kernels of `masked_l1_triton`. The forward pass makes the value and dB, the backward pass
  dA; between the two only dB is kept, in the dtype of B.

Sums are float32 (float64 for float64 factors), with autocast off. `compute_dtype=torch.bfloat16` rounds
float32 factors first: what lets the fused kernels take them at rank 128, and what a training step under
autocast does anyway. An element of S so close to 0 that rounding turns its sign then pulls the other way; its
share of the value is as small as S is.

Limits: fused up to rank 256; whole (unsharded) factors; no second derivatives; one backward pass per forward
pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from asd_training.errors import ShapeError
from asd_training.layers.delta_weight import check_factors, delta_weight, full_precision, row_tiles, working_dtype
from asd_training.layers.packed_bits import PackedWeights

_CPU_TILE_ELEMENTS = 1 << 18  # 1 MB of S: small enough for a core's cache, large enough for a product
_GPU_TILE_ELEMENTS = 1 << 24


def dense_masked_l1(lora_A: Tensor, lora_B: Tensor, weights: PackedWeights) -> Tensor:  # noqa: N803
    """The definition, with all of B A in memory and gradients by autograd. Shape ()."""
    check_masked_factors(lora_A, lora_B, weights)
    return (delta_weight(lora_A, lora_B).abs() * weights.unpack()).sum() / weights.total


def masked_delta_l1(
    lora_A: Tensor,  # noqa: N803
    lora_B: Tensor,  # noqa: N803
    weights: PackedWeights,
    *,
    compute_dtype: torch.dtype | None = None,
) -> Tensor:
    """Weighted mean of |B A| at the key elements of one layer; shape (), differentiable in A (rank, in), B
    (out, rank).

    Raises: see `masked_delta_l1_means`.
    """
    return masked_delta_l1_means([(lora_A, lora_B)], [weights], compute_dtype=compute_dtype)[0]


def masked_delta_l1_means(
    factors: Sequence[tuple[Tensor, Tensor]],
    weights: Sequence[PackedWeights],
    *,
    compute_dtype: torch.dtype | None = None,
) -> Tensor:
    """`masked_delta_l1` of many layers, float32 (layers,); on CUDA layers of one shape share a launch.

    factors: one (A, B) per layer, all on one device, where the weights lie too. compute_dtype: round the
    factors to this dtype first; None takes them as they are. Raises: ShapeError if factors and weights do not
    fit together.
    """
    if not factors or len(factors) != len(weights):
        raise ShapeError(
            f"expected one set of key elements per LoRA pair, got {len(factors)} pairs, {len(weights)} sets"
        )
    for (a, b), packed in zip(factors, weights, strict=True):
        check_masked_factors(a, b, packed)
    flat = [tensor for pair in factors for tensor in pair]
    if len({tensor.device for tensor in flat}) > 1:
        raise ShapeError("the LoRA pairs lie on several devices; take the penalty per device and add")
    with torch.autocast(flat[0].device.type, enabled=False):
        if compute_dtype is not None:
            flat = [tensor.to(compute_dtype) for tensor in flat]
        means: Tensor = _MaskedL1.apply(tuple(weights), *flat)  # type: ignore[no-untyped-call]
    return means


def check_masked_factors(lora_A: Tensor, lora_B: Tensor, weights: PackedWeights) -> None:  # noqa: N803
    """Raises: ShapeError if the pair is no LoRA pair or the key elements are of another shape, device, or
    none."""
    out_features, in_features, _ = check_factors(lora_A, lora_B)
    if weights.shape != (out_features, in_features):
        raise ShapeError(
            f"the key elements belong to a layer of {weights.out_features} x {weights.in_features}, "
            f"but B A is {out_features} x {in_features}; they were taken from another layer or model"
        )
    if weights.device != lora_A.device:
        raise ShapeError(
            f"the key elements are on {weights.device}, the factors on {lora_A.device}; use weights.to(...)"
        )
    if not weights.total:
        raise ShapeError(f"no key element is set in a layer of {out_features} x {in_features}; the mean is undefined")


def uses_kernels(flat: Sequence[Tensor]) -> bool:
    """Whether the factors A, B, A, B, ... (on one device) go through the Triton kernels."""
    if flat[0].device.type != "cuda" or find_spec("triton") is None:
        return False
    from asd_training.layers.masked_l1_triton import can_run

    return can_run({tensor.dtype for tensor in flat}, max(a.shape[0] for a in flat[0::2]))


class _MaskedL1(torch.autograd.Function):
    """Per-layer means; `flat` is A, B, A, B, ... Saved gradients are those of the sums, not yet divided."""

    @staticmethod
    def forward(ctx: Any, weights: tuple[PackedWeights, ...], *flat: Tensor) -> Tensor:
        sums, ctx.grads = _sums_and_grads(flat, weights, any(ctx.needs_input_grad))
        totals = torch.tensor([packed.total for packed in weights], dtype=sums.dtype)
        ctx.weights, ctx.totals = weights, totals.to(sums.device, non_blocking=True)
        ctx.save_for_backward(*flat)
        means: Tensor = sums / ctx.totals
        return means

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        flat, scales = ctx.saved_tensors, grad / ctx.totals
        # The kept gradients are scaled in place and handed out; a second pass (retain_graph) makes them anew.
        kept = ctx.grads or _sums_and_grads(flat, ctx.weights, True)[1]
        ctx.grads = None
        if uses_kernels(flat):
            from asd_training.layers import masked_l1_triton as fused

            with torch.cuda.device(flat[0].device):
                d_a, d_b = fused.backward(flat[0::2], flat[1::2], ctx.weights, kept, scales)
            return (None, *(tensor for pair in zip(d_a, d_b, strict=True) for tensor in pair))
        scaled = (tensor.mul_(scale) for pair, scale in zip(kept, scales, strict=True) for tensor in pair)
        return (None, *scaled)


def _sums_and_grads(
    flat: Sequence[Tensor], weights: Sequence[PackedWeights], needs_grads: bool
) -> tuple[Tensor, list[Any]]:
    """Sums of w |B A| per layer, and what the backward pass goes on from: both gradients, or dB by group."""
    if not uses_kernels(flat):
        return _tiled(flat[0::2], flat[1::2], weights, needs_grads)
    from asd_training.layers import masked_l1_triton as fused

    with torch.cuda.device(flat[0].device):
        return fused.forward(flat[0::2], flat[1::2], weights, keep_d_b=needs_grads)


def _tiled(
    a_all: Sequence[Tensor], b_all: Sequence[Tensor], weights: Sequence[PackedWeights], needs_grads: bool
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Sums of w |B A| per layer, and the gradients of the sums, layer by layer and tile by tile."""
    sums, grads = [], []
    for a, b, packed in zip(a_all, b_all, weights, strict=True):
        with full_precision(a.device):
            value, d_a, d_b = _tiled_layer(a, b, packed)
        sums.append(value)
        if needs_grads:
            grads.append((d_a.to(a.dtype), d_b.to(b.dtype)))
    return torch.stack(sums), grads


def _tiled_layer(a: Tensor, b: Tensor, weights: PackedWeights) -> tuple[Tensor, Tensor, Tensor]:
    """sum(w |B A|) = sum(dB * B), dA and dB of one layer; S of one tile at a time."""
    dtype = working_dtype(a, b)
    wide_a, wide_b = a.to(dtype), b.to(dtype)
    d_a, d_b = torch.zeros_like(wide_a), torch.empty_like(wide_b)
    tile_elements = _CPU_TILE_ELEMENTS if a.device.type == "cpu" else _GPU_TILE_ELEMENTS
    tiles = list(row_tiles(*weights.shape, tile_elements))
    buffer = wide_a.new_empty(tiles[0].stop, weights.in_features)  # one for all tiles: fresh pages are slow
    for rows in tiles:
        g = torch.mm(wide_b[rows], wide_a, out=buffer[: rows.stop - rows.start])
        g.sign_().mul_(weights.unpack(rows))
        torch.mm(g, wide_a.t(), out=d_b[rows])
        d_a.addmm_(wide_b[rows].t(), g)
    return (d_b * wide_b).sum(), d_a, d_b
