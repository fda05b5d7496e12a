"""Images of requests: small, with their detail, the same bytes each time, and never more than the image."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from asd.records import Decline
from asd.rewrite.image_input import EncodedImage, ImageEncoder, ImageInputError, encode_image


def photo(size: tuple[int, int] = (300, 200), mode: str = "RGB") -> Image.Image:
    draw = random.Random(0)
    small = Image.frombytes("RGB", (30, 20), bytes(draw.randrange(256) for _ in range(1800)))
    return small.resize(size, Image.Resampling.BICUBIC).convert(mode)


def saved(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def sent(image: EncodedImage) -> tuple[str, bytes]:
    head, _, body = image.input.data_url.partition(",")
    return head, base64.b64decode(body)


def test_a_plain_jpeg_that_fits_is_sent_as_it_is() -> None:
    data = saved(photo())
    image = encode_image(data, 1024)
    assert sent(image) == ("data:image/jpeg;base64", data) and image.size == (300, 200)


def test_large_images_are_scaled_down_in_proportion() -> None:
    image = encode_image(saved(photo((900, 300))), 300)
    assert image.size == (300, 100)
    with Image.open(io.BytesIO(sent(image)[1])) as opened:
        assert opened.size == (300, 100) and opened.format == "JPEG"


def test_drawings_stay_lossless_and_photos_become_jpeg() -> None:
    drawing = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(drawing).rectangle((20, 20, 90, 80), fill="red")
    head, body = sent(encode_image(saved(drawing, "BMP"), 1024))
    with Image.open(io.BytesIO(body)) as opened:
        assert head == "data:image/png;base64" and opened.convert("RGB").tobytes() == drawing.tobytes()
    assert sent(encode_image(saved(photo(), "PNG"), 1024))[0] == "data:image/jpeg;base64"


def test_metadata_stays_here_and_its_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "taken at home"
    image = encode_image(saved(photo(), exif=exif), 1024)
    assert image.size == (200, 300) and b"taken at home" not in sent(image)[1]


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "PNG"), ("P", "GIF"), ("RGBA", "PNG"), ("LA", "PNG"), ("CMYK", "JPEG")]
)
def test_every_mode_is_readable_after_encoding(mode: str, kind: str) -> None:
    image = encode_image(saved(photo(mode=mode) if mode != "LA" else photo(mode="L").convert("LA"), kind), 128)
    with Image.open(io.BytesIO(sent(image)[1])) as opened:
        assert opened.size == (128, 85)


def test_transparent_parts_become_white() -> None:
    body = sent(encode_image(saved(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG"), 64))[1]
    with Image.open(io.BytesIO(body)) as opened:
        assert opened.convert("RGB").getpixel((4, 4)) == (255, 255, 255)


def test_identity_is_that_of_the_file_and_the_size() -> None:
    data, other = saved(photo()), saved(photo((301, 200)))
    assert encode_image(data, 512) == encode_image(data, 512)
    keys = {
        encode_image(data, 512).input.sha256,
        encode_image(data, 256).input.sha256,
        encode_image(other, 512).input.sha256,
    }
    assert len(keys) == 3


@pytest.mark.parametrize("data", [b"", b"no image", saved(photo())[:900], saved(photo(), "PNG")[:-30]])
def test_broken_files_have_a_reason(data: bytes) -> None:
    with pytest.raises(ImageInputError) as caught:
        encode_image(data, 1024)
    assert caught.value.reason == "broken_image"


def test_no_readers_error_ends_the_run() -> None:
    draw = random.Random(1)
    for kind in ("TIFF", "GIF", "BMP", "WEBP", "PPM", "ICO", "TGA"):
        whole = saved(photo((64, 64)), kind)
        for _ in range(60):
            data = bytearray(whole)
            for _ in range(4):
                data[draw.randrange(min(len(data), 200))] = draw.randrange(256)
            with contextlib.suppress(ImageInputError):
                encode_image(bytes(data), 256)


def encode(root: Path | None, mode: Any, *paths: str, keep: int = 64) -> Any:
    return asyncio.run(ImageEncoder(root, mode, 256, keep).encode_all(paths))


def test_modes(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(saved(photo()))
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    assert encode(tmp_path, "never", "a.jpg") == encode(tmp_path, "auto") == encode(tmp_path, "always") == ()
    assert len(encode(tmp_path, "auto", "a.jpg")) == len(encode(tmp_path, "always", "a.jpg")) == 1
    assert encode(tmp_path, "auto", "gone.jpg") == encode(None, "auto", "a.jpg") == ()
    for root, mode, path, reason in [
        (tmp_path, "always", "gone.jpg", "missing_image"),
        (None, "always", "a.jpg", "missing_image"),
        (tmp_path, "always", "../secret.jpg", "missing_image"),
        (tmp_path, "always", "a\0.jpg", "missing_image"),
        (tmp_path, "auto", "broken.jpg", "broken_image"),
        (tmp_path, "always", "broken.jpg", "broken_image"),
    ]:
        result = encode(root, mode, path)
        assert isinstance(result, Decline) and result.reason == reason, path
    assert encode(tmp_path, "auto", *["a.jpg"] * 9).reason == "too_many_images"


def test_files_outside_the_image_root_are_never_read(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(saved(photo()))
    root = tmp_path / "images"
    root.mkdir()
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    for path in ("../secret.jpg", str(tmp_path / "secret.jpg"), "link.jpg"):
        assert encode(root, "always", path).reason == "missing_image"


def test_each_image_is_encoded_once_for_all_who_wait(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(saved(photo()))

    async def ask(keep: int, names: str) -> int:
        encoder = ImageEncoder(tmp_path, "always", 256, keep)
        await asyncio.gather(*(encoder.encode_all([name]) for name in names))
        return encoder.num_encoded

    assert asyncio.run(ask(2, "aaaaabbbbb")) == 2
    assert asyncio.run(ask(1, "aabb")) == 2


def test_a_cancelled_question_leaves_the_image_to_the_others(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(saved(photo((2000, 2000))))

    async def ask() -> int:
        encoder = ImageEncoder(tmp_path, "always", 256)
        first = asyncio.ensure_future(encoder.encode_all(["a"]))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(encoder.encode_all(["a"]))
        await asyncio.sleep(0)
        first.cancel()
        return len(await second)

    assert asyncio.run(ask()) == 1
