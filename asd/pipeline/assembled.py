"""What is known of finished shards, beside them in the staging folder: whoever commits need not read them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from asd.pipeline.checked_json import read_checked_json, write_checked_json
from asd.pipeline.work import ShardResult
from asd.shards.files import storage_errors
from asd.shards.manifest import FileEntry


class Assembled:
    """One small file per finished shard. A shard gets its name when it is whole and never changes afterwards."""

    def __init__(self, folder: Path, shards_dir: Path, say: Callable[[str], None], *, durable: bool) -> None:
        self._folder, self._shards_dir, self._say, self._durable = folder, shards_dir, say, durable

    def record(self, result: ShardResult) -> None:
        content = {"entry": result.entry.model_dump(), "by_style": result.by_style, "by_maker": result.by_maker}
        write_checked_json(self._path(result.entry.path), content, durable=self._durable)

    def find(self, file: str) -> ShardResult | None:
        """None where the shard is missing or was never recorded; also if it has another size, and then it is deleted."""
        try:
            content = read_checked_json(self._path(file))
            result = ShardResult(FileEntry(**content["entry"]), content["by_style"], content["by_maker"])
            found = (self._shards_dir / file).stat().st_size
        except (OSError, ValueError, KeyError, TypeError, ValidationError):
            return None
        if result.entry.path != file:
            return None
        if (expected := result.entry.size_bytes) != found:
            path = self._shards_dir / file
            self._say(f"note: {path} is damaged (it has {found} bytes, expected {expected}); making it again")
            with storage_errors(path):
                path.unlink()
            return None
        return result

    def _path(self, file: str) -> Path:
        return self._folder / f"{Path(file).name}.json"
