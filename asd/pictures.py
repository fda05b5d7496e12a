"""The one place where an image file becomes pixels, for training, answers, pages and requests alike.

A picture is shown as its makers meant it: upright (its EXIF orientation applied, as `transformers.image_utils.load_image`
does), with 16 bits a channel brought to 8 by their high byte. What cannot be shown is a `PictureError`, whatever Pillow
raises.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from asd.errors import DataError

MAX_PIXELS = 100_000_000
"""Larger pictures are refused before they are decoded: a file of a few kilobytes may unpack to any size."""

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_TEXT = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_PROFILE = b"Raw profile type "
_HEAD_BYTES = 1 << 17
_quiet = threading.Lock()  # warning filters belong to the process: two threads would restore each other's


class PictureError(DataError):
    """The file is no picture, is cut short, or is too large; the text says which, not where the file is."""


def read_picture(source: bytes | Path, *, draft_px: int | None = None) -> Image.Image:
    """The first frame, upright, 8 bits a channel: mode L or RGB, or RGBA where a part of it may be transparent.

    draft_px: a JPEG may be decoded coarser, as long as its shorter side keeps as many pixels.
    Raises: PictureError if it cannot be shown; OSError if the file cannot be opened.
    """
    with _opened(source) as opened:
        if draft_px is not None:
            opened.draft(None, (draft_px, draft_px))
        opened.load()
        with _silence():
            return _eight_bits(_upright(opened))


def picture_size(source: bytes | Path) -> tuple[int, int]:
    """Width and height as `read_picture` would give them, from the file's head; its pixels are not looked at.

    Raises: as `read_picture`, but that a file that is cut short behind its head is not noticed.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if len(head) == _HEAD_BYTES:
                with suppress(PictureError):
                    return _size_of(head)
            return _size_of(head + file.read())  # of a TIFF the sizes may stand at the end
    return _size_of(source)


def _size_of(data: bytes) -> tuple[int, int]:
    with _opened(data) as opened:
        width, height = opened.size
        if opened.format == "TIFF" or (opened.format == "PNG" and "exif" not in opened.info):
            return width, height  # turned by Pillow already; or it would decode all pixels, to look behind them
        sideways = _orientation(opened) in _SIDEWAYS
        return (height, width) if sideways else (width, height)


@contextmanager
def _opened(source: bytes | Path) -> Iterator[Image.Image]:
    """Pillow's readers raise what they like on bytes that are no picture: struct.error, KeyError, SyntaxError, ..."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        with _open(data) as opened:
            _require_size(opened)
            yield opened
    except (PictureError, MemoryError):
        raise
    except Image.DecompressionBombError as exc:
        raise PictureError(f"it has more than {MAX_PIXELS:,} pixels, which is too many") from exc
    except Exception as exc:
        raise PictureError(_told(exc, data)) from exc


def _open(data: bytes) -> Image.Image:
    with _silence():
        return Image.open(io.BytesIO(_without_text(data) if data.startswith(_PNG) else data))


@contextmanager
def _silence() -> Iterator[None]:
    """Pillow warns of odd metadata and of many pixels; the first does not matter here, the second is an error."""
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _require_size(opened: Image.Image) -> None:
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise PictureError(f"it has {width} x {height} pixels, which is too many (at most {MAX_PIXELS:,})")


def _told(exc: Exception, data: bytes) -> str:
    if isinstance(exc, UnidentifiedImageError):
        return "it is no image in a format that is known" if data else "it is empty"
    return f"{type(exc).__name__}: {exc}"


def _orientation(opened: Image.Image) -> int:
    try:
        orientation = opened.getexif().get(_ORIENTATION, 1)
    except Exception:  # metadata that cannot be read says nothing about the pixels
        return 1
    return orientation if isinstance(orientation, int) else 1


def _upright(opened: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(opened))
    return opened.copy() if turn is None else opened.transpose(turn)


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode in ("L", "RGB", "RGBA") and not (picture.mode != "RGBA" and picture.has_transparency_data):
        return picture
    if picture.mode.startswith("I"):
        return _high_byte(picture)
    if picture.mode == "F":
        raise PictureError("its pixels are real numbers, which have no agreed brightness; save it with 8 or 16 bits")
    return picture.convert("RGBA" if picture.has_transparency_data else "L" if picture.mode == "1" else "RGB")


def _high_byte(picture: Image.Image) -> Image.Image:
    """Of 16 bits, in whichever way Pillow holds them; `convert` alone would make all but the darkest 256 levels white."""
    wide = picture if picture.mode == "I" else picture.convert("I")
    darkest, brightest = wide.getextrema()
    if not 0 <= float(darkest) <= float(brightest) <= 0xFFFF:  # type: ignore[arg-type]
        raise PictureError("its pixels have more than 16 bits, which have no agreed brightness; save it with 8 or 16")
    return wide.point(lambda value: value * (1 / 256)).convert("L")


def _without_text(data: bytes) -> bytes:
    """A PNG file without its texts, of which Pillow refuses long ones; a text may hold the orientation, and then stays."""
    if not any(kind in data for kind in _PNG_TEXT):
        return data
    kept, position = [_PNG], len(_PNG)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 12 + length
        is_text = data[position + 4 : position + 8] in _PNG_TEXT
        if not is_text or data.startswith(_PROFILE, position + 8):
            kept.append(data[position:end])
        position = end
    return b"".join(kept)
