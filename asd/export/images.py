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
from asd.plain_files import require_regular
from asd.shards.files import write_bytes
from asd.shards.untrusted import is_inside


class ImageMode(StrEnum):
    PATHS = "paths"
    COPY = "copy"
    EMBED = "embed"


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
    _copied: set[int] = field(default_factory=set)

    @property
    def folder(self) -> str:
        """What relative names are relative to. Raises: UsageError if that is not known."""
        return str(self.out.resolve()) if self.mode is ImageMode.COPY else self._known_root()

    def relative(self, image: dict[str, Any], sample: str) -> str:
        """Name below `folder`."""
        if self.mode is not ImageMode.COPY:
            return str(image["path"])
        name = f"images/{self.task}/{image['path']}"
        mark = xxhash.xxh3_64_intdigest(name.encode())
        if mark not in self._copied:
            if ".." in Path(name).parts:  # of an address, say
                raise SourceError(f"sample {sample}: image {image['path']!r} has no name that a copy could have.")
            write_bytes(self.out / name, self.read(image, sample), durable=False)
            self._copied.add(mark)
        return name

    def located(self, image: dict[str, Any], sample: str) -> str:
        """Name that can be opened from anywhere: a path with its folder, or an address."""
        name = self.relative(image, sample)
        root = self.folder
        return f"{root.rstrip('/')}/{name}" if "://" in root else str(Path(root) / name)

    def read(self, image: dict[str, Any], sample: str) -> bytes:
        """Raises: SourceError naming the sample and the place where the image was looked for."""
        if image["bytes"] is not None:
            return bytes(image["bytes"])
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
            return path.read_bytes()
        except OSError as exc:
            raise SourceError(
                f"sample {sample}: image {image['path']} cannot be read at {path} ({exc.strerror}). "
                "Give the folder of the images with --image-root."
            ) from exc

    def _known_root(self) -> str:
        if self.root is None:
            raise UsageError(
                f"the folder of the images of task {self.task} is not known. Give it with --image-root, or use "
                "--images copy or embed where the shards hold them."
            )
        return self.root


def media_type(path: str, data: bytes) -> str:
    """By content for the usual three, else by name."""
    for magic, kind in ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp")):
        if data.startswith(magic):
            return kind
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def data_url(path: str, data: bytes) -> str:
    return f"data:{media_type(path, data)};base64,{b64encode(data).decode('ascii')}"
