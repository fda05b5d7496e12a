"""What may be opened, and what may be written over: regular files whose names are text. Nothing that blocks, never ends
or stands for a device."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterable
from pathlib import Path

from asd.errors import AsdError, SourceError, StorageError, UsageError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


_MAGICS = (
    (b"\x89PNG\r\n", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"), (b"RIFF", "a RIFF file (WebP, WAV or AVI)"), (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"), (b"PK\x03\x04", "a ZIP archive (or an Office file, or a PyTorch or NumPy one): unpack it"),
    (b"PK\x05\x06", "an empty ZIP archive"), (b"7z\xbc\xaf", "a 7-Zip archive: unpack it"), (b"Rar!", "a RAR archive: unpack it"),
    (b"\xfd7zXZ", "packed with xz: unpack it"), (b"BZh", "packed with bzip2: unpack it"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard: unpack it"), (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"), (b"MZ", "a program"),
    (b"PAR1", "a Parquet file"), (b"\x89HDF", "an HDF5 file"), (b"\x80\x04", "a Python pickle"), (b"\x80\x05", "a Python pickle"),
    (b"\x93NUMPY", "a NumPy array"), (b"SQLite format 3", "an SQLite database"),
    (b"OggS", "an Ogg file"), (b"ID3", "an MP3 file"),
    (b"version https://git-lfs", "a pointer of Git LFS in place of the file: fetch it with `git lfs pull`"),
    (b"<!DOCTYPE", "a web page"), (b"<!doctype", "a web page"), (b"<html", "a web page"), (b"<?xml", "an XML file"),
)  # fmt: skip
"""First bytes of files that hold no records -> what they are."""


def what_it_is(head: bytes) -> str | None:
    """In words, by the first bytes (12 and more, with those at 257 of a tar): a file of a kind that holds no records."""
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it"
    if head[4:8] == b"ftyp":
        return "an MP4 or HEIC file"
    return next((kind for magic, kind in _MAGICS if head.startswith(magic)), None)


Stamp = tuple[int, int]
"""Size and time of change (ns) of a file."""


class IrregularFileError(OSError):
    """A file that is there and is none: `strerror` says what it is."""


def kind_of(path: Path) -> str | None:
    """What stands at `path` if it is no regular file; None for one, behind a link too. Raises: OSError."""
    mode = path.stat().st_mode
    return next((name for is_one, name in _KINDS if is_one(mode)), None)


def require_regular(path: Path) -> None:
    """Raises: OSError for what is not there or no regular file; opening a pipe would wait for ever."""
    try:
        kind = kind_of(path)
    except ValueError as exc:  # NUL in the name
        raise IrregularFileError(0, f"no such name: {exc}") from None
    if kind is not None:
        raise IrregularFileError(0, f"it is {kind}, expected a regular file")


def require_source(path: Path) -> None:
    """Raises: SourceError for what is not there or no regular file."""
    try:
        require_regular(path)
    except OSError as exc:
        raise SourceError(f"{path}: cannot be read ({exc.strerror or exc})") from exc


def require_replaceable(path: Path) -> None:
    """Raises: StorageError for a device, a pipe or a link, which a finished file would be put in the place of."""
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return  # it is not there, or whoever writes says why it cannot be
    if stat.S_ISLNK(mode):
        raise StorageError(
            f"cannot write {path}: it is a link (to {path.readlink()}), which the file would take the place of. "
            "Name the file itself."
        )
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kind = next(name for is_one, name in _KINDS if is_one(mode))
        raise StorageError(f"cannot write {path}: it is {kind}, which a file would take the place of. Name a file.")


def require_text_name(path: str | Path, what: str, error: type[AsdError]) -> None:
    """Manifests, refs and cards are UTF-8, and so must be the names in them.

    Raises: `error` for a path that is not UTF-8; before any work, that is.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise error(f"{what} {str(path)!r} is no UTF-8 text. Rename the file or folder.") from None


def require_text_arguments(arguments: Iterable[str]) -> None:
    """Before a command begins: what it is told, and where it runs, can be written down. Raises: UsageError."""
    for argument in arguments:
        require_text_name(argument, "argument", UsageError)
    with contextlib.suppress(FileNotFoundError):  # the folder was deleted; absolute paths still work
        require_text_name(Path.cwd(), "the working directory", UsageError)


def stamps_of(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Of the files that are there."""
    stamps = {}
    for path in paths:
        with contextlib.suppress(OSError):
            status = path.stat()
            stamps[path] = status.st_size, status.st_mtime_ns
    return stamps


def require_other_than(path: Path, inputs: Iterable[str], option: str) -> None:
    """Raises: UsageError where a file that is to be written is one that is read."""
    if any(path.resolve() == Path(name).resolve() for name in inputs):
        raise UsageError(f"{option} {path} is a file that is read, and would be replaced. Choose another name.")
