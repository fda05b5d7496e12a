"""Every way a picture reaches a tensor, a page or a request: upright, all its levels, or one error."""

from __future__ import annotations

import io
import random
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from asd.pictures import PictureError, picture_size, read_picture


def photo(size: tuple[int, int] = (30, 20)) -> Image.Image:
    draw = random.Random(0)
    return Image.frombytes("RGB", size, bytes(draw.randrange(256) for _ in range(3 * size[0] * size[1])))


def saved(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(photo(), kind, exif=exif)
    with Image.open(io.BytesIO(data)) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    assert read_picture(data).tobytes() == upright.tobytes()
    assert picture_size(data) == upright.size == ((20, 30) if orientation >= 5 else (30, 20))


def test_metadata_that_cannot_be_read_changes_nothing() -> None:
    assert read_picture(saved(photo(), "JPEG", exif=b"Exif\0\0nothing at all")).size == (30, 20)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_become_their_high_byte(kind: str) -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    shown = read_picture(saved(Image.fromarray(levels), kind))
    assert shown.mode == "L" and np.array_equal(np.asarray(shown), levels >> 8)


def test_numbers_without_an_agreed_brightness_are_refused() -> None:
    wide = np.array([[0, 70_000]], dtype=np.int32)
    with pytest.raises(PictureError, match=r"more than 16 bits.*save it with 8 or 16"):
        read_picture(saved(Image.fromarray(wide), "TIFF"))
    with pytest.raises(PictureError, match=r"real numbers.*save it with 8 or 16 bits"):
        read_picture(saved(Image.fromarray(wide.astype(np.float32)), "TIFF"))


@pytest.mark.parametrize("behind", [False, True])
def test_a_long_text_in_a_png_is_left_out(behind: bool) -> None:
    text = PngImagePlugin.PngInfo()
    text.add(b"zTXt", compressed("x" * 3_000_000), after_idat=behind)
    data = saved(photo(), pnginfo=text)
    assert read_picture(data).tobytes() == photo().tobytes() and picture_size(data) == (30, 20)


def compressed(text: str) -> bytes:
    return b"Comment\0\0" + zlib.compress(text.encode())


@pytest.mark.parametrize(
    ("mode", "shown"), [("1", "L"), ("L", "L"), ("P", "RGB"), ("LA", "RGBA"), ("RGBA", "RGBA"), ("CMYK", "RGB")]
)
def test_modes(mode: str, shown: str) -> None:
    picture = photo().convert("L").convert(mode) if mode in ("1", "LA") else photo().convert(mode)
    assert read_picture(saved(picture, "TIFF")).mode == shown


@pytest.mark.parametrize("side", [10_001, 20_000])
def test_pictures_of_too_many_pixels_are_never_decoded(side: int) -> None:
    data = saved(Image.new("1", (side, side)))
    for read in (read_picture, picture_size):
        with pytest.raises(PictureError, match=r"pixels, which is too many"):
            read(data)


def test_what_is_no_picture(tmp_path: Path) -> None:
    for data, told in [(b"", "it is empty"), (b"no", "no image in a format that is known")]:
        (tmp_path / "file").write_bytes(data)
        for source in (data, tmp_path / "file"):
            with pytest.raises(PictureError, match=told):
                picture_size(source)
    with pytest.raises(PictureError):
        read_picture(saved(photo())[:-300])


def test_a_draft_is_coarser() -> None:
    assert read_picture(saved(photo((400, 300)).convert("L"), "JPEG"), draft_px=40).size == (100, 75)
