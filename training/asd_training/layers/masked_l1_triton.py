"""The masked L1 term and its gradients on CUDA, fused: dense delta weights never reach memory.

With S = B A, weights w >= 0 and G = sign(S) * w (sign(0) = 0), the sums that `masked_l1` needs are

    dB = G A^T,   dA = B^T G,   sum(w |S|) = sum(G * S) = sum(dB * B),

so the value costs nothing beside dB. Two kernels, each of which keeps its output tile in registers and walks
over the other side: one row block of B against all of A (dB and the value), one column block of A against all
of B (dA, S computed again). Two products a pass, no atomics: the same inputs give the same bits. All layers
of one shape run in one launch, through tables of addresses, because one layer alone has too few row blocks to
fill the card.

Weights arrive as bits: 64 columns of one row in an int64, words of neighbouring rows side by side (see
`packed_bits`). A tile is 64 columns wide, so that each row needs one word and unpacking is a broadcast and a
shift in registers. Counts above 1 are compressed at rest; `deposit_extra` spreads them out to bits for one
chunk of layers at a time.

Products of bfloat16 or float16 factors are exact, float32 factors go through three tf32 products (close to
float32); sums are float32 everywhere. Limits: see `can_run`; other factors go through the tiled form of
`masked_l1`.
"""
# mypy: disable-error-code="import-untyped, import-not-found"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import triton.language as tl
from torch import Tensor

from asd_training.layers import masked_l1_kernels as kernels
from asd_training.layers.packed_bits import PackedWeights

MAX_RANK = 256
MAX_RANK_FLOAT32 = 64  # beyond it, three tf32 products a tile neither fit registers nor shared memory
SCRATCH_BYTES = 128 << 20
_TRITON_DTYPES = {torch.bfloat16: tl.bfloat16, torch.float16: tl.float16, torch.float32: tl.float32}


@dataclass(frozen=True)
class Tiling:
    """Shape of one pass: rows of B in a tile (columns: one word, 64), and how the compiler may overlap.

    max_registers: cap per thread, so that two or three programs share a multiprocessor and one computes
    products while another unpacks bits; None leaves it to the compiler.
    """

    rows: int
    num_warps: int
    num_stages: int
    max_registers: int | None = None

    @property
    def options(self) -> dict[str, int]:
        options = {"num_warps": self.num_warps, "num_stages": self.num_stages}
        return options if self.max_registers is None else {**options, "maxnreg": self.max_registers}


# (pass, rank up to, with extra planes) -> tiling, for 2-byte factors. Chosen by what the compiler reports for
# sm_90 (registers, spills, shared memory); `benchmarks/reglora.py --tune` times alternatives on a card.
TILINGS = {
    ("rows", 64, False): Tiling(128, 8, 3),
    ("rows", 64, True): Tiling(128, 8, 3),
    ("rows", 128, False): Tiling(128, 8, 3, 128),
    ("rows", 128, True): Tiling(64, 4, 3, 168),
    ("rows", 256, False): Tiling(64, 8, 2),
    ("rows", 256, True): Tiling(64, 8, 2),
    ("columns", 64, False): Tiling(64, 4, 3),
    ("columns", 64, True): Tiling(64, 4, 3),
    ("columns", 128, False): Tiling(64, 4, 3, 168),
    ("columns", 128, True): Tiling(64, 4, 3, 168),
    ("columns", 256, False): Tiling(32, 8, 2),
    ("columns", 256, True): Tiling(32, 8, 2),
}
_FLOAT32_TILINGS = {"rows": Tiling(64, 4, 2), "columns": Tiling(32, 4, 2)}


def choose_tiling(direction: str, rank_block: int, planes: int, dtype: torch.dtype) -> Tiling:
    """The tiling of one pass ("rows" or "columns"); rank_block is the rank rounded up to a power of two."""
    if dtype == torch.float32:
        return _FLOAT32_TILINGS[direction]
    up_to = 64 if rank_block <= 64 else rank_block
    return TILINGS[direction, up_to, planes > 0]


def can_run(dtypes: set[torch.dtype], rank: int) -> bool:
    """Whether the kernels take factors of these dtypes (one only) and this rank."""
    if len(dtypes) != 1:
        return False
    (dtype,) = dtypes
    return dtype in _TRITON_DTYPES and rank <= (MAX_RANK_FLOAT32 if dtype == torch.float32 else MAX_RANK)


@dataclass(frozen=True)
class _Group:
    """Layers that one launch can handle: same shape, rank and number of extra planes."""

    layers: tuple[int, ...]
    out_features: int
    in_features: int
    rank: int
    planes: int

    @property
    def blocks(self) -> int:
        return -(-self.in_features // 64)

    @property
    def rank_block(self) -> int:
        return max(16, 1 << (self.rank - 1).bit_length())


def group_layers(
    a_all: Sequence[Tensor],
    b_all: Sequence[Tensor],
    weights: Sequence[PackedWeights],
    scratch_bytes: int = SCRATCH_BYTES,
) -> list[_Group]:
    """Layers by shape, in order; groups whose extra planes would not fit into the scratch memory are cut."""
    by_shape: dict[tuple[int, int, int, int], list[int]] = {}
    for layer, (a, b, packed) in enumerate(zip(a_all, b_all, weights, strict=True)):
        by_shape.setdefault((b.shape[0], a.shape[1], a.shape[0], packed.num_planes), []).append(layer)
    groups = []
    for (out_features, in_features, rank, planes), layers in by_shape.items():
        per_layer = planes * -(-in_features // 64) * out_features * 8
        most = max(1, scratch_bytes // per_layer) if per_layer else len(layers)
        groups += [
            _Group(tuple(layers[start : start + most]), out_features, in_features, rank, planes)
            for start in range(0, len(layers), most)
        ]
    return groups


def forward(
    a_all: Sequence[Tensor], b_all: Sequence[Tensor], weights: Sequence[PackedWeights], *, keep_d_b: bool
) -> tuple[Tensor, list[Tensor]]:
    """Per layer sum(w |B A|), float32 (layers,); and, if kept, dB of these sums: one (layers, out, rank) per
    group."""
    sums = torch.empty(len(weights), dtype=torch.float32, device=a_all[0].device)
    kept = []
    for group in group_layers(a_all, b_all, weights):
        d_b, values = _run_rows(group, a_all, b_all, weights, keep_d_b)
        sums[_index(group.layers, sums.device)] = values
        kept.append(d_b)
    return sums, kept if keep_d_b else []


def backward(
    a_all: Sequence[Tensor],
    b_all: Sequence[Tensor],
    weights: Sequence[PackedWeights],
    kept: list[Tensor],
    scales: Tensor,
) -> tuple[list[Tensor], list[Tensor]]:
    """Per layer dA and dB, each times its scale. The tensors in `kept` are used up: they become the dB
    returned."""
    d_a_all: list[Tensor] = [a_all[0]] * len(weights)
    d_b_all: list[Tensor] = [b_all[0]] * len(weights)
    groups = group_layers(a_all, b_all, weights)
    for group, d_b in zip(groups, kept, strict=True):
        group_scales = scales.float()[_index(group.layers, scales.device)].contiguous()
        d_a = _run_columns(group, a_all, b_all, weights, group_scales)
        d_b.mul_(group_scales[:, None, None])
        for at, layer in enumerate(group.layers):
            d_a_all[layer], d_b_all[layer] = d_a[at], d_b[at]
    return d_a_all, d_b_all


def _index(layers: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(layers).to(device, non_blocking=True)


def _aligned(tensor: Tensor) -> Tensor:
    """The tensor, contiguous and at an address divisible by 16, as the kernels take for granted."""
    tensor = tensor.detach().contiguous()
    return tensor if tensor.data_ptr() % 16 == 0 else tensor.clone()


def _table(tensors: list[Tensor], device: torch.device) -> Tensor:
    """Addresses of tensors, which the caller must keep alive until the launch has been queued."""
    return torch.tensor([tensor.data_ptr() for tensor in tensors], dtype=torch.int64).to(device, non_blocking=True)


def _run_rows(
    group: _Group,
    a_all: Sequence[Tensor],
    b_all: Sequence[Tensor],
    weights: Sequence[PackedWeights],
    keep_d_b: bool,
) -> tuple[Tensor, Tensor]:
    inputs = _GroupInputs(group, a_all, b_all, weights)
    tiling = choose_tiling("rows", group.rank_block, group.planes, inputs.dtype)
    row_blocks = -(-group.out_features // tiling.rows)
    kept_shape = (len(group.layers), group.out_features, group.rank) if keep_d_b else (1, 1, 1)
    d_b = torch.empty(kept_shape, dtype=inputs.dtype, device=inputs.device)
    sums = torch.empty(len(group.layers), row_blocks, dtype=torch.float32, device=inputs.device)
    kernels.row_kernel[(len(group.layers) * row_blocks,)](
        *inputs.pointers, d_b, sums, row_blocks, **inputs.constants, STORE=keep_d_b,
        EVEN=group.in_features % 64 == 0 and group.rank == group.rank_block, BM=tiling.rows, **tiling.options,
    )  # fmt: skip
    return d_b, sums.sum(1)


def _run_columns(
    group: _Group,
    a_all: Sequence[Tensor],
    b_all: Sequence[Tensor],
    weights: Sequence[PackedWeights],
    scales: Tensor,
) -> Tensor:
    inputs = _GroupInputs(group, a_all, b_all, weights)
    tiling = choose_tiling("columns", group.rank_block, group.planes, inputs.dtype)
    shape = (len(group.layers), group.rank, group.in_features)
    d_a = torch.empty(shape, dtype=inputs.dtype, device=inputs.device)
    kernels.column_kernel[(len(group.layers) * group.blocks,)](
        *inputs.pointers, d_a, scales, group.blocks, **inputs.constants,
        EVEN=group.out_features % tiling.rows == 0 and group.rank == group.rank_block,
        BM=tiling.rows, **tiling.options,
    )  # fmt: skip
    return d_a


class _GroupInputs:
    """What both passes read: address tables of factors and presence bits, and the extra planes as bits."""

    def __init__(
        self,
        group: _Group,
        a_all: Sequence[Tensor],
        b_all: Sequence[Tensor],
        weights: Sequence[PackedWeights],
    ) -> None:
        self.dtype, self.device = a_all[0].dtype, a_all[0].device
        self._a = [_aligned(a_all[layer]) for layer in group.layers]
        self._b = [_aligned(b_all[layer]) for layer in group.layers]
        chosen = [weights[layer] for layer in group.layers]
        self._presence = [_aligned(packed.presence) for packed in chosen]
        presence = _table(self._presence, self.device)
        extra = deposit_extra(chosen, presence) if group.planes else presence
        self.pointers = (_table(self._a, self.device), _table(self._b, self.device), presence, extra)
        self.constants = {
            "OUT": group.out_features,
            "IN": group.in_features,
            "RANK": group.rank,
            "R": group.rank_block,
            "EXTRA": group.planes,
            "DTYPE": _TRITON_DTYPES[self.dtype],
            "PRECISION": "tf32x3" if self.dtype == torch.float32 else "tf32",
        }


def deposit_extra(weights: Sequence[PackedWeights], presence: Tensor) -> Tensor:
    """The compressed planes of layers of one shape as bits like presence, (layers, planes, blocks, out)."""
    first, device = weights[0], presence.device
    blocks, out_features = first.presence.shape
    shape = (len(weights), first.num_planes, blocks, out_features)
    planes = torch.empty(shape, dtype=torch.int64, device=device)
    row_block = 32
    row_blocks = -(-out_features // row_block)
    streams = _table([packed.extra for packed in weights], device)
    row_starts = _table([packed.row_start for packed in weights], device)
    words = torch.tensor([packed.extra.shape[1] for packed in weights]).to(device, non_blocking=True)
    kernels.deposit_kernel[(len(weights) * row_blocks,)](
        presence, streams, row_starts, words, planes, row_blocks,
        OUT=out_features, WORDS=blocks, EXTRA=first.num_planes, BM=row_block, BW=8, num_warps=4,
    )  # fmt: skip
    return planes
