"""Hypothesis strategies and factories: LoRA pairs and weights of odd shapes."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from asd_training.layers.packed_bits import PackedWeights, pack_weights

# Around the 64 columns of a word and the rows of a tile.
sizes = st.sampled_from([1, 2, 7, 31, 63, 64, 65, 100, 128, 130, 200])
ranks = st.sampled_from([1, 2, 5, 16, 20])
seeds = st.integers(0, 2**31)


def make_pair(out_features: int, in_features: int, rank: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(A, B) with normal entries, float32, requiring gradients."""
    draw = torch.Generator().manual_seed(seed)
    a = torch.randn(rank, in_features, generator=draw)
    b = torch.randn(out_features, rank, generator=draw)
    return a.requires_grad_(), b.requires_grad_()


def make_counts(out_features: int, in_features: int, *, most: int = 1, density: float = 0.1, seed: int = 0) -> Tensor:
    """uint8 (out, in): `density` of the elements have a weight of 1 to `most`; the first one always has."""
    draw = torch.Generator().manual_seed(seed)
    chosen = torch.rand(out_features, in_features, generator=draw) < density
    chosen[0, 0] = True
    return (chosen * torch.randint(1, most + 1, chosen.shape, generator=draw)).to(torch.uint8)


def make_weights(out_features: int, in_features: int, **settings: float) -> PackedWeights:
    return pack_weights(make_counts(out_features, in_features, **settings))  # type: ignore[arg-type]
