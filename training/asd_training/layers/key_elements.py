"""Key elements of a layer: the share of its delta weight's elements with the largest absolute value.

    importance = |B A| (unscaled, float32);  k = int(fraction * out * in);  the k largest are key elements.

Exact in count. Ties at the k-th value go to the element that comes first in row-major order, so the same
factors always give the same elements. Selected without sorting the matrix and without holding it: the bit
pattern of a non-negative float grows with its value, so one pass over tiles of B A counts the upper 16 bits,
a second keeps what lies above the bucket that holds the k-th value and collects the elements of that bucket
(a value range of less than 1 %), and only these are ranked. In the worst case, all values equal, that is the
whole of one layer.

`fraction` is SEFE's M (2 %).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from asd_training.errors import SettingError, ShapeError
from asd_training.layers.delta_weight import check_factors, full_precision, row_tiles
from asd_training.layers.packed_bits import PackedWeights, pack_weights

_BUCKET_SHIFT = 16
_NUM_BUCKETS = 1 << (31 - _BUCKET_SHIFT)
_INFINITY_BUCKET = 0x7F800000 >> _BUCKET_SHIFT
_CPU_TILE_ELEMENTS = 1 << 22
_GPU_TILE_ELEMENTS = 1 << 26


def num_key_elements(out_features: int, in_features: int, fraction: float) -> int:
    """k = int(fraction * out * in).

    Raises: SettingError if fraction is not in (0, 1] or so small that no element is left.
    """
    if not 0 < fraction <= 1:
        raise SettingError(f"the fraction of key elements must be in (0, 1], got {fraction}; 0.02 is 2 %")
    k = int(fraction * out_features * in_features)
    if not k:
        raise SettingError(
            f"a fraction of {fraction} of a {out_features} x {in_features} layer is not one element; raise the fraction"
        )
    return k


@torch.no_grad()
def key_elements(
    lora_A: Tensor,  # noqa: N803
    lora_B: Tensor,  # noqa: N803
    fraction: float = 0.02,
    *,
    layer: str = "LoRA pair",
    tile_elements: int | None = None,
) -> PackedWeights:
    """The key elements of B A, each with weight 1. A: (rank, in), B: (out, rank), any float dtype.

    tile_elements: how much of B A is computed at a time. Raises: ShapeError if a value is not finite; see
    also `num_key_elements` and `check_factors`.
    """
    out_features, in_features, _ = check_factors(lora_A, lora_B, layer)
    k = num_key_elements(out_features, in_features, fraction)
    if tile_elements is None:
        tile_elements = _CPU_TILE_ELEMENTS if lora_A.device.type == "cpu" else _GPU_TILE_ELEMENTS
    tiles = list(row_tiles(out_features, in_features, tile_elements))
    bucket, above = _bucket_of_rank(lora_A, lora_B, tiles, k, layer)
    mask = torch.empty(out_features, in_features, dtype=torch.bool, device=lora_A.device)
    positions, values = [], []
    for rows, bits in _importance_tiles(lora_A, lora_B, tiles):
        upper = bits >> _BUCKET_SHIFT
        torch.gt(upper, bucket, out=mask[rows])
        position = (upper == bucket).view(-1).nonzero()[:, 0]
        values.append(bits.view(-1)[position])
        positions.append(position + rows.start * in_features)
    chosen = _first_largest(torch.cat(values), k - above)
    mask.view(-1)[torch.cat(positions)[chosen]] = True
    return pack_weights(mask)


def _importance_tiles(
    lora_A: Tensor,  # noqa: N803
    lora_B: Tensor,  # noqa: N803
    tiles: list[slice],
) -> Iterator[tuple[slice, Tensor]]:
    """(rows, bit patterns of |B A| of these rows as int32)."""
    a = lora_A.detach().float()
    for rows in tiles:
        with full_precision(a.device):
            yield rows, (lora_B[rows].detach().float() @ a).abs_().view(torch.int32)


def _bucket_of_rank(
    lora_A: Tensor,  # noqa: N803
    lora_B: Tensor,  # noqa: N803
    tiles: list[slice],
    k: int,
    layer: str,
) -> tuple[int, int]:
    """The bucket that holds the k-th largest value, and how many values lie in the buckets above it."""
    histogram = torch.zeros(_NUM_BUCKETS, dtype=torch.int64, device=lora_A.device)
    for _, bits in _importance_tiles(lora_A, lora_B, tiles):
        histogram += torch.bincount((bits >> _BUCKET_SHIFT).view(-1), minlength=_NUM_BUCKETS)
    counts = histogram.cpu()
    if counts[_INFINITY_BUCKET:].any():
        raise ShapeError(
            f"{layer}: B A has values that are not finite; the adapter diverged, key elements are undefined"
        )
    at_least = counts.flip(0).cumsum(0).flip(0)
    bucket = int((at_least >= k).nonzero()[-1])
    return bucket, int(at_least[bucket] - counts[bucket])


def _first_largest(values: Tensor, count: int) -> Tensor:
    """Indices of the `count` largest values (at least 1); of equal values the first ones."""
    threshold = values.kthvalue(values.numel() - count + 1).values
    larger = values > threshold
    ties = (values == threshold).nonzero()[:, 0]
    return torch.cat([larger.nonzero()[:, 0], ties[: count - int(larger.sum())]])
