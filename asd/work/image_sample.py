"""A look at some of a source's images, so that a wrong image root is told by the conversion and not by the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asd.sources.image_text import is_address, is_data

_OF_A_BATCH = 16
_LOOKED_AT = 100


class ImageSample:
    """Paths at even distances, the same for the same source; and how many images are addresses."""

    def __init__(self) -> None:
        self._paths: dict[str, None] = {}
        self._addresses, self._first_address = 0, ""

    def add(self, rows: pa.RecordBatch) -> None:
        images = rows["images"].flatten()
        if not len(images):
            return
        places = np.unique(np.linspace(0, len(images) - 1, _OF_A_BATCH).astype(np.int64))
        some = images.take(pa.array(places)).to_pylist()
        self._paths |= dict.fromkeys(path for path in some if not is_data(path) and not is_address(path))
        is_named = pc.match_substring(pc.utf8_slice_codeunits(images, 0, 16), "://")
        if pc.any(is_named).as_py():
            named = [image for image in images.filter(is_named).to_pylist() if is_address(image)]
            self._addresses += len(named)
            self._first_address = self._first_address or (named[0] if named else "")

    def notes(self, root: Path | None) -> list[str]:
        """Notes for the user. root: where the images were expected."""
        notes = []
        if self._addresses:
            notes.append(
                f"{self._addresses:,} images are addresses (the first: {self._first_address[:120]}); they are kept as such, "
                "and nothing is fetched"
            )
        paths = list(self._paths)
        if len(paths) > _LOOKED_AT:
            paths = [paths[place] for place in np.linspace(0, len(paths) - 1, _LOOKED_AT).astype(int)]
        missing = [path for path in paths if root is None or not _is_there(root / path)]
        if missing:
            where = f"not in {root.resolve()}" if root is not None else "nowhere that is known: no image root was given"
            notes.append(
                f"of {len(paths)} image paths that were looked at, {len(missing)} are {where} (the first: {missing[0]}). "
                "Name the folder of the images with --image-root; samples hold their paths either way"
            )
        return notes


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
