"""What the viewer's page asks for, as plain values: facets, pages of rows, one row with its comparison, figures, marks.

One `Viewer` is one dataset directory. It holds what was read and searched, so that leafing on costs little; everything it
gives is plain data or escaped HTML.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asd.errors import UsageError
from asd.quality.oddities import ODDITIES, find_oddities
from asd.report.cards import make_card
from asd.report.thumbnails import read_image
from asd.shards.marks import count_marks, read_marks, set_mark
from asd.shards.store import LATEST, Store
from asd.view import fragments
from asd.view.comparison import CHANGES, Comparison
from asd.view.figures import FiguresInBackground
from asd.view.query import Measured, Query, Search, declined_reasons
from asd.view.rejects import read_rejects
from asd.view.rows import VersionRows

MOST_ROWS = 200
"""Of one page."""
_KEPT_SEARCHES = 8
_BUDGET_S = 0.25
"""Time that one request may search; the page asks again for more."""


class Viewer:
    """Answers the page's requests about the versions of one dataset directory. Safe to call from several threads.

    Raises, here and in all methods: AsdError subclasses, for what is not there or damaged.
    """

    def __init__(self, root: Path, version: str | None = None) -> None:
        self.store = Store(root)
        self._lock = threading.RLock()
        self._rows: dict[str, VersionRows] = {}
        self._measured: dict[str, Measured] = {}
        self._compared: dict[tuple[str, str], Comparison] = {}
        self._searches: OrderedDict[tuple[str, str, Query], Search] = OrderedDict()
        self._figures: dict[str, FiguresInBackground] = {}
        self.first = self.rows_of(version or LATEST).version

    def close(self) -> None:
        """Stop what runs in the background."""
        for figures in self._figures.values():
            figures.close()

    def rows_of(self, name: str) -> VersionRows:
        """A version by its name or id, opened once."""
        with self._lock:
            version = self.store.resolve(name)
            if version not in self._rows:
                self._rows[version] = VersionRows(self.store.root, version)
            return self._rows[version]

    # -- the version as a whole ---------------------------------------------------------------------------------

    def versions(self) -> list[dict[str, Any]]:
        """The versions to choose from: id, names, and whether it is the one that was asked for."""
        infos = [(info.version, list(info.names)) for info in self.store.versions()]
        infos += [(version, []) for version in self.store.unnamed()]
        return [{"version": version, "names": names, "first": version == self.first} for version, names in infos]

    def facets(self, name: str, against: str = "") -> dict[str, Any]:
        """What can be filtered, each with its number of rows where that is known without reading them."""
        with self._lock:
            rows = self.rows_of(name)
            counts, spec = rows.manifest.counts, rows.manifest.spec
            compared = self._comparison(rows, against)
            return {
                "version": rows.version,
                "title": str(spec.get("title") or rows.manifest.task),
                "task": rows.manifest.task,
                "samples": len(rows),
                "style": counts.by_style,
                "maker": counts.by_maker,
                "split": counts.by_split,
                "reason": {
                    **{
                        oddity.name: None
                        for oddity in ODDITIES
                        if rows.has_rewriter or not _is_of_rewriter(oddity.name)
                    },
                    **declined_reasons(rows),
                },
                "meaning": {oddity.name: oddity.meaning for oddity in ODDITIES},
                "mark": count_marks(read_marks(self.store, rows.version)),
                "change": None if compared is None else compared.counts(),
                "only_there": None if compared is None else compared.num_only_there,
                "rejects": counts.rejects,
            }

    def overview(self, name: str) -> dict[str, Any]:
        """The report's charts and tables; the quality figures are measured in the background when first asked for."""
        with self._lock:
            rows = self.rows_of(name)
            if rows.version not in self._figures:
                self._figures[rows.version] = FiguresInBackground(self.store.root, rows.version)
            figures = self._figures[rows.version]
            is_done = figures.is_done  # before the page is made: figures that come meanwhile are asked for once more
            return {"html": fragments.overview(rows.manifest, figures), "is_done": is_done}

    def rejects(self, name: str, reason: str, offset: int, limit: int) -> dict[str, Any]:
        """A page of the source rows that are no samples."""
        rows = self.rows_of(name)
        entries, is_last = read_rejects(rows.folder / "rejects.jsonl", reason, offset, limit)
        return {"html": fragments.rejects(entries), "count": len(entries), "offset": offset, "is_last": is_last}

    # -- rows ---------------------------------------------------------------------------------------------------

    def page(
        self, name: str, query: Query, against: str, offset: int, limit: int, *, to_end: bool = False
    ) -> dict[str, Any]:
        """Rows that a query finds, as list items, and how far the search has come.

        limit: at most `MOST_ROWS`. to_end: search on when there are enough for the page, so that all are counted.
        """
        with self._lock:
            rows = self.rows_of(name)
            compared = self._comparison(rows, against)
            query.check(rows, is_compared=compared is not None)
            limit = max(1, min(limit, MOST_ROWS))
            marks = read_marks(self.store, rows.version)
            search = self._search(rows, query, compared, marks)
            search.go_on(len(rows) + 1 if to_end else offset + limit + 1, _BUDGET_S)
            numbers = search.numbers(offset, limit)
            shown = rows.rows(numbers)
            root = rows.image_root
            items = [
                fragments.Item(
                    number,
                    make_card(row),
                    marks.get(row["id"]),
                    search.measured.known(number),
                    self._change(compared, number),
                    root,
                )
                for number, row in zip(numbers, shown, strict=True)
            ]
            return {
                "html": fragments.items(items, rows.version),
                "numbers": numbers,
                "offset": offset,
                "found": search.num_found,
                "complete": search.is_complete,
                "share": search.share_done,
                "samples": len(rows),
            }

    def _search(self, rows: VersionRows, query: Query, compared: Comparison | None, marks: Mapping[str, Any]) -> Search:
        key = (rows.version, compared.right.version if compared else "", query)
        if query.mark:  # what is marked may have changed since
            self._searches.pop(key, None)
        if key not in self._searches:
            measured = self._measured.setdefault(rows.version, Measured(rows))
            self._searches[key] = Search(rows, query, measured, marks, compared)
            while len(self._searches) > _KEPT_SEARCHES:
                self._searches.popitem(last=False)
        self._searches.move_to_end(key)
        return self._searches[key]

    def _comparison(self, rows: VersionRows, against: str) -> Comparison | None:
        if not against:
            return None
        other = self.rows_of(against)
        key = (rows.version, other.version)
        if key not in self._compared:
            self._compared[key] = Comparison(rows, other)
        return self._compared[key]

    def _change(self, compared: Comparison | None, number: int) -> str:
        return "" if compared is None else CHANGES[int(compared.status[number])]

    def card(self, name: str, number: int, against: str) -> dict[str, Any]:
        """One row in full: before and after, image, origin, what is odd, its mark; and the other version's row."""
        with self._lock:
            rows = self.rows_of(name)
            row = rows.row(number)
            compared = self._comparison(rows, against)
            mark = read_marks(self.store, rows.version).get(row["id"])
            partner = -1 if compared is None else int(compared.partner[number])
            other = compared.right.row(partner) if compared is not None and partner >= 0 else None
            if other is not None and other["id"] != row["id"]:  # equal hashes of different ids
                other = None
        shown = [fragments.ShownRow(rows.version, number, row, rows.image_root)]
        if compared is not None and other is not None:
            shown.append(fragments.ShownRow(compared.right.version, partner, other, compared.right.image_root))
        return {
            "html": fragments.detail(shown, find_oddities(row), self._change(compared, number)),
            "json": fragments.as_json(row),
            "id": row["id"],
            "mark": None if mark is None else mark.value,
            "why": "" if mark is None else mark.why,
        }

    def image(self, name: str, number: int, place: int) -> bytes:
        """The bytes of a row's image, from the row or below the recorded root. Raises: NoImageError, UsageError."""
        with self._lock:
            rows = self.rows_of(name)
            images = make_card(rows.row(number)).images
            root = rows.image_root
        if not 0 <= place < len(images):
            raise UsageError(f"row {number:,} has {len(images)} images.")
        return read_image(*images[place], root)

    def mark(self, name: str, number: int, value: str | None, why: str) -> dict[str, Any]:
        """Mark a row, or take its mark away; saved when this returns."""
        with self._lock:
            rows = self.rows_of(name)
            mark = set_mark(self.store, rows.version, rows.row(number)["id"], value, why)
            marks = read_marks(self.store, rows.version)
        return {
            "mark": None if mark is None else mark.value,
            "why": mark.why if mark else "",
            "counts": count_marks(marks),
        }


def _is_of_rewriter(name: str) -> bool:
    return name.startswith(("second opinion", "rewriter"))
