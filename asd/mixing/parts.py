"""The parts of a mix, opened: their versions and their candidates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from asd.errors import UsageError
from asd.mixing.choice import Candidates
from asd.mixing.images import below, need_root
from asd.mixing.recipe import NATIVE, MixPart
from asd.mixing.sizes import Sizes
from asd.schemas.image_marks import MARK
from asd.shards.manifest import Manifest
from asd.shards.reader import read_batches
from asd.shards.store import Store


@dataclass(frozen=True)
class OpenPart:
    """A part's version, and its rows that can be chosen."""

    name: str
    part: MixPart
    root: Path
    version: str
    manifest: Manifest
    image_root: Path | None
    """Where its images lie, links followed; None where it is not recorded."""
    table: pa.Table
    """Its candidates, memory-mapped."""

    @property
    def has_paths(self) -> bool:
        """Whether a row names an image by a path below the image root."""
        return any(pc.any(need_root(batch["images"].flatten())).as_py() for batch in self.table.to_batches())


def open_part(name: str, part: MixPart, root: Path, wanted: str | None) -> OpenPart:
    """root, wanted: dataset directory and version. Raises: UsageError, UnknownNameError, ShardError."""
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
    return OpenPart(name, part, root, version, manifest, Path(image_root).resolve() if image_root else None, table)


def _of_styles(batch: pa.RecordBatch, styles: tuple[str, ...] | None) -> pa.RecordBatch:
    if styles is None:
        return batch
    wanted = pc.is_in(batch["style"], pa.array([name for name in styles if name != NATIVE], pa.string()))
    if NATIVE in styles:
        wanted = pc.or_(wanted, pc.equal(batch["style"], batch["native_style"]))
    return batch.filter(wanted)


def candidates(opened: OpenPart, seed: int, sizes: Sizes) -> Candidates:
    """Keys, content hashes and sizes of a part's rows."""
    prefix = f"{seed}\0{opened.name}\0".encode()
    keys: list[int] = []
    content: list[tuple[int, int]] = []
    counted: list[int] = []
    for batch in opened.table.select(["id", "prompt", "response", "messages", "images"]).to_batches(max_chunksize=4096):
        texts = _texts(batch)
        keys += [xxhash.xxh3_64_intdigest(prefix + _encoded(name)) for name in batch["id"].to_pylist()]
        content += [_digest(row, images) for row, images in zip(texts, _images(batch, opened.image_root), strict=True)]
        counted += sizes(_said(batch))
    return Candidates(
        opened.name,
        opened.part.share,
        np.array(keys, np.uint64),
        np.array(content, np.uint64).reshape(-1, 2),
        np.array(counted, np.int64),
    )


def _texts(batch: pa.RecordBatch) -> list[list[str]]:
    """What makes each row: prompt and response; where more is said (systems, turns, tools), every message with its role."""
    prompts, responses, messages = (batch[name].to_pylist() for name in ("prompt", "response", "messages"))
    return [
        [prompt, response] if len(said) <= 2 else [f"{turn['role']}: {turn['content']}" for turn in said]
        for prompt, response, said in zip(prompts, responses, messages, strict=True)
    ]


def _said(batch: pa.RecordBatch) -> list[list[str]]:
    """The same without roles and marks of images: what is counted."""
    prompts, responses, messages = (batch[name].to_pylist() for name in ("prompt", "response", "messages"))
    return [
        [
            text.replace(MARK, "")
            for text in ([prompt, response] if len(said) <= 2 else [turn["content"] for turn in said])
        ]
        for prompt, response, said in zip(prompts, responses, messages, strict=True)
    ]


def _images(batch: pa.RecordBatch, root: Path | None) -> list[str]:
    """The images of each row: an image is its bytes, else where its path leads from the part's root."""
    placed = batch["images"] if root is None else below(batch["images"], f"{root}/")
    return [
        "\0".join(xxhash.xxh3_128_hexdigest(image["bytes"]) if image["bytes"] else image["path"] or "" for image in row)
        for row in placed.to_pylist()
    ]


def _digest(texts: list[str], images: str) -> tuple[int, int]:
    whole = xxhash.xxh3_128_intdigest(_encoded("\0".join([*texts, images])))
    return whole >> 64, whole & 0xFFFFFFFFFFFFFFFF


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
