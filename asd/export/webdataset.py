"""WebDataset: tar files with one JSON and its images per sample, for streaming loaders."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import orjson

from asd.export.conversation import Conversation
from asd.export.format import ExportedSplit, Format, Written
from asd.export.images import ImageMode
from asd.export.llava import llava_turns, marks
from asd.export.writing import Record, write_json
from asd.shards.files import whole_file
from asd.sources.tar_records import PATHS

SHARD_BYTES = 256 * 1024 * 1024
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


def _file(part: ExportedSplit) -> str:
    return f"{part.label}/{part.name}-000000.tar"


def _members(conversation: Conversation, part: ExportedSplit, number: int) -> list[tuple[str, bytes]]:
    """The JSON and the images of one sample, under one key; loaders split names at the first dot."""
    key = f"{number:09d}"
    names = [
        f"{key}{_extension(image['path'], place, len(conversation.images))}"
        for place, image in enumerate(conversation.images)
    ]
    record: Record = {"id": conversation.id, "conversations": llava_turns(conversation)} | marks(conversation, part)
    if names:
        record["images"] = names
        record[PATHS] = [image["path"] for image in conversation.images]
    members = [
        (name, part.places.data(image, conversation.id)) for name, image in zip(names, conversation.images, strict=True)
    ]
    images = [(name, data) for name, data in members if data is not None]
    return [(f"{key}.json", orjson.dumps(record)), *images]


def _extension(path: str, place: int, images: int) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    suffix = suffix if _SUFFIX.fullmatch(suffix) else ".jpg"
    return suffix if images == 1 else f".{place}{suffix}"


def _write(part: ExportedSplit, path: Path) -> int:
    """Starts another tar whenever one is full; each is whole or not there."""
    samples = (_members(conversation, part, number) for number, conversation in enumerate(part.conversations()))
    count = shards = 0
    waiting = next(samples, None)
    while waiting is not None or not shards:
        target = path.with_name(f"{part.name}-{shards:06d}.tar")
        with whole_file(target) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
            size = 0
            while waiting is not None and size < SHARD_BYTES:
                size += sum(_add(tar, name, data) for name, data in waiting)
                count += 1
                waiting = next(samples, None)
        shards += 1
    part.seen["shards"] = shards
    for stale in path.parent.glob(f"{part.name}-{'[0-9]' * 6}.tar"):  # of an earlier, larger export
        if int(stale.stem[-6:]) >= shards:
            stale.unlink()
    return count


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> int:
    """No times, owners or modes of this machine: the same samples give the same bytes."""
    header = tarfile.TarInfo(name)
    header.size, header.mode = len(data), 0o644
    tar.addfile(header, io.BytesIO(data))
    return len(data)


def _sides(written: Sequence[Written], out: Path) -> list[Path]:
    return [write_json(file.path.with_name(f"{file.part.name}.json"), _index(file)) for file in written]


def _index(file: Written) -> Record:
    shards = file.part.seen["shards"]
    names = f"{file.part.name}-{{000000..{shards - 1:06d}}}.tar" if shards > 1 else f"{file.part.name}-000000.tar"
    return {"samples": file.records, "shards": shards, "urls": names}


FORMAT = Format(
    name="webdataset",
    summary="WebDataset: tar files with a JSON and the images of each sample",
    file=_file,
    write=_write,
    sides=_sides,
    images=(ImageMode.EMBED,),
)
