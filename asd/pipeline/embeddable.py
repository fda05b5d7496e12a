"""Which images may be stored in shards: regular files below the image root. Whoever wrote the annotations chose the paths, and
a link would let them choose any file of this machine."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pyarrow as pa

from asd.pipeline.measuring import MeasuredRows
from asd.plain_files import kind_of
from asd.records import Reject
from asd.shards.untrusted import is_inside

_KEPT = 1 << 14


class Embeddable:
    """Tells rows apart by their images. What is not there at all is no business of this."""

    def __init__(self, root: Path, *, follow_links: bool) -> None:
        self._root, self._follow_links = root, follow_links
        self._known: OrderedDict[str, tuple[str, str] | None] = OrderedDict()

    def sort_out(self, rows: MeasuredRows) -> tuple[MeasuredRows, list[Reject]]:
        """The rows whose images may be stored, and a reject for each of the others."""
        bad: dict[int, tuple[str, str]] = {}
        for place, paths in enumerate(rows.rows["images"].to_pylist()):
            problem = next((found for path in paths if (found := self._problem(path)) is not None), None)
            if problem is not None:
                bad[place] = problem
        if not bad:
            return rows, []
        names = ("source_file", "source_row", "source_id")
        places = rows.rows.select(names).take(pa.array(list(bad))).to_pylist()
        rejects = [
            Reject(place["source_file"], place["source_row"], place["source_id"], reason, detail)
            for place, (reason, detail) in zip(places, bad.values(), strict=True)
        ]
        kept = np.setdiff1d(np.arange(rows.rows.num_rows), list(bad))
        table = rows.rows.take(pa.array(kept))
        return MeasuredRows(rows.split, table, rows.keys[kept], rows.capable[kept], rows.polarity[kept]), rejects

    def _problem(self, path: str) -> tuple[str, str] | None:
        if path not in self._known:
            self._known[path] = self._look(path)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return self._known[path]

    def _look(self, path: str) -> tuple[str, str] | None:
        file = self._root / path
        try:
            kind = kind_of(file)
            is_strange = not self._follow_links and not is_inside(file, self._root)
        except (OSError, ValueError):  # it is not there, which whoever reads it says
            return None
        if kind is not None:
            return "bad_image", f"{path} is {kind}, expected a regular file"
        if is_strange:
            return (
                "image_outside_root",
                f"{path} is a link out of the image root; --follow-links stores such images, too",
            )
        return None
