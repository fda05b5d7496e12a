"""Non-negative integer weights of a matrix's elements in about one bit per element.

Key elements are 2 % of a layer's elements per past task. The released code keeps them as pairs of int64, 16
bytes each, so memory grows with every task. Here a layer keeps

- presence: one bit per element, weight > 0. int64 (ceil(in / 64), out): bit c % 64 of word [c // 64, r] is
  element (r, c), so words of neighbouring rows lie side by side and a tile of 64 columns needs one word per
  row;
- extra: bits of (weight - 1), one plane per binary digit, for present elements only, in row-major order, as a
  stream of int64 words (lowest bit first). A layer without duplicates has no plane;
- row_start: number of present elements before each row, int64 (out,): where in the streams a row begins.

Weights are at most 15: beyond that they saturate. Memory is 1 bit per element plus at most 4 bits per present
one, whatever the number of tasks. `PackedWeights` never changes once made; all functions work on any device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from asd_training.errors import ShapeError, StateError

WORD_BITS = 64
MAX_WEIGHT = 15
_MAX_PLANES = 4


@cache
def _byte_table(device: torch.device) -> Tensor:
    """int64 (256,): the eight bytes of entry b are the eight bits of b, lowest first."""
    bits = (torch.arange(256)[:, None] >> torch.arange(8)) & 1
    return bits.to(torch.uint8).view(torch.int64)[:, 0].to(device)


def _bits_to_bytes(stream: Tensor) -> Tensor:
    """uint8 0/1 (8 n,) of n packed bytes (uint8)."""
    return _byte_table(stream.device).index_select(0, stream.to(torch.int32)).view(torch.uint8)


def _bytes_to_bits(flags: Tensor) -> Tensor:
    """Pack 0/1 bytes along the last axis (a multiple of 64 long) into int64 words."""
    weights = torch.tensor([1, 2, 4, 8, 16, 32, 64, 128], dtype=torch.uint8, device=flags.device)
    grouped = flags.to(torch.uint8).view(*flags.shape[:-1], -1, 8)
    packed = torch.zeros(grouped.shape[:-1], dtype=torch.uint8, device=flags.device)
    for bit in range(8):  # one byte per element is memory enough: no product of eight times that
        packed |= grouped[..., bit] * weights[bit]
    return packed.view(torch.int64)


def _pad_to_words(flags: Tensor) -> Tensor:
    missing = -flags.shape[-1] % WORD_BITS
    return torch.nn.functional.pad(flags.to(torch.uint8), (0, missing)) if missing else flags.to(torch.uint8)


def pack_bits(mask: Tensor) -> Tensor:
    """int64 (ceil(in / 64), out) of a bool (or 0/1 uint8) matrix (out, in)."""
    return _bytes_to_bits(_pad_to_words(mask).contiguous()).t().contiguous()


def unpack_bits(words: Tensor, in_features: int) -> Tensor:
    """uint8 0/1 (out, in) of words (ceil(in / 64), out)."""
    blocks, out_features = words.shape
    return _bits_to_bytes(_row_bytes(words)).view(out_features, blocks * WORD_BITS)[:, :in_features]


def _row_bytes(words: Tensor) -> Tensor:
    """The words' bytes, row after row: uint8 (out * blocks * 8,)."""
    return words.t().clone(memory_format=torch.contiguous_format).view(-1).view(torch.uint8)


def _nonzero(flags: Tensor) -> Tensor:
    """Positions of the set flags, int64 (NumPy's search is three times faster than torch's on a CPU)."""
    if flags.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(flags.numpy()))
    return flags.nonzero()[:, 0]


@dataclass(frozen=True)
class PackedWeights:
    """Weights of the elements of one (out, in) matrix; see the module's text for the layout.

    total: sum of all weights (the divisor of a weighted mean), num_present: how many are above 0.
    """

    presence: Tensor
    extra: Tensor
    row_start: Tensor
    out_features: int
    in_features: int
    num_present: int
    total: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.out_features, self.in_features

    @property
    def device(self) -> torch.device:
        return self.presence.device

    @property
    def num_planes(self) -> int:
        return self.extra.shape[0]

    @property
    def size_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in (self.presence, self.extra, self.row_start))

    def to(self, device: torch.device | str) -> PackedWeights:
        """The same weights on another device (this object if it lies there already)."""
        if torch.device(device) == self.device:
            return self
        return replace(
            self,
            presence=self.presence.to(device),
            extra=self.extra.to(device),
            row_start=self.row_start.to(device),
        )

    def unpack(self, rows: slice | None = None) -> Tensor:
        """uint8 (rows, in) weights."""
        start, stop, _ = (rows or slice(None)).indices(self.out_features)
        unpacked = _bits_to_bytes(_row_bytes(self.presence[:, start:stop]))
        if self.num_planes:
            first = int(self.row_start[start])
            end = int(self.row_start[stop]) if stop < self.out_features else self.num_present
            unpacked.scatter_(0, _nonzero(unpacked.view(torch.bool)), self._present_weights(first, end))
        return unpacked.view(stop - start, -1)[:, : self.in_features]

    def _present_weights(self, first: int, end: int) -> Tensor:
        """uint8 weights of the present elements number `first` to `end`, in row-major order."""
        weights = torch.ones(end - first, dtype=torch.uint8, device=self.device)
        byte = first // 8
        for plane, stream in enumerate(self.extra):
            flags = _bits_to_bytes(stream.view(torch.uint8)[byte : (end + 7) // 8])
            weights += flags[first - 8 * byte : end - 8 * byte] << plane
        return weights


def pack_weights(weights: Tensor) -> PackedWeights:
    """Pack an integer or bool matrix (out, in) of values 0 and up; values above 15 become 15.

    Raises: ShapeError if it is not a matrix with elements.
    """
    if weights.ndim != 2 or not weights.numel():
        raise ShapeError(f"expected weights of shape (out, in), both at least 1, got {tuple(weights.shape)}")
    weights = weights.clamp(max=MAX_WEIGHT).to(torch.uint8) if weights.dtype != torch.bool else weights.to(torch.uint8)
    mask = weights > 0
    per_row = mask.sum(1)
    return PackedWeights(
        presence=pack_bits(mask),
        extra=_pack_extra(weights[mask] - 1),
        row_start=per_row.cumsum(0) - per_row,
        out_features=weights.shape[0],
        in_features=weights.shape[1],
        num_present=int(per_row.sum()),
        total=int(weights.sum(dtype=torch.int64)),
    )


def _pack_extra(above_one: Tensor) -> Tensor:
    """int64 (planes, words + 1); the last word is padding: two words can be read from any position."""
    planes = int(above_one.max()).bit_length() if above_one.numel() else 0
    words = -(-above_one.numel() // WORD_BITS) + 1
    extra = torch.zeros(planes, words, dtype=torch.int64, device=above_one.device)
    for plane in range(planes):
        extra[plane, :-1] = _bytes_to_bits(_pad_to_words((above_one >> plane) & 1))
    return extra


def add_weights(first: PackedWeights, second: PackedWeights) -> PackedWeights:
    """Element-wise sum, at most 15 each.

    Raises: ShapeError if the matrices differ in shape.
    """
    return pack_weights(_unpack_both(first, second, torch.add))


def join_weights(first: PackedWeights, second: PackedWeights) -> PackedWeights:
    """Union: weight 1 wherever either is above 0.

    Raises: ShapeError if the matrices differ in shape.
    """
    return pack_weights(_unpack_both(first, second, torch.bitwise_or) > 0)


def _unpack_both(first: PackedWeights, second: PackedWeights, operation: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    if first.shape != second.shape:
        raise ShapeError(f"cannot join key elements of a {first.shape} matrix with those of a {second.shape} one")
    return operation(first.unpack(), second.to(first.device).unpack())


def weights_to_state(weights: PackedWeights) -> dict[str, Tensor]:
    """Plain tensors that `weights_from_state` turns back into the same object."""
    shape = torch.tensor([weights.out_features, weights.in_features, weights.num_present, weights.total])
    return {
        "presence": weights.presence,
        "extra": weights.extra,
        "row_start": weights.row_start,
        "numbers": shape,
    }


def weights_from_state(state: dict[str, Tensor], layer: str) -> PackedWeights:
    """Rebuild packed weights; every figure that can be counted again is counted again.

    Raises: StateError if an entry is missing or extra, has another shape or dtype, or contradicts the others.
    """
    expected = {"presence", "extra", "row_start", "numbers"}
    if state.keys() != expected:
        raise StateError(f"{layer}: expected the entries {sorted(expected)}, got {sorted(state)}")
    numbers = state["numbers"].tolist()
    if len(numbers) != 4 or any(tensor.dtype != torch.int64 for tensor in state.values()):
        raise StateError(f"{layer}: expected int64 tensors and 4 numbers, got {_dtypes(state)}, {len(numbers)} numbers")
    out_features, in_features, num_present, total = numbers
    blocks, words = -(-in_features // WORD_BITS), -(-num_present // WORD_BITS) + 1
    shapes = {
        "presence": (blocks, out_features),
        "extra": (state["extra"].shape[0], words),
        "row_start": (out_features,),
    }
    for name, shape in shapes.items():
        if tuple(state[name].shape) != shape or state["extra"].shape[0] > _MAX_PLANES:
            raise StateError(
                f"{layer}: entry {name!r} has shape {tuple(state[name].shape)}, expected {shape}; damaged?"
            )
    parts = {name: state[name].contiguous() for name in shapes}
    weights = PackedWeights(
        **parts, out_features=out_features, in_features=in_features, num_present=num_present, total=total
    )
    _check_counts(weights, layer)
    return weights


def _dtypes(state: dict[str, Tensor]) -> dict[str, str]:
    return {name: str(tensor.dtype) for name, tensor in state.items()}


def _check_counts(weights: PackedWeights, layer: str) -> None:
    per_row = unpack_bits(weights.presence, len(weights.presence) * WORD_BITS).sum(1)
    starts = per_row.cumsum(0) - per_row
    total = int(weights._present_weights(0, weights.num_present).sum(dtype=torch.int64))
    if (
        int(per_row.sum()) != weights.num_present
        or not torch.equal(starts, weights.row_start)
        or total != weights.total
    ):
        raise StateError(
            f"{layer}: the packed key elements contradict their counts (present {int(per_row.sum())}, "
            f"recorded {weights.num_present}; sum of weights {total}, recorded {weights.total}); "
            "the state is damaged"
        )
