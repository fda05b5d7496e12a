"""Which images may be stored in shards: regular files below the image root. Whoever wrote the annotations chose
the paths, and a link would let them choose any file of this machine."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from asd.pictures import PictureError, read_picture
from asd.plain_files import kind_of
from asd.records import Reject
from asd.shards.untrusted import is_inside
from asd.sources.image_text import DRAFT_PX, is_address, is_data
from asd.sources.in_order import map_in_order
from asd.work.measuring import MeasuredRows

_KEPT = 1 << 14
_NAMED = 3


class Embeddable:
    """Tells rows apart by their images. What is not there at all is no business of this."""

    def __init__(self, root: Path, *, follow_links: bool) -> None:
        self._root, self._follow_links = root, follow_links
        self._broken: dict[str, str] = {}
        self._known: OrderedDict[str, tuple[str, str] | None] = OrderedDict()

    def sort_out(self, rows: MeasuredRows) -> tuple[MeasuredRows, list[Reject]]:
        """The rows whose images may be stored, and a reject for each of the others."""
        bad: dict[int, tuple[str, str]] = {}
        self._look_at_all(rows.rows["images"].flatten().unique().to_pylist())
        for place, paths in enumerate(rows.rows["images"].to_pylist()):
            problem = next((known for path in paths if (known := self._known[path]) is not None), None)
            if problem is not None:
                bad[place] = problem
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return rows.without(bad)

    def _look_at_all(self, paths: list[str]) -> None:
        """On a few threads: decoding is work outside of the interpreter lock."""
        unknown = [path for path in paths if path not in self._known]
        for path, problem in zip(unknown, map_in_order(self._look, unknown), strict=True):
            self._known[path] = problem

    def _look(self, path: str) -> tuple[str, str] | None:
        if is_data(path) or is_address(path):
            return None
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
        try:
            read_picture(file, draft_px=DRAFT_PX)
        except PictureError as exc:
            self._broken[path] = str(exc)
        except OSError:  # as above
            return None
        return None

    def notes(self) -> list[str]:
        """Of files that are stored as they are, although training will stop at them."""
        if not self._broken:
            return []
        named = "; ".join(f"{path}: {why}" for path, why in sorted(self._broken.items())[:_NAMED])
        return [
            f"{len(self._broken):,} image files cannot be shown and are stored as they are ({named}); `asd export` leaves "
            "their samples out"
        ]
