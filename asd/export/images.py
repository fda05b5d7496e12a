"""How an exported file speaks of its images: by their paths, as copies beside it, or with their bytes inside."""

from __future__ import annotations

import mimetypes
from base64 import b64encode
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import xxhash

from asd.errors import SourceError, UsageError
from asd.pictures import PictureError, read_picture
from asd.plain_files import IrregularFileError, require_regular
from asd.shards.files import write_bytes
from asd.shards.untrusted import is_inside
from asd.sources.image_text import DRAFT_PX, is_address


class ImageMode(StrEnum):
    PATHS = "paths"
    COPY = "copy"
    EMBED = "embed"


class MissingImages(StrEnum):
    """What becomes of a sample with an image that is not there or cannot be shown."""

    ERROR = "error"
    SKIP = "skip"
    KEEP = "keep"


MISSING, BROKEN = "an image that is not there", "an image that cannot be shown"


class ImageFaultError(SourceError):
    """One image of one sample; `kind` is MISSING or BROKEN, `short` names the image and says why."""

    def __init__(self, text: str, kind: str = "", short: str = "") -> None:
        super().__init__(text)
        self.kind, self.short = kind, short


@dataclass
class ImagePlace:
    """Where the images of one dataset are, and what its exported records say about them."""

    root: str | None
    """Folder or address that image paths are relative to; None if it is not known."""
    mode: ImageMode
    out: Path
    task: str
    follow_links: bool = False
    """Whether images may be read that a link below `root` points to elsewhere."""
    missing: MissingImages | None = None
    """None: left out, unless there are no others."""
    is_asked: bool = True
    """Whether the user chose the mode."""
    _copied: dict[int, int] = field(default_factory=dict)
    """Names that copies have -> hashes of the bytes of those that shards hold."""
    _sound: set[int] = field(default_factory=set)

    @property
    def is_checking(self) -> bool:
        """Whether images are looked at before records are made: where they are read, or where it was asked for."""
        return self.mode is not ImageMode.PATHS or self.missing is not None

    def look(self, row: dict[str, Any]) -> ImageFaultError | None:
        """What is wrong with the first image of a row that is not as it should be. May run on several threads.

        What was read for this is kept in the row: `loaded`; of an image that is not there, `is_absent`.
        """
        fault = None
        for image in row["images"]:
            try:
                self._look(image, row["id"])
            except ImageFaultError as exc:
                fault = fault or exc
                image["is_absent"] = exc.kind == MISSING
        return fault

    def _look(self, image: dict[str, Any], sample: str) -> None:
        path = str(image["path"])
        if is_address(path) and image["bytes"] is None:
            return
        if self.mode is ImageMode.COPY:
            _require_name(path, sample)
        mark = xxhash.xxh3_64_intdigest(path.encode())
        if mark in self._sound and self.mode is not ImageMode.EMBED and image["bytes"] is None:
            return
        if self.mode is ImageMode.PATHS and image["bytes"] is None:
            self._find(image, sample)
        else:
            image["loaded"] = self.read(image, sample)
            if mark not in self._sound or image["bytes"] is not None:
                _require_shown(image["loaded"], path, sample)
        self._sound.add(mark)

    @property
    def folder(self) -> str:
        """What relative names are relative to. Raises: UsageError if that is not known."""
        return str(self.out.resolve()) if self.mode is ImageMode.COPY else self._known_root()

    def relative(self, image: dict[str, Any], sample: str) -> str:
        """Name below `folder`; an address as it is."""
        path = str(image["path"])
        if self.mode is not ImageMode.COPY or image.get("is_absent") or (is_address(path) and image["bytes"] is None):
            return path
        name = self._copy_name(image)
        mark = xxhash.xxh3_64_intdigest(name.encode())
        if mark not in self._copied:
            _require_name(path, sample)
            write_bytes(self.out / name, self.read(image, sample), durable=False)
            self._copied[mark] = _content(image)
        return name

    def _copy_name(self, image: dict[str, Any]) -> str:
        """Images that shards hold may have one name and be different ones (`image.png`)."""
        name = f"images/{self.task}/{image['path']}"
        known = self._copied.get(xxhash.xxh3_64_intdigest(name.encode()))
        if image["bytes"] is None or known in (None, _content(image)):
            return name
        path = Path(name)
        return str(path.with_name(f"{path.stem}-{_content(image):016x}{path.suffix}"))

    def located(self, image: dict[str, Any], sample: str) -> str:
        """Name that can be opened from anywhere: a path with its folder, or an address."""
        name = self.relative(image, sample)
        if is_address(name):
            return name
        root = self._known_root() if image.get("is_absent") else self.folder
        return f"{root.rstrip('/')}/{name}" if "://" in root else str(Path(root) / name)

    def data(self, image: dict[str, Any], sample: str) -> bytes | None:
        """None for an address, and for an image that is kept although it is not there. Raises: as `read`."""
        if image.get("is_absent") or (image["bytes"] is None and is_address(str(image["path"]))):
            return None
        return self.read(image, sample)

    def read(self, image: dict[str, Any], sample: str) -> bytes:
        """Raises: ImageFaultError naming the sample and the place where the image was looked for."""
        if image["bytes"] is not None:
            return bytes(image["bytes"])
        if (loaded := image.get("loaded")) is not None:
            return bytes(loaded)
        path = self._find(image, sample)
        try:
            return path.read_bytes()
        except OSError as exc:
            raise _missing(image, sample, path, exc) from exc

    def _find(self, image: dict[str, Any], sample: str) -> Path:
        """Raises: ImageFaultError."""
        root = self._known_root()
        if "://" in root:
            raise UsageError(f"--image-root {root} is an address; reading the images needs a folder.")
        path = Path(root) / str(image["path"])
        try:
            require_regular(path)
            if not self.follow_links and not is_inside(path, Path(root)):
                raise SourceError(
                    f"sample {sample}: image {image['path']} is a link out of the folder of the images, to "
                    f"{path.resolve()}. Give --follow-links to read such images, too."
                )
        except IrregularFileError as exc:
            raise SourceError(str(_missing(image, sample, path, exc))) from exc
        except OSError as exc:
            raise _missing(image, sample, path, exc) from exc
        return path

    def _known_root(self) -> str:
        if self.root is None:
            raise UsageError(
                f"the folder of the images of task {self.task} is not known. Give it with --image-root, or use "
                "--images copy or embed where the shards hold them."
            )
        return self.root


def _require_name(path: str, sample: str) -> None:
    """Raises: SourceError for a path that leads upwards: of an address, say."""
    if ".." in Path(path).parts:
        raise SourceError(f"sample {sample}: image {path!r} has no name that a copy could have.")


def _missing(image: dict[str, Any], sample: str, path: Path, exc: OSError) -> ImageFaultError:
    return ImageFaultError(
        f"sample {sample}: image {image['path']} cannot be read at {path} ({exc.strerror}). "
        "Give the folder of the images with --image-root.",
        MISSING,
        f"{image['path']}: {exc.strerror}",
    )


def _require_shown(data: bytes, path: str, sample: str) -> None:
    """Decodes it, for training would. Raises: ImageFaultError."""
    try:
        read_picture(data, draft_px=DRAFT_PX)
    except PictureError as exc:
        raise ImageFaultError(
            f"sample {sample}: image {path} ({len(data):,} bytes) cannot be shown: {exc}. Put a sound file there, or "
            "leave such samples out with --missing-images skip.",
            BROKEN,
            f"{path}: {exc}",
        ) from exc


def _content(image: dict[str, Any]) -> int:
    return 0 if image["bytes"] is None else xxhash.xxh3_64_intdigest(image["bytes"])


def media_type(path: str, data: bytes) -> str:
    """By content for the usual three, else by name."""
    for magic, kind in ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp")):
        if data.startswith(magic):
            return kind
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def data_url(path: str, data: bytes) -> str:
    return f"data:{media_type(path, data)};base64,{b64encode(data).decode('ascii')}"
