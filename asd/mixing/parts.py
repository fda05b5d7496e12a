"""The parts of a mix, opened: their versions, their candidates, and where their images lie."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from asd.errors import UsageError
from asd.mixing.choice import Candidates
from asd.mixing.recipe import NATIVE, MixPart
from asd.shards.manifest import Manifest
from asd.shards.reader import read_batches
from asd.shards.store import Store, split_location
from asd.word_count import count_words


@dataclass(frozen=True)
class OpenPart:
    """A part's version, and its rows that can be chosen."""

    name: str
    part: MixPart
    root: Path
    version: str
    manifest: Manifest
    image_root: Path | None
    """Where its images lie; None where it is not recorded."""
    table: pa.Table
    """Its candidates, memory-mapped."""

    @property
    def has_paths(self) -> bool:
        """Whether a row names an image by its path."""
        return any(
            batch["images"].value_lengths().to_numpy(zero_copy_only=False).any() for batch in self.table.to_batches()
        )


def open_part(name: str, part: MixPart, location: str) -> OpenPart:
    """Raises: UsageError, UnknownNameError, ShardError."""
    root, wanted = split_location(location)
    store = Store(root)
    version = store.resolve(wanted)
    manifest = store.manifest(version)
    splits = {entry.split for entry in manifest.files if entry.split is not None}
    if part.split is not None and part.split not in splits:
        raise UsageError(
            f"part {name}: {root} has no split {part.split!r} (it has: {', '.join(sorted(splits))}). Name one with `split:`, "
            "or say `split: null` for all rows."
        )
    batches = [_of_styles(batch, part.styles) for batch in read_batches(root, version, split=part.split)]
    image_root = store.image_root(version)
    table = pa.Table.from_batches(batches)
    return OpenPart(name, part, root, version, manifest, Path(image_root) if image_root else None, table)


def _of_styles(batch: pa.RecordBatch, styles: tuple[str, ...] | None) -> pa.RecordBatch:
    if styles is None:
        return batch
    wanted = pc.is_in(batch["style"], pa.array([name for name in styles if name != NATIVE], pa.string()))
    if NATIVE in styles:
        wanted = pc.or_(wanted, pc.equal(batch["style"], batch["native_style"]))
    return batch.filter(wanted)


def candidates(opened: OpenPart, seed: int, *, in_words: bool) -> Candidates:
    """Keys, content hashes and words of a part's rows. in_words: count them; else all are 0."""
    prefix = f"{seed}\0{opened.name}\0".encode()
    keys, content, words = [], [], []
    for name, prompt, response, images in _rows(opened):
        keys.append(xxhash.xxh3_64_intdigest(prefix + name.encode("utf-8", "surrogatepass")))
        said = f"{prompt}\0{response}\0{images}".encode("utf-8", "surrogatepass")
        whole = xxhash.xxh3_128_intdigest(said)
        content.append((whole >> 64, whole & 0xFFFFFFFFFFFFFFFF))
        words.append(count_words(prompt) + count_words(response) if in_words else 0)
    return Candidates(
        opened.name,
        opened.part.share,
        np.array(keys, np.uint64),
        np.array(content, np.uint64).reshape(-1, 2),
        np.array(words, np.int64),
    )


def _rows(opened: OpenPart) -> Iterator[tuple[str, str, str, str]]:
    """Id, prompt, response and images of each row; an image is its bytes, else where its path leads from the part's root."""
    for batch in opened.table.select(["id", "prompt", "response", "images"]).to_batches(max_chunksize=4096):
        ids, prompts, responses = (batch[name].to_pylist() for name in ("id", "prompt", "response"))
        for name, prompt, response, images in zip(ids, prompts, responses, batch["images"], strict=True):
            yield name, prompt, response, "\0".join(_image(image, opened.image_root) for image in images.as_py())


def _image(image: dict[str, Any], root: Path | None) -> str:
    if image["bytes"]:
        return xxhash.xxh3_128_hexdigest(image["bytes"])
    path = image["path"] or ""
    return path if root is None or re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", path) else str(root.resolve() / path)


def common_root(parts: list[OpenPart]) -> tuple[Path | None, list[str]]:
    """(folder that holds all parts' images, what each part's paths get in front of them). Raises: UsageError where
    some parts' images are known and others' are not."""
    with_images = [part for part in parts if part.has_paths]
    unknown = [part.name for part in with_images if part.image_root is None]
    if not with_images or len(unknown) == len(with_images):
        return None, [""] * len(parts)
    if unknown:
        raise UsageError(
            f"part {unknown[0]}: no image root is recorded for {next(p.root for p in parts if p.name == unknown[0])}, while "
            "other parts have theirs, so paths could not be told apart. Convert it again with --image-root."
        )
    roots = [part.image_root.resolve() for part in with_images if part.image_root is not None]
    root = Path(os.path.commonpath(roots))
    prefixes = []
    for part in parts:
        inner = (
            ""
            if part.image_root is None or part not in with_images
            else part.image_root.resolve().relative_to(root).as_posix()
        )
        prefixes.append("" if inner in ("", ".") else f"{inner}/")
    return root, prefixes
