"""Triton kernels of the masked L1 term; `masked_l1_triton` says what they compute and launches them.

Sizes of layers are compile-time constants: a model has a handful of layer shapes, and known strides make the
loads wide.
"""
# mypy: disable-error-code="no-untyped-def, untyped-decorator, import-untyped, import-not-found"
# ruff: noqa: N803, SIM108

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _bit(low, high, lane):
    """Bit `lane` of the 64-bit words whose halves are `low` and `high` (32-bit shifts are the cheap ones)."""
    return (tl.where(lane < 32, low, high) >> (lane & 31)) & 1


@triton.jit
def _tile_weights(presence, extra, plane_words, at, valid, lane, EXTRA: tl.constexpr, AXIS: tl.constexpr):
    """float32 weights of one tile: presence + sum over planes of 2^plane * extra bit; `at` indexes words."""
    word = tl.load(presence + at, mask=valid, other=0)
    low = tl.expand_dims(word.to(tl.int32), AXIS)
    high = tl.expand_dims((word >> 32).to(tl.int32), AXIS)
    weight = tl.where(_bit(low, high, lane) != 0, 1.0, 0.0)
    for plane in tl.static_range(EXTRA):
        word = tl.load(extra + plane * plane_words + at, mask=valid, other=0)
        low = tl.expand_dims(word.to(tl.int32), AXIS)
        high = tl.expand_dims((word >> 32).to(tl.int32), AXIS)
        weight += tl.where(_bit(low, high, lane) != 0, float(2**plane), 0.0)
    return weight


@triton.jit
def _signed(weight, s):
    """sign(s) * weight, 0 where s is 0; through the sign bit, which is cheaper than two comparisons."""
    bits = (s.to(tl.int32, bitcast=True) & -0x80000000) | weight.to(tl.int32, bitcast=True)
    return tl.where(s == 0, 0.0, bits.to(tl.float32, bitcast=True))


@triton.jit
def row_kernel(
    a_table, b_table, presence_table, extra, d_b, sums,
    row_blocks,
    OUT: tl.constexpr, IN: tl.constexpr, RANK: tl.constexpr,
    DTYPE: tl.constexpr, EXTRA: tl.constexpr, STORE: tl.constexpr, PRECISION: tl.constexpr,
    EVEN: tl.constexpr, BM: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    """One row block of one layer: its dB (if STORE) and sum(dB * B), walking over all columns of A."""
    layer = (tl.program_id(0) // row_blocks).to(tl.int64)
    block = tl.program_id(0) % row_blocks
    a = tl.multiple_of(tl.load(a_table + layer).to(tl.pointer_type(DTYPE)), [16])
    b = tl.multiple_of(tl.load(b_table + layer).to(tl.pointer_type(DTYPE)), [16])
    presence = tl.multiple_of(tl.load(presence_table + layer).to(tl.pointer_type(tl.int64)), [16])
    extra += layer * EXTRA * (tl.cdiv(IN, 64) * OUT)
    m = block * BM + tl.arange(0, BM)
    r = tl.arange(0, R)
    lane = tl.arange(0, 64)
    m_valid = m < OUT
    b_at = m[:, None] * RANK + r[None, :]
    b_valid = m_valid[:, None] & (r < RANK)[None, :]
    b_tile = tl.load(b + b_at, mask=b_valid, other=0.0)
    acc = tl.zeros((BM, R), dtype=tl.float32)
    for start in range(0, IN, 64):
        n = start + lane
        a_at = a + (r[:, None] * IN + n[None, :])
        if EVEN:
            a_tile = tl.load(a_at)
        else:
            a_tile = tl.load(a_at, mask=(r < RANK)[:, None] & (n < IN)[None, :], other=0.0)
        at = (start // 64) * OUT + m
        weight = _tile_weights(presence, extra, tl.cdiv(IN, 64) * OUT, at, m_valid, lane[None, :], EXTRA, 1)
        s = tl.dot(b_tile, a_tile, input_precision=PRECISION)
        g = _signed(weight, s).to(DTYPE)
        acc = tl.dot(g, tl.trans(a_tile), acc, input_precision=PRECISION)
    again = tl.load(b + b_at, mask=b_valid, other=0.0, volatile=True)  # not kept over the loop: registers are scarce
    tl.store(sums + layer * row_blocks + block, tl.sum(acc * again.to(tl.float32)))
    if STORE:
        tl.store(d_b + layer * OUT * RANK + b_at, acc.to(DTYPE), mask=b_valid)


@triton.jit
def column_kernel(
    a_table, b_table, presence_table, extra, d_a, scales,
    column_blocks,
    OUT: tl.constexpr, IN: tl.constexpr, RANK: tl.constexpr,
    DTYPE: tl.constexpr, EXTRA: tl.constexpr, PRECISION: tl.constexpr,
    EVEN: tl.constexpr, BM: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    """64 columns of one layer: their dA times the layer's scale, walking over all rows of B; all tiles
    transposed."""
    layer = (tl.program_id(0) // column_blocks).to(tl.int64)
    block = tl.program_id(0) % column_blocks
    a = tl.multiple_of(tl.load(a_table + layer).to(tl.pointer_type(DTYPE)), [16])
    b = tl.multiple_of(tl.load(b_table + layer).to(tl.pointer_type(DTYPE)), [16])
    presence = tl.multiple_of(tl.load(presence_table + layer).to(tl.pointer_type(tl.int64)), [16])
    extra += layer * EXTRA * (tl.cdiv(IN, 64) * OUT)
    r = tl.arange(0, R)
    lane = tl.arange(0, 64)
    n = block * 64 + lane
    a_at = r[:, None] * IN + n[None, :]
    a_valid = (r < RANK)[:, None] & (n < IN)[None, :]
    a_tile = tl.trans(tl.load(a + a_at, mask=a_valid, other=0.0))
    acc = tl.zeros((64, R), dtype=tl.float32)
    for start in range(0, OUT, BM):
        m = start + tl.arange(0, BM)
        b_at = b + (m[:, None] * RANK + r[None, :])
        if EVEN:
            b_tile = tl.load(b_at)
        else:
            b_tile = tl.load(b_at, mask=(m < OUT)[:, None] & (r < RANK)[None, :], other=0.0)
        at = block * OUT + m
        weight = _tile_weights(presence, extra, tl.cdiv(IN, 64) * OUT, at, m < OUT, lane[:, None], EXTRA, 0)
        s = tl.dot(a_tile, tl.trans(b_tile), input_precision=PRECISION)
        g = _signed(weight, s).to(DTYPE)
        acc = tl.dot(g, b_tile, acc, input_precision=PRECISION)
    acc *= tl.load(scales + layer)
    tl.store(d_a + layer * RANK * IN + a_at, tl.trans(acc).to(DTYPE), mask=a_valid)


@triton.jit
def _popcount(word):
    """Number of set bits of uint64 words, by adding neighbouring fields."""
    word = word - ((word >> 1) & 0x5555555555555555)
    word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333)
    word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0F
    return ((word * 0x0101010101010101) >> 56).to(tl.int64)


@triton.jit
def _expand_step(mask, zeros_below, SHIFT: tl.constexpr):
    """One step of the parallel bit expansion: which bits move by SHIFT, and the masks of the next step."""
    parity = zeros_below ^ (zeros_below << 1)
    parity ^= parity << 2
    parity ^= parity << 4
    parity ^= parity << 8
    parity ^= parity << 16
    parity ^= parity << 32
    moved = parity & mask
    return moved, (mask ^ moved) | (moved >> SHIFT), zeros_below ^ (zeros_below & parity)


@triton.jit
def _deposit(bits, mask):
    """Spread the low bits of uint64 `bits` over the set bits of `mask`, lowest first (the instruction PDEP of
    CPUs)."""
    moved_1, m, below = _expand_step(mask, (mask ^ 0xFFFFFFFFFFFFFFFF) << 1, 1)
    moved_2, m, below = _expand_step(m, below, 2)
    moved_4, m, below = _expand_step(m, below, 4)
    moved_8, m, below = _expand_step(m, below, 8)
    moved_16, m, below = _expand_step(m, below, 16)
    moved_32, m, below = _expand_step(m, below, 32)
    bits ^= (bits ^ (bits << 32)) & moved_32
    bits ^= (bits ^ (bits << 16)) & moved_16
    bits ^= (bits ^ (bits << 8)) & moved_8
    bits ^= (bits ^ (bits << 4)) & moved_4
    bits ^= (bits ^ (bits << 2)) & moved_2
    bits ^= (bits ^ (bits << 1)) & moved_1
    return bits & mask


@triton.jit
def deposit_kernel(
    presence_table, stream_table, row_start_table, stream_words_table, planes,
    row_blocks,
    OUT: tl.constexpr, WORDS: tl.constexpr, EXTRA: tl.constexpr, BM: tl.constexpr, BW: tl.constexpr,
):  # fmt: skip
    """A block of rows: find where each word's bits start in the compressed streams and spread them over its
    set bits."""
    layer = (tl.program_id(0) // row_blocks).to(tl.int64)
    m = (tl.program_id(0) % row_blocks) * BM + tl.arange(0, BM)
    presence = tl.load(presence_table + layer).to(tl.pointer_type(tl.int64))
    stream = tl.load(stream_table + layer).to(tl.pointer_type(tl.int64))
    row_start = tl.load(row_start_table + layer).to(tl.pointer_type(tl.int64))
    stream_words = tl.load(stream_words_table + layer)
    planes += layer * EXTRA * WORDS * OUT
    position = tl.load(row_start + m, mask=m < OUT, other=0)
    for first in range(0, WORDS, BW):
        block = first + tl.arange(0, BW)
        at = block[:, None] * OUT + m[None, :]
        valid = (block < WORDS)[:, None] & (m < OUT)[None, :]
        word = tl.load(presence + at, mask=valid, other=0).to(tl.uint64, bitcast=True)
        ones = _popcount(word)
        start = position[None, :] + tl.cumsum(ones, 0) - ones
        position += tl.sum(ones, 0)
        shift = (start & 63).to(tl.uint64)
        wanted = valid & (ones > 0)
        for plane in tl.static_range(EXTRA):
            source = stream + plane * stream_words + (start >> 6)
            low = tl.load(source, mask=wanted, other=0).to(tl.uint64, bitcast=True)
            high = tl.load(source + 1, mask=wanted, other=0).to(tl.uint64, bitcast=True)
            bits = (low >> shift) | ((high << 1) << (63 - shift))
            placed = _deposit(bits, word).to(tl.int64, bitcast=True)
            tl.store(planes + plane * WORDS * OUT + at, placed, mask=valid)
