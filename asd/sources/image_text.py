"""How a source's picture is written in the native column `images`: a path below the image root, an address, or the data.

Data is a `data:` URI of ours: checked by decoding it, in base64 of the usual alphabet, with the name that the source
gave it (`data:image/png;name=a.png;base64,...`). Nothing here opens a file.
"""

from __future__ import annotations

import base64
import binascii
import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

import xxhash

from asd.lazy_regex import regex
from asd.records import brief
from asd.sources.bad_record import BadRecordError

DATA = "data:"
SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]+://"
"""How an address begins (s3://, https://)."""
_SCHEME = regex(SCHEME)
_OUTSIDE = regex(r"/|\\|[A-Za-z]:")
_DATA_URI = regex(r"data:([^,]*),", re.IGNORECASE)
_BARE_BASE64 = regex(r"(?:/9j/|iVBORw0KGgo|R0lGOD|UklGR|Qk[0-9A-Za-z+/])[A-Za-z0-9+/\s]{64,}={0,2}\s*")
"""The first bytes of JPEG, PNG, GIF, WebP and BMP, as base64 writes them."""
_SUFFIXES = {"jpeg": ".jpg", "png": ".png", "gif": ".gif", "webp": ".webp", "bmp": ".bmp", "tiff": ".tif"}
_BYTES_KEYS = ("bytes", "base64", "b64_json", "data")
_PATH_KEYS = ("path", "url", "image_url", "image", "file_name", "filename", "uri", "src")
DRAFT_PX = 8
"""A JPEG is looked at whole, but need not be shown at its full size."""


def image_texts(values: Iterable[Any], roots: tuple[str, ...] = ()) -> list[str]:
    """The pictures of a record; nulls and empty texts are none. Raises: BadRecordError."""
    return [text for value in values if (text := image_text(value, roots))]


def image_text(value: Any, roots: tuple[str, ...] = ()) -> str:
    """A path, an address, a data URI, base64, bytes, or an object that holds one of these, as the column has it.

    roots: absolute folders of which each is the image root, in different spellings; () where none was named.
    "" where there is no picture. Raises: BadRecordError (bad_image, image_outside_root).
    """
    if value is None or value == "":
        return ""
    if isinstance(value, bytes):
        return data_text(value)
    if isinstance(value, Mapping):
        return _of_object(value, roots)
    if not isinstance(value, str):
        raise BadRecordError("bad_image", f"an image must be a path, an address or data, found {brief(value, 40)!r}")
    if value[:5].lower() == DATA:
        return _of_data_uri(value)
    if _BARE_BASE64.fullmatch(value):
        return data_text(_decoded(value))
    if value[:7].lower() == "file://":
        value = unquote(urlsplit(value).path)
    elif _SCHEME.match(value):
        return value
    return relative_path(value, roots)


def is_data(text: str) -> bool:
    return text.startswith(DATA)


def is_address(text: str) -> bool:
    return _SCHEME.match(text) is not None


def holds_absolute_path(value: Any) -> bool:
    """Whether a source's image, or one of several, is a path that only an image root makes relative."""
    if isinstance(value, list):
        return any(map(holds_absolute_path, value))
    if isinstance(value, Mapping):
        return any(holds_absolute_path(value.get(key)) for key in _PATH_KEYS)
    if not isinstance(value, str):
        return False
    return value[:7].lower() == "file://" or (value.startswith("/") and not _BARE_BASE64.fullmatch(value))


def roots_of(folder: Path) -> tuple[str, ...]:
    """The spellings of a folder under which absolute paths may name what is in it: as given, and with links followed."""
    return tuple(dict.fromkeys((str(folder.absolute()), os.path.realpath(folder))))


def relative_path(path: str, roots: tuple[str, ...] = ()) -> str:
    """Relative to the image root, without `.`, `..` or `//`. Raises: BadRecordError if it leaves the root."""
    clean = posixpath.normpath(path)
    if "\x00" in path:
        raise BadRecordError("image_outside_root", f"{path[:120]!r} has a NUL, which no path may hold")
    if clean.startswith("/"):
        return _below(clean, roots)
    if clean.startswith("../") or clean in (".", "..") or _OUTSIDE.match(path) or "\\" in path:
        raise BadRecordError("image_outside_root", f"expected a path relative to the image root, found {path[:120]!r}")
    return clean


def _below(path: str, roots: tuple[str, ...]) -> str:
    clean = f"/{path.lstrip('/')}"
    for root in roots:
        if clean.startswith(f"{root.rstrip('/')}/"):
            return clean[len(root.rstrip("/")) + 1 :]
    advice = f"it is not below --image-root {roots[0]}" if roots else "name a folder above it with --image-root"
    raise BadRecordError("image_outside_root", f"found the absolute path {clean[:200]!r}: {advice}")


def data_text(data: bytes, name: str = "") -> str:
    """Raises: BadRecordError if the bytes are no picture that can be shown."""
    from asd.pictures import PictureError, read_picture  # Pillow is not for those whose images lie in files

    try:
        suffix = _suffix(data)
        read_picture(data, draft_px=DRAFT_PX)
    except PictureError as exc:
        raise BadRecordError(
            "bad_image", f"{name or 'the image'} ({len(data):,} bytes) cannot be shown: {exc}"
        ) from exc
    named = f";name={quote(name)}" if name else ""
    return f"data:image/{suffix}{named};base64,{base64.b64encode(data).decode('ascii')}"


def _suffix(data: bytes) -> str:
    magics = ((b"\x89PNG", "png"), (b"\xff\xd8", "jpeg"), (b"RIFF", "webp"), (b"GIF8", "gif"), (b"BM", "bmp"))
    return next((kind for magic, kind in magics if data.startswith(magic)), "tiff")


def path_and_data(text: str) -> tuple[str, bytes | None]:
    """As shards hold it: a path or an address without data; or, of data, its name (else one made of its content)."""
    if not is_data(text):
        return text, None
    head, _, encoded = text.partition(",")
    data = base64.b64decode(encoded)
    fields = head.removeprefix(DATA).split(";")
    name = next((unquote(part[5:]) for part in fields if part.startswith("name=")), "")
    return name or f"{xxhash.xxh3_128_hexdigest(data)}{_SUFFIXES[fields[0].rpartition('/')[2]]}", data


def _of_object(value: Mapping[str, Any], roots: tuple[str, ...]) -> str:
    path = next((value[key] for key in _PATH_KEYS if value.get(key) not in (None, "")), None)
    data = next((value[key] for key in _BYTES_KEYS if value.get(key) is not None), None)
    if isinstance(path, Mapping):
        return _of_object(path, roots)
    if isinstance(data, str):
        data = _decoded(data.partition(",")[2] if data[:5].lower() == DATA else data)
    if isinstance(data, bytes):
        return data_text(data, _name(path, roots))
    if data is not None:
        raise BadRecordError("bad_image", f"an image's bytes must be bytes or base64, found {brief(data, 40)!r}")
    if path is None:
        raise BadRecordError("bad_image", f"an image holds neither path nor bytes (keys: {', '.join(sorted(value))})")
    return image_text(path, roots)


def _name(path: Any, roots: tuple[str, ...]) -> str:
    """The name that data comes with, where it is a path that shards can hold; else its last part, or ""."""
    if not isinstance(path, str) or path[:5].lower() == DATA:
        return ""
    if _SCHEME.match(path):
        return posixpath.basename(urlsplit(path).path)
    try:
        return relative_path(path, roots)
    except BadRecordError:
        name = re.split(r"[/\\:]", path)[-1].replace("\x00", "")
        return "" if name in (".", "..") else name


def _of_data_uri(uri: str) -> str:
    head = _DATA_URI.match(uri)
    if head is None:
        raise BadRecordError("bad_image", f"a data URI without a comma: {uri[:60]!r}")
    name = next((unquote(part[5:]) for part in head[1].split(";") if part.startswith("name=")), "")
    body = uri[head.end() :]
    if "base64" in head[1].lower().split(";"):
        return data_text(_decoded(body), _name(name, ()) if name else "")
    return data_text(unquote_to_bytes(body))


def _decoded(encoded: str) -> bytes:
    """Base64 of either alphabet, with line breaks, escapes or without its padding. Raises: BadRecordError."""
    text = unquote(encoded) if "%" in encoded else encoded
    text = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise BadRecordError("bad_image", f"its base64 cannot be read ({exc}): {encoded[:40]!r}") from exc
