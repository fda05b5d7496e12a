"""Which rows of each part a mix takes: exact shares, no row twice, the same rows and more for a larger mix.

Every row has a key that depends on the seed, the part and the row's id alone. A part gives its rows of smallest key, so
a larger total, or a larger share, keeps all rows of a smaller one; of three parts or more, one may at times give a row
less at a larger total, as largest remainders have it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asd.errors import UsageError

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """The rows that a part could give, in the order of its version."""

    name: str
    share: float
    keys: Keys
    content: npt.NDArray[np.uint64]
    """(rows, 2): hash of prompt, images and response; equal where a row repeats another."""
    sizes: npt.NDArray[np.int64]
    """In the unit of the mix: 1 where it counts rows."""


@dataclass(frozen=True)
class Choice:
    """rows: of the part's candidates, by rising key. size: of all of them. repeated: candidates left out because another
    row says the same."""

    rows: Rows
    keys: Keys
    size: int
    repeated: int


def unrepeated(parts: Sequence[Candidates]) -> list[Rows]:
    """Candidates of each part but for those that repeat one of an earlier part, or of the same part with a smaller key."""
    content = np.concatenate([part.content for part in parts])
    keys = np.concatenate([part.keys for part in parts])
    places = np.concatenate([np.full(len(part.keys), number) for number, part in enumerate(parts)])
    order = np.lexsort((keys, places, content[:, 1], content[:, 0]))
    ordered = content[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    kept = np.zeros(len(order), bool)
    kept[order[is_first]] = True
    ends = np.cumsum([len(part.keys) for part in parts])[:-1]
    return [np.flatnonzero(mine) for mine in np.split(kept, ends)]


def choose(parts: Sequence[Candidates], unit: str, total: int | None) -> list[Choice]:
    """The rows of each part. Raises: UsageError if a part has too few, with the most that the parts allow."""
    left = unrepeated(parts)
    shares = [part.share for part in parts]
    have = [int(part.sizes[mine].sum()) for part, mine in zip(parts, left, strict=True)]
    for part, mine, count in zip(parts, left, have, strict=True):
        if not count:
            why = "its rows hold none" if len(mine) else "all of them repeat other rows"
            why = why if len(part.keys) else "look at its `styles` and `split`"
            raise UsageError(f"part {part.name} has no {unit} left to give: {why}.")
    most = largest_total(shares, have)
    asked = most if total is None else total
    quotas = even_quotas(shares, asked)
    for part, quota, count in zip(parts, quotas, have, strict=True):
        if quota > count:
            raise UsageError(
                f"a mix of {asked:,} {unit} takes {quota:,} of part {part.name}, which has {count:,}. The most is total: "
                f"{most:,}; or give that part a smaller share."
            )
    chosen = [_choice(part, mine, quota) for part, mine, quota in zip(parts, left, quotas, strict=True)]
    if not any(choice.size for choice in chosen):
        raise UsageError(f"a mix of {asked:,} {unit} holds no row; give a larger total.")
    for part, quota, choice in zip(parts, quotas, chosen, strict=True):
        if not choice.size:
            raise UsageError(_no_row(part, quota, unit, asked, most))
    return chosen


def _no_row(part: Candidates, quota: int, unit: str, asked: int, most: int) -> str:
    """Why a part that a mix file names is not in the mix."""
    if quota:
        return (
            f"part {part.name} gives no row: its {quota:,} {unit} are less than half of its first row. Give a larger total, or "
            "that part a larger share."
        )
    enough = math.ceil(1 / part.share - 1e-9)
    total = (
        f"a total of {enough:,} or more" if enough <= most else f"other parts more rows (the most is total: {most:,})"
    )
    return (
        f"part {part.name} gives no row: its share of {part.share:g} of {asked:,} {unit} rounds to 0. Give {total}, or that "
        "part a larger share; or take it out."
    )


def _choice(part: Candidates, unrepeated: Rows, quota: int) -> Choice:
    """The first rows by key whose sizes add up to the quota, or come nearest to it: to half the size of a row."""
    by_key = unrepeated[np.argsort(part.keys[unrepeated], kind="stable")]
    sums = np.cumsum(part.sizes[by_key])
    count = int(np.searchsorted(sums, quota, "right"))
    before = int(sums[count - 1]) if count else 0
    if count < len(sums) and int(sums[count]) - quota < quota - before:
        count += 1
    rows = by_key[:count]
    return Choice(rows, part.keys[rows], int(part.sizes[rows].sum()), len(part.keys) - len(unrepeated))


def even_quotas(shares: Sequence[float], total: int) -> list[int]:
    """Whole numbers that add up to the total, each within 1 of its share: the largest remainders are rounded up, of
    equal ones the first."""
    exact = [share * total for share in shares]
    quotas = [int(value + 1e-9) for value in exact]
    order = sorted(range(len(shares)), key=lambda i: (-(exact[i] - quotas[i]), i))
    for place in order[: total - sum(quotas)]:
        quotas[place] += 1
    return quotas


def largest_total(shares: Sequence[float], have: Sequence[int]) -> int:
    """The largest total whose quotas no part exceeds."""
    total = min(int((count + 1) / share) for share, count in zip(shares, have, strict=True))
    while total and any(quota > count for quota, count in zip(even_quotas(shares, total), have, strict=True)):
        total -= 1
    return total
