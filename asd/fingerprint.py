"""The version id: a hash of everything that decides a conversion's content. Same inputs, same id, same bytes."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import xxhash

from asd.errors import SourceError

SCHEME = "asd-version-1"
ID_LENGTH = 12
MAKING_LIBRARIES = ("jinja2", "lemminflect")
"""Libraries whose version can change a sample's text."""
NOT_MAKING = {
    "audit": "measures",
    "cli": "shows",
    "probing": "asks and measures",
    "quality": "measures",
    "report": "shows",
    "rewrite": "makes samples only with a rewriter, and is hashed then",
    "_resources": "templates are hashed one by one",
}
"""Sub-packages that make no samples, and why they may change without a new version."""


REWRITE_NOT_MAKING = frozenset(
    """
    api_key backoff budget cache cache_file child_guard completions endpoints faults gguf_file llama_child llama_server
    open_model openai_client own_server preflight process_log settings stats throttle transport vllm_arguments
    vllm_offline vllm_server
    """.split()
)
"""Modules of the rewriter that carry requests and replies, and change none."""


IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})


@functools.cache
def code_fingerprint() -> str:
    """sha256 over the source files that make samples, and the versions of the libraries that shape text."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if relative.parts[0] not in NOT_MAKING and "__pycache__" not in relative.parts:
            digest.update(relative.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for name in MAKING_LIBRARIES:
        digest.update(f"{name}=={importlib.metadata.version(name)}\0".encode())
    return digest.hexdigest()


@functools.cache
def rewriter_fingerprint() -> str:
    """sha256 over the source files that turn a model's replies into samples."""
    digest = hashlib.sha256()
    root = Path(__file__).parent / "rewrite"
    for path in sorted(root.glob("*.py")):
        if path.stem not in REWRITE_NOT_MAKING:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def canonical_json(value: Any) -> bytes:
    """One spelling per value; no `default=`, so that a value JSON cannot hold fails instead of hashing an address."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def version_id(parts: Mapping[str, Any]) -> str:
    return hashlib.sha256(SCHEME.encode() + canonical_json(parts)).hexdigest()[:ID_LENGTH]


def images_listing(root: Path, *, without: Collection[Path]) -> str:
    """Hash over the names and sizes of the images below `root`: which there are, without reading them."""
    digest = xxhash.xxh3_128()
    for path in _files_below(root, without):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            digest.update(os.fsencode(path.relative_to(root).as_posix()) + b"\0%d\0" % path.stat().st_size)
    return digest.hexdigest()


def _files_below(root: Path, without: Collection[Path]) -> Iterator[Path]:
    skipped = {path.resolve() for path in without}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        if not skipped.intersection((path.resolve(), *path.resolve().parents)):
            yield path


def images_fingerprint(root: Path, *, without: Collection[Path]) -> str:
    """Hash over the names and bytes of every file below `root`; needed only where images are embedded.

    without: files and folders to pass over: the dataset itself may lie below `root`.
    Raises: SourceError for a file that cannot be read.
    """
    digest = xxhash.xxh3_128()
    for path in _files_below(root, without):
        digest.update(os.fsencode(path.relative_to(root).as_posix()) + b"\0")
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as exc:
            raise SourceError(f"{path}: cannot be read ({exc.strerror or exc}), and --embed-images reads it.") from exc
    return digest.hexdigest()
