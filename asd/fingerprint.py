"""The version id: a hash of everything that decides a conversion's content. Same inputs, same id, same bytes."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
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


def images_listing(root: Path, names: Iterable[str]) -> str:
    """Hash over the names and sizes of the images that rows name: which there are below `root`, without reading them."""
    digest = xxhash.xxh3_128()
    for name in sorted(names):
        with suppress(OSError, ValueError):
            digest.update(name.encode("utf-8", "surrogatepass") + b"\0%d\0" % (root / name).stat().st_size)
    return digest.hexdigest()


def images_fingerprint(root: Path, names: Iterable[str]) -> str:
    """Hash over the names and bytes of the images that rows name; needed only where images are embedded.

    Other files below `root` may come, go and change meanwhile. What is not there, or no regular file, is told by whoever
    embeds it. Raises: SourceError for a file that cannot be read.
    """
    digest = xxhash.xxh3_128()
    for name in sorted(names):
        path = root / name
        try:
            if not path.is_file():
                continue
            digest.update(name.encode("utf-8", "surrogatepass") + b"\0")
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except (FileNotFoundError, ValueError):
            continue
        except OSError as exc:
            raise SourceError(f"{path}: cannot be read ({exc.strerror or exc}), and --embed-images reads it.") from exc
    return digest.hexdigest()
