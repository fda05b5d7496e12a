"""The staging folder of a conversion that several parts work on: who takes part, who is at work, what they agreed on.

```
.staging/<id>/parts/
  conversion.json    number of parts, settings and identity; written once, by the first part
  0003.json          part 3 has begun; how far it is
  0003.lock          held by part 3 while it is at work
  setup.lock         held by whoever prepares the folder and reads the source
```

Everything that parts leave for each other is flushed to disk before it gets its name.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from asd.errors import ShardError, UsageError
from asd.shards.files import storage_errors, write_text
from asd.shards.locks import is_held
from asd.work.done_mark import DamagedFileError, read_mark, write_mark

_FOLDER, _CONVERSION = "parts", "conversion.json"
DONE = "done"
"""State of a part that has done its share."""
_PATIENCE_S = 2.0
"""For a lock that somebody else may be looking at for a moment."""


@dataclass(frozen=True)
class Part:
    """One of `count` parts of a conversion; it takes every native shard whose place modulo `count` is `index`."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UsageError(f"--num-shards {self.count}: at least 1.")
        if not 0 <= self.index < self.count:
            raise UsageError(
                f"--shard-index {self.index}: with --num-shards {self.count} the parts are 0 to {self.count - 1} "
                f"(Slurm: --array=0-{self.count - 1})."
            )

    def __str__(self) -> str:
        return f"part {self.index} of {self.count}"


@dataclass(frozen=True)
class PartRecord:
    """What a part left of itself."""

    index: int
    host: str
    state: str
    at_work: bool


class SharedStaging:
    """See the module docstring."""

    def __init__(self, staging: Path) -> None:
        self.folder = staging / _FOLDER

    @property
    def is_begun(self) -> bool:
        return (self.folder / _CONVERSION).is_file()

    def begin(self, count: int, settings: dict[str, Any], identity: dict[str, Any]) -> None:
        """Write down what all parts share; the caller holds `setup_lock`."""
        write_mark(self.folder / _CONVERSION, {}, {"count": count, "settings": settings, "identity": identity})

    def conversion(self) -> dict[str, Any]:
        """Raises: ShardError if it cannot be read."""
        try:
            _, content = read_mark(self.folder / _CONVERSION)
        except DamagedFileError as exc:
            raise ShardError(
                f"{exc}. Run `asd convert` with the parts' settings instead of `asd merge`: it goes on from what they left."
            ) from exc
        return content

    def summary(self) -> dict[str, Any]:
        """What is kept of the parts beside a committed version; {} if there are none, or nothing can be said of them."""
        try:
            agreed = self.conversion() if self.is_begun else {}
        except ShardError:
            return {}
        return {"parts": {"count": agreed["count"], "publish": agreed["settings"].get("publish")}} if agreed else {}

    @property
    def count(self) -> int:
        return int(self.conversion()["count"])

    def are_all_done(self) -> bool:
        """Whether each part ended well, so that nothing was cut short, and a merge need not read all that they wrote."""
        return self.is_begun and [record.state for record in self.records()] == [DONE] * self.count

    @contextlib.contextmanager
    def setup_lock(self) -> Iterator[None]:
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "setup.lock")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def is_in_setup(self) -> bool:
        return is_held(self.folder / "setup.lock")

    @contextlib.contextmanager
    def at_work(self, part: Part) -> Iterator[None]:
        """Marks the part as at work, in this process alone. Raises: UsageError if another process has it."""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / f"{part.index:04d}.lock", timeout=_PATIENCE_S)
            try:
                lock.acquire()
            except Timeout:
                where = next((f" on {record.host}" for record in self.records() if record.index == part.index), "")
                raise UsageError(
                    f"{part} is at work already{where}. Give every part an index of its own (--shard-index)."
                ) from None
        try:
            yield
        finally:
            lock.release()

    def is_at_work(self, index: int) -> bool:
        return is_held(self.folder / f"{index:04d}.lock")

    def note(self, part: Part, state: str) -> None:
        content = {"index": part.index, "host": socket.gethostname(), "pid": os.getpid(), "state": state}
        write_text(self.folder / f"{part.index:04d}.json", json.dumps(content) + "\n")

    def records(self) -> list[PartRecord]:
        """The parts that have begun, by index."""
        records = []
        for path in sorted(self.folder.glob("[0-9]*.json")):
            with contextlib.suppress(OSError, ValueError, KeyError):  # a part that has died on the way here
                content = json.loads(path.read_text("utf-8"))
                index = int(content["index"])
                records.append(PartRecord(index, content["host"], content["state"], self.is_at_work(index)))
        return records


def words(indices: list[int]) -> str:
    """ "part 3", "parts 1, 5, 6"."""
    return f"part{'s' if len(indices) > 1 else ''} {', '.join(map(str, indices))}"
