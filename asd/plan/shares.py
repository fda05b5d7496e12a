"""Primary styles: drawn for each sample by its key, with shares that make the pools of all styles as even as possible.

The shares need one thing of all samples, how many have each capability mask: counts of any part of them, added up.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from asd.plan.codes import NUM_STYLES, UNKNOWN, Bytes, Masks
from asd.plan.keys import Keys, mix

Shares = Mapping[int, list[float]]
"""For each capability mask, the share of its samples whose primary style is each style."""


def count_masks(capable: Masks) -> npt.NDArray[np.int64]:
    """Samples with each capability mask, shape (1 << NUM_STYLES,). Counts of parts add up to those of the whole."""
    return np.bincount(capable, minlength=1 << NUM_STYLES)


def primary_shares(mask_counts: npt.NDArray[np.int64], num_styles: int) -> Shares:
    sizes = {mask: size for mask, size in enumerate(mask_counts.tolist()) if mask and size}
    return primary_weights(sizes, num_styles)


def primary_weights(group_sizes: Mapping[int, int], num_styles: int) -> dict[int, list[float]]:
    """For each capability mask, the share of its samples whose primary style is each style.

    Weights w_s are scaled until the pools sum_g n_g * w_s / sum_{t in g} w_t are as equal as the masks allow
    (iterative proportional fitting); a mask with one style always gives that style all its samples.
    """
    weights = [1.0] * num_styles
    total = sum(group_sizes.values())
    for _ in range(400):
        pools = [0.0] * num_styles
        for mask, size in sorted(group_sizes.items()):
            members = [s for s in range(num_styles) if mask >> s & 1]
            norm = sum(weights[s] for s in members)
            for s in members:
                pools[s] += size * weights[s] / norm
        live = [s for s in range(num_styles) if pools[s] > 0]
        if not live:
            break
        even = total / len(live)
        for s in live:
            weights[s] = min(max(weights[s] * (even / pools[s]) ** 0.5, 1e-9), 1e9)
        scale = max(weights[s] for s in live)
        weights = [w / scale for w in weights]
    shares = {}
    for mask in group_sizes:
        members = [s for s in range(num_styles) if mask >> s & 1]
        norm = sum(weights[s] for s in members)
        # Rounded, so that the last bit of a platform's arithmetic cannot move a sample to another pool.
        shares[mask] = [round(weights[s] / norm, 6) if s in members else 0.0 for s in range(num_styles)]
    return shares


def primary_styles(keys: Keys, capable: Masks, shares: Shares) -> Bytes:
    """Primary style bit of each sample, shape (n,); UNKNOWN where it can take none. A function of each row alone."""
    with np.errstate(over="ignore"):
        uniform = (mix(keys ^ np.uint64(0x5DEECE66D)) >> np.uint64(11)).astype(np.float64) / 2.0**53
    primary = np.full(len(keys), UNKNOWN, np.uint8)
    for mask in np.flatnonzero(count_masks(capable)).tolist():
        if mask == 0:
            continue
        share = shares[mask]
        rows = np.flatnonzero(capable == mask)
        edges = np.cumsum(share)
        picked = np.searchsorted(edges, uniform[rows] * edges[-1], side="right")
        last = max(s for s in range(len(share)) if mask >> s & 1)
        primary[rows] = np.minimum(picked, last).astype(np.uint8)
    return primary
