"""Two versions beside each other, row by row, as `asd diff` counts them: about 40 bytes a row, whatever the rows hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from asd.view.rows import VersionRows

CHANGES = ("same", "re-styled", "changed", "only here")
"""Of a row of the left version: same in both; another style; other content in the same style; not in the right one."""
_CONTENT = ["prompt", "response", "gold"]
_Hashes = npt.NDArray[np.uint64]


class Comparison:
    """What became of each row of `left` in `right`."""

    def __init__(self, left: VersionRows, right: VersionRows) -> None:
        self.left, self.right = left, right
        ids, styles, digests = _keys(left)
        their_ids, their_styles, their_digests = _keys(right)
        order = np.argsort(their_ids, kind="stable")
        places = np.minimum(np.searchsorted(their_ids, ids, sorter=order), max(0, len(order) - 1))
        partner = order[places] if len(order) else np.zeros(len(ids), np.int64)
        is_there = their_ids[partner] == ids if len(order) else np.zeros(len(ids), bool)
        self.partner: npt.NDArray[np.int64] = np.where(is_there, partner, -1)
        """Number of the row of the same id in `right`; -1 where there is none."""
        self.status: npt.NDArray[np.uint8] = np.full(len(ids), CHANGES.index("only here"), np.uint8)
        """Place in `CHANGES`, by row of `left`."""
        here, there = np.flatnonzero(is_there), partner[is_there]
        is_styled = styles[here] == their_styles[there]
        is_equal = digests[here] == their_digests[there]
        self.status[here] = np.where(~is_styled, 1, np.where(is_equal, 0, 2))
        self.num_only_there = len(their_ids) - len(np.unique(partner[is_there]))

    def counts(self) -> dict[str, int]:
        """Rows of `left` by what became of them."""
        counts = np.bincount(self.status, minlength=len(CHANGES))
        return {name: int(count) for name, count in zip(CHANGES, counts, strict=True)}


def _keys(rows: VersionRows) -> tuple[_Hashes, _Hashes, _Hashes]:
    """Hashes of id, style and content, by row."""
    parts: list[list[_Hashes]] = [[], [], []]
    for place in range(len(rows.blocks)):
        frame = pl.from_arrow(rows.block(place, ["id", "style", *_CONTENT])[1])
        assert isinstance(frame, pl.DataFrame)
        for part, columns in zip(parts, (["id"], ["style"], _CONTENT), strict=True):
            part.append(frame.select(columns).hash_rows(seed=1).to_numpy())
    ids, styles, digests = (np.concatenate(part) if part else np.zeros(0, np.uint64) for part in parts)
    return ids, styles, digests
