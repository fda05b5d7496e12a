"""What happens to bytes on their way: flipped, cut, zeroed, repeated, swapped, put into from elsewhere."""

from __future__ import annotations

import random

ODD_PIECES = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r\n", b'"', b"\\", b"\\ud83d", b"{", b"}", b"[", b"]" * 3, b",", b"NaN",
    b"1e999", b"9" * 400, b"[" * 3000, b"\x1f\x8b", b"PAR1", b"ARROW1", b"\x1b[31m", b"../../", b"null",
)  # fmt: skip


def damaged(data: bytes, draw: random.Random) -> bytes:
    """The bytes with one to three kinds of damage, or (one time in ten) as they are."""
    if draw.random() < 0.1:
        return data
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        if not changed:
            break
        draw.choice((_flip, _flip, _cut, _zero, _repeat, _swap, _insert, _drop))(changed, draw)
    return bytes(changed)


def _flip(data: bytearray, draw: random.Random) -> None:
    for _ in range(draw.choice((1, 1, 8))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _cut(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data)) :]


def _zero(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    data[at : at + 32] = bytes(len(data[at : at + 32]))


def _repeat(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    data[at:at] = data[at : at + draw.choice((1, 20, 300))]


def _swap(data: bytearray, draw: random.Random) -> None:
    one, two = sorted(draw.randrange(len(data)) for _ in range(2))
    data[one], data[two] = data[two], data[one]


def _insert(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    data[at:at] = draw.choice(ODD_PIECES)


def _drop(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    del data[at : at + draw.choice((1, 20, 300))]
