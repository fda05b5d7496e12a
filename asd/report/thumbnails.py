"""Small pictures for a page that must hold everything itself: read, shrink, encode as a data URI."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from asd.pictures import PictureError, picture_size, read_picture

MAX_SIDE_PX = 256
MAX_BYTES = 1 << 28


@dataclass(slots=True, frozen=True)
class Thumbnail:
    """`uri` is None where there is no picture to show; `note` then says why. `size` is that of the
    original.
    """

    uri: str | None
    path: str
    note: str = ""
    size: tuple[int, int] | None = None


def make_thumbnail(path: str, data: bytes | None, image_root: Path | None) -> Thumbnail:
    """From the bytes in the row, else from `path` below `image_root`. Never raises for what is in the
    data.
    """
    if data is None:
        file = _inside(image_root, path)
        if file is None:
            return Thumbnail(None, path, "no image root" if image_root is None else "not found")
        try:
            if file.stat().st_size > MAX_BYTES:
                return Thumbnail(None, path, f"larger than {MAX_BYTES >> 20} MiB")
            data = file.read_bytes()
        except OSError as exc:
            return Thumbnail(None, path, exc.strerror or "not readable")
    try:
        return _shrink(path, data)
    except PictureError as exc:
        return Thumbnail(None, path, f"not a readable image: {exc}")


def _inside(root: Path | None, path: str) -> Path | None:
    """The file below `root`; None where there is none, or where the path leads out of `root`."""
    if root is None or not path or "\0" in path:
        return None
    try:
        file = (root / path).resolve()
        return file if file.is_relative_to(root.resolve()) and file.is_file() else None
    except OSError:
        return None


def _shrink(path: str, data: bytes) -> Thumbnail:
    size = picture_size(data)
    picture = read_picture(data, draft_px=2 * MAX_SIDE_PX).convert("RGB")
    picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return Thumbnail("data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode(), path, "", size)
