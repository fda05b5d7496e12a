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


class NoImageError(Exception):
    """There is no picture to show; the text says why."""


def make_thumbnail(path: str, data: bytes | None, image_root: Path | None) -> Thumbnail:
    """From the bytes in the row, else from `path` below `image_root`. Never raises for what is in the
    data.
    """
    try:
        content = read_image(path, data, image_root)
        size, small = picture_size(content), shrink(content, MAX_SIDE_PX)
    except NoImageError as exc:
        return Thumbnail(None, path, str(exc))
    except PictureError as exc:
        return Thumbnail(None, path, f"not a readable image: {exc}")
    return Thumbnail("data:image/jpeg;base64," + base64.b64encode(small).decode(), path, "", size)


def has_image(path: str, data: bytes | None, image_root: Path | None) -> bool:
    """Whether there is something to read; that it is a picture is not said."""
    return data is not None or _inside(image_root, path) is not None


def read_image(path: str, data: bytes | None, image_root: Path | None) -> bytes:
    """The bytes in the row, else those of the file at `path` below `image_root`. Raises: NoImageError."""
    if data is not None:
        return data
    file = _inside(image_root, path)
    if file is None:
        raise NoImageError("no image root" if image_root is None else "not found")
    try:
        if file.stat().st_size > MAX_BYTES:
            raise NoImageError(f"larger than {MAX_BYTES >> 20} MiB")
        return file.read_bytes()
    except OSError as exc:
        raise NoImageError(exc.strerror or "not readable") from exc


def _inside(root: Path | None, path: str) -> Path | None:
    """The file below `root`; None where there is none, or where the path leads out of `root`."""
    if root is None or not path or "\0" in path:
        return None
    try:
        file = (root / path).resolve()
        return file if file.is_relative_to(root.resolve()) and file.is_file() else None
    except OSError:
        return None


def shrink(data: bytes, max_side_px: int) -> bytes:
    """The picture as a JPEG file of at most so many pixels a side. Raises: PictureError."""
    picture = read_picture(data, draft_px=2 * max_side_px).convert("RGB")
    picture.thumbnail((max_side_px, max_side_px))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
