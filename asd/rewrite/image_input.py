"""Images as a request carries them: the smallest form that keeps the detail, made once for all questions about one.

An image's identity is the hash of its file and of the recipe below, not of the bytes sent: another version of the
image library, which may encode a pixel differently, then still finds the replies of this one in the cache.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from asd.pictures import PictureError, read_picture
from asd.records import Decline
from asd.rewrite.request import ImageInput
from asd.sources.image_text import is_data, path_and_data

RECIPE = "2"
"""Raised whenever `encode_image` would send other pixels."""
JPEG_QUALITY = 90
MAX_FILE_BYTES = 64 << 20
MAX_IMAGES = 8
_JPEG = b"\xff\xd8\xff"
MAX_COLOURS = 256
"""Drawings have few colours; PNG keeps their edges and is smaller, too."""
TOKEN_PIXELS = 28 * 28
"""Pixels per prompt token, as common vision models cut images; for estimates only."""


class ImageInputError(Exception):
    """An image that cannot be sent; `reason` is the decline reason (`missing_image`, `broken_image`)."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """`size`: width and height of the whole image, in pixels as sent."""

    input: ImageInput
    size: tuple[int, int]

    @property
    def weight(self) -> int:
        """Estimated prompt tokens."""
        return max(1, self.size[0] * self.size[1] // TOKEN_PIXELS)


def encode_image(data: bytes, max_side: int) -> EncodedImage:
    """Scaled down to `max_side` pixels and encoded: a JPEG that fits as it is, else JPEG or, where smaller, PNG.

    Embedded metadata (place, camera, owner) is never sent. Raises: ImageInputError for what is no readable image.
    """
    try:
        body, kind, size = _encode(data, max_side)
    except PictureError as error:
        raise ImageInputError("broken_image", str(error)) from error
    identity = hashlib.sha256(f"{RECIPE}:{max_side}:{hashlib.sha256(data).hexdigest()}".encode()).hexdigest()
    url = f"data:image/{kind};base64,{base64.b64encode(body).decode()}"
    return EncodedImage(ImageInput(identity, url), size)


def _encode(data: bytes, max_side: int) -> tuple[bytes, Literal["jpeg", "png"], tuple[int, int]]:
    picture = read_picture(data)
    if data.startswith(_JPEG) and max(picture.size) <= max_side and _is_plain(data):
        return data, "jpeg", picture.size
    picture = _on_white(picture)
    if max(picture.size) > max_side:
        picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    jpeg = _saved(picture, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    if picture.getcolors(MAX_COLOURS) is not None:
        png = _saved(picture, "PNG", optimize=True)
        if len(png) < len(jpeg):
            return png, "png", picture.size
    return jpeg, "jpeg", picture.size


def _is_plain(data: bytes) -> bool:
    """A JPEG that can be sent as it is: without anything that says where, when or by whom it was made."""
    with Image.open(io.BytesIO(data)) as opened:
        is_simple = opened.format == "JPEG" and opened.mode in ("RGB", "L")
        return is_simple and not ({"exif", "xmp", "comment", "photoshop"} & opened.info.keys())


def _on_white(picture: Image.Image) -> Image.Image:
    """RGB or grey; what is transparent becomes white."""
    if picture.mode != "RGBA":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.info = {}
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


class ImageEncoder:
    """The images of samples, encoded off the event loop; the last `keep` of them are kept."""

    def __init__(
        self, root: Path | None, mode: Literal["auto", "never", "always"], max_side: int, keep: int = 64
    ) -> None:
        self._root = None if root is None else root.resolve()
        self._mode, self._max_side, self._keep = mode, max_side, keep
        self._made: OrderedDict[str, asyncio.Task[EncodedImage]] = OrderedDict()
        self.num_encoded = 0

    async def encode_all(self, paths: Sequence[str]) -> tuple[EncodedImage, ...] | Decline:
        """The images to send, in order: none where the mode is `never`, or `auto` and a file is not there."""
        if self._mode == "never" or not paths:
            return ()
        if len(paths) > MAX_IMAGES:
            return Decline("too_many_images", f"{len(paths)}, at most {MAX_IMAGES} are sent")
        try:
            return tuple([await self._encode_once(path) for path in paths])
        except ImageInputError as error:
            if error.reason == "missing_image" and self._mode == "auto":
                return ()
            return Decline(error.reason, error.detail)

    async def _encode_once(self, path: str) -> EncodedImage:
        task = self._made.get(path)
        if task is None:
            task = self._made[path] = asyncio.ensure_future(asyncio.to_thread(self._read, path))
            task.add_done_callback(_look_at_error)
            while len(self._made) > self._keep:
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(path)
        return await asyncio.shield(task)  # one waiting question that is cancelled must not take the others along

    def _read(self, path: str) -> EncodedImage:
        if is_data(path):
            self.num_encoded += 1
            return encode_image(path_and_data(path)[1] or b"", self._max_side)
        file = self._find(path)
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise ImageInputError("broken_image", f"{path}: more than {MAX_FILE_BYTES >> 20} MiB")
            data = file.read_bytes()
        except OSError as error:
            raise ImageInputError("missing_image", f"{path}: {error.strerror}") from error
        self.num_encoded += 1
        try:
            return encode_image(data, self._max_side)
        except ImageInputError as error:
            raise ImageInputError(error.reason, f"{path}: {error.detail}") from error

    def _find(self, path: str) -> Path:
        """Only files below the image root are ever read. Raises: ImageInputError."""
        if self._root is None:
            raise ImageInputError("missing_image", f"{path}: no image root is known")
        try:
            file = (self._root / path).resolve()
            if not file.is_relative_to(self._root):
                raise ImageInputError("missing_image", f"{path} lies outside the image root")
            if not file.is_file():
                raise ImageInputError("missing_image", f"{path}: not found below the image root")
        except (OSError, ValueError) as error:
            raise ImageInputError("missing_image", f"{path}: {error}") from error
        return file


def _look_at_error(task: asyncio.Task[EncodedImage]) -> None:
    """Marks a failure as seen, in case that nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
