"""Finished shards with their done-marks, which hold their counts, so that whoever commits need not read them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from asd.shards.files import give_name, sha256_of, storage_errors, sync_file
from asd.shards.manifest import FileEntry, ImageCounts
from asd.work.done_mark import DamagedFileError, imprint_of, read_mark, require_unchanged, write_mark


@dataclass
class ShardResult:
    """A finished shard as the manifest lists it, with its rows by style and by maker."""

    entry: FileEntry
    by_style: dict[str, int] = field(default_factory=dict)
    by_maker: dict[str, int] = field(default_factory=dict)
    images: ImageCounts = field(default_factory=ImageCounts)


@dataclass(frozen=True)
class WrittenShard:
    """A shard that lacks its name."""

    hidden: Path
    """The path under which it was written."""
    path: Path
    """The path that it is to get."""
    marks: Path
    """Folder of the marks."""
    file: str
    split: str
    rows: int
    by_style: dict[str, int]
    by_maker: dict[str, int]
    images: ImageCounts


def settle(written: WrittenShard) -> ShardResult:
    """Give a shard its mark and its name once it is on the disk. Mostly waiting, outside of the interpreter lock."""
    hidden, path = written.hidden, written.path
    try:
        with storage_errors(path):
            sync_file(hidden)
            imprint = imprint_of(hidden)
            digest = sha256_of(hidden, is_last_use=True)
        size = imprint.size_bytes
        entry = FileEntry(path=written.file, split=written.split, rows=written.rows, size_bytes=size, sha256=digest)
        known = {"entry": entry.model_dump(), "by_style": written.by_style, "by_maker": written.by_maker}
        known["images"] = written.images.model_dump()
        write_mark(mark_of(written.marks, written.file), {path.name: imprint}, known)
        give_name(hidden, path, durable=False)
    finally:
        hidden.unlink(missing_ok=True)
    return ShardResult(entry, written.by_style, written.by_maker, written.images)


def find_finished(
    marks: Path, shards_dir: Path, file: str, say: Callable[[str], None], *, is_trusted: bool = False
) -> ShardResult | None:
    """The shard that an earlier run finished; None if there is none. A damaged one is deleted, with a note.

    is_trusted: its content is not read, only its size looked at.
    """
    path = shards_dir / file
    if not path.exists():
        return None
    try:
        imprints, known = read_mark(mark_of(marks, file))
        require_unchanged(path, imprints[path.name], is_trusted=is_trusted)
        result = ShardResult(
            FileEntry(**known["entry"]), known["by_style"], known["by_maker"], ImageCounts(**known["images"])
        )
    except DamagedFileError as exc:
        why = f"it {exc.why}" if exc.path == path else f"{exc}"
    except (KeyError, TypeError, ValidationError):
        why = f"{mark_of(marks, file)} does not stand for it"
    else:
        return result
    say(f"note: {path} is damaged ({why}); making it again")
    with storage_errors(path):
        path.unlink()
    return None


def mark_of(marks: Path, file: str) -> Path:
    return marks / f"{Path(file).name}.json"
