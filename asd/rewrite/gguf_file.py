"""A language model in one GGUF file: whether it is one, and what tells it from others."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from asd.errors import UsageError
from asd.lazy_regex import regex

_MAGIC = b"GGUF"
_PART = regex(r"-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)
_BLOCK = 1 << 20


def is_gguf(model: str) -> bool:
    """Whether `model` names a GGUF file that is there."""
    return model.lower().endswith(".gguf") and Path(model).is_file()


def require_gguf(model: str) -> None:
    """Raises: UsageError where `model` is no GGUF file, or one of its parts is missing."""
    path = Path(model)
    if path.is_dir():
        held = ", ".join(sorted(file.name for file in path.glob("*.gguf"))) or "no .gguf file"
        raise UsageError(
            f"{model} is a folder (it holds {held}); --model of llama-cpp is one GGUF file, e.g. model.gguf"
        )
    if not path.is_file():
        raise UsageError(f"{model}: there is no such file; --model of llama-cpp is a GGUF file on this machine")
    for part in gguf_parts(path):
        if not part.is_file():
            raise UsageError(f"{model}: its part {part.name} is missing; all parts of a model lie in one folder")
        with part.open("rb") as file:
            start = file.read(len(_MAGIC))
        if start != _MAGIC:
            raise UsageError(
                f"{part} is no GGUF file: it begins with {start!r}, expected {_MAGIC!r}. Models in GGUF are offered "
                f"under names like MODEL-GGUF; llama.cpp's convert_hf_to_gguf.py makes one from a transformers folder"
            )


def gguf_parts(path: Path) -> list[Path]:
    """The files that make up the model: one, or all of "NAME-00001-of-00003.gguf"."""
    match = _PART.search(path.name)
    if match is None:
        return [path]
    stem, count = path.name[: match.start()], int(match["count"])
    return [path.with_name(f"{stem}-{number:05d}-of-{count:05d}.gguf") for number in range(1, count + 1)]


def gguf_sha256(path: Path) -> str:
    """sha256 (hex) over the bytes of the model's files, one after the other, as `cat FILES | sha256sum` gives it.

    Raises: FileNotFoundError where a part is missing.
    """
    files = gguf_parts(path)
    return _sha256(tuple((str(file), *_state(file)) for file in files))


def gguf_bytes(path: Path) -> int:
    """Size of the model's files together."""
    return sum(file.stat().st_size for file in gguf_parts(path))


def _state(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=8)
def _sha256(files: tuple[tuple[str, int, int], ...]) -> str:
    """Read once a process as long as nobody touches the files: they have gigabytes."""
    digest = hashlib.sha256()
    for name, _, _ in files:
        with Path(name).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
