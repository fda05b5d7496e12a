"""Keyed hashes of sample ids: the only source of randomness in selection.

A sample's key depends on (seed, task, split, source id) and nothing else, so the choice made from it is the same
whatever the order of the source, the sharding or the number of workers. The hash is defined here (FNV-like folding of
8-byte words through the splitmix64 finaliser), because library hashes of strings promise no stable value over versions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

Keys = npt.NDArray[np.uint64]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_M1 = 0xBF58476D1CE4E5B9
_M2 = 0x94D049BB133111EB


def salt(seed: int, *parts: str) -> int:
    """64-bit start value for a stream of keys."""
    return xxhash.xxh3_64_intdigest("\x1f".join([str(seed), *parts]).encode())


def mix(values: Keys) -> Keys:
    """The splitmix64 finaliser, element-wise; a bijection on uint64."""
    z = values + np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_M1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_M2)
    return z ^ (z >> np.uint64(31))


def _mix_one(value: int) -> int:
    z = (value + _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * _M1) & _MASK
    z = ((z ^ (z >> 27)) * _M2) & _MASK
    return z ^ (z >> 31)


def key_of(text: str, start: int) -> int:
    """Key of one string: the definition that `keys_of` is tested against."""
    data = text.encode()
    value = start
    for offset in range(0, len(data), 8):
        word = int.from_bytes(data[offset : offset + 8].ljust(8, b"\0"), "little")
        value = _mix_one(value ^ word)
    return _mix_one(value ^ len(data))


def keys_of(texts: pa.StringArray, start: int) -> Keys:
    """Keys of a column of strings (no nulls), shape (n,), uint64."""
    count = len(texts)
    if count == 0:
        return np.zeros(0, np.uint64)
    _, offset_buffer, data_buffer = texts.buffers()
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    offsets = np.frombuffer(offset_buffer, width)[texts.offset : texts.offset + count + 1].astype(np.int64)
    lengths = np.diff(offsets)
    words_per_row = (lengths + 7) // 8
    columns = int(words_per_row.max())
    padded = np.zeros((count, columns * 8), np.uint8)
    if data_buffer is not None and columns:
        data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
        within = np.arange(columns * 8)[None, :] < lengths[:, None]
        padded[within] = data
    words = padded.view("<u8")
    values = np.full(count, start, np.uint64)
    with np.errstate(over="ignore"):
        for column in range(columns):
            active = words_per_row > column
            values = np.where(active, mix(values ^ words[:, column]), values)
        return mix(values ^ lengths.astype(np.uint64))
