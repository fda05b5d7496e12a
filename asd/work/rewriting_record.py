"""Records of asking the model: for each row, for the version, and for the whole making with all its runs.

What stands in rows and manifest is a function of the replies alone. How often a request was repeated, or found in the
cache, differs between two makings of the same version; such counts stand in the version's ref, beside its date.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from asd.rewrite.request import Complete, Completion, CompletionRequest, Refusal
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.stats import RunStats
from asd.schemas.styles import MODEL_MAKERS
from asd.shards.files import open_arrow, write_bytes
from asd.shards.manifest import RewriterEntry

DIGEST_LENGTH = 16
LEDGER = "rewriting"
"""Folder of the staging folder: counts of each run of this making."""
_SAVE_EVERY_S = 2.0


class Reply(NamedTuple):
    """One reply that a row's outcome depends on."""

    key: str
    text_sha256: str
    prompt_tokens: int
    completion_tokens: int


_replies: ContextVar[list[Reply]] = ContextVar("replies of the row that this task works on")


class RecordingComplete:
    """A `Complete` that notes each reply for the row on whose behalf it was asked."""

    def __init__(self, complete: Complete, settings: RewriterSettings) -> None:
        self._complete = complete
        self._model, self._revision = settings.model_name, settings.model_revision

    async def __call__(self, request: CompletionRequest) -> Completion | Refusal:
        reply = await self._complete(request)
        if isinstance(reply, Completion):
            text, used = reply.text, (reply.prompt_tokens, reply.completion_tokens)
        else:
            text, used = f"refused: {reply.reason}", (0, 0)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        _replies.get().append(Reply(request.key(self._model, self._revision), digest, *used))
        return reply


def begin_recording(replies: Iterable[Reply] = ()) -> list[Reply]:
    """The list that takes the replies asked for from here on, in this task and those it starts."""
    noted = list(replies)
    _replies.set(noted)
    return noted


def share_of(total: int, turn: int, count: int) -> int:
    """The share of one of `count` rows; all shares sum to `total`."""
    return total // count + (turn < total % count)


def with_tokens(replies: list[Reply], prompt_tokens: int, completion_tokens: int) -> list[Reply]:
    """The same replies, with so many tokens in all."""
    bare = [reply._replace(prompt_tokens=0, completion_tokens=0) for reply in replies]
    if bare:
        bare[0] = bare[0]._replace(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
    return bare


@dataclass
class RowRecord:
    """Becomes the column `rewrite` of a row."""

    replies: list[Reply]
    declined: list[str] = field(default_factory=list)

    def as_struct(
        self, model: tuple[str, str], template: str | None, attempts: int, judge: str | None
    ) -> dict[str, Any]:
        """As `asd.columns.REWRITE`. model: name and revision."""
        texts = "".join(reply.text_sha256 for reply in self.replies)
        return {
            "model": model[0],
            "revision": model[1],
            "template": template,
            "attempts": attempts,
            "judge": judge,
            "prompt_tokens": sum(reply.prompt_tokens for reply in self.replies),
            "completion_tokens": sum(reply.completion_tokens for reply in self.replies),
            "requests": [reply.key for reply in self.replies],
            "replies": hashlib.sha256(texts.encode()).hexdigest()[:DIGEST_LENGTH],
            "declined": self.declined,
        }


def describe_version(paths: Iterable[Path], identity: dict[str, Any]) -> RewriterEntry:
    """Sum up for the manifest what the rewriter did, read back from the finished shards (in order)."""
    digest, judged, declined = hashlib.sha256(), Counter[str](), Counter[str]()
    sums: Counter[str] = Counter()
    for path in paths:
        reader = open_arrow(path)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number).select(["id", "maker", "rewrite"])
            asked = batch.filter(pc.is_valid(batch["rewrite"]))
            _add_batch(asked, digest, sums, judged, declined)
    settings = identity["settings"]
    return RewriterEntry(
        model=settings["model"],
        revision=settings["revision"],
        settings=settings,
        templates=identity["templates"],
        code=identity["code"],
        images=identity.get("images"),
        asked=sums["asked"],
        written=sums["written"],
        replies=sums["replies"],
        attempts=sums["attempts"],
        prompt_tokens=sums["prompt_tokens"],
        completion_tokens=sums["completion_tokens"],
        declined=dict(sorted(declined.items())),
        judged=dict(sorted(judged.items())),
        digest=digest.hexdigest(),
    )


def _add_batch(
    rows: pa.RecordBatch, digest: Any, sums: Counter[str], judged: Counter[str], declined: Counter[str]
) -> None:
    records = rows["rewrite"].to_pylist()
    for sample_id, maker, record in zip(rows["id"].to_pylist(), rows["maker"].to_pylist(), records, strict=True):
        digest.update(f"{sample_id}\0{','.join(record['requests'])}\0{record['replies']}\n".encode())
        sums["asked"] += bool(record["requests"])
        sums["written"] += maker in MODEL_MAKERS
        sums["replies"] += len(record["requests"])
        for name in ("attempts", "prompt_tokens", "completion_tokens"):
            sums[name] += record[name]
        if record["judge"] is not None:
            judged[record["judge"]] += 1
        declined.update(record["declined"])


class Ledger:
    """Counts of the making in the staging folder, one file per run: a killed run's stay, up to the last seconds."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"run-{time.time_ns()}-{os.getpid()}.json"
        self._saved, self._last = b"", 0.0

    def save(self, stats: RunStats, extra: dict[str, int], *, now: bool = False) -> None:
        """At most every few seconds, unless `now`."""
        if not now and time.monotonic() - self._last < _SAVE_EVERY_S:
            return
        self._last = time.monotonic()
        data = json.dumps({**stats.as_dict(), "rejected_replies": dict(sorted(extra.items()))}).encode()
        if data != self._saved:
            write_bytes(self._path, data, durable=False)
            self._saved = data

    @classmethod
    def total(cls, folder: Path, settings: RewriterSettings | None = None) -> dict[str, Any]:
        """Sums over all runs of this making; `cost` at the prices given now, null without prices."""
        prices = (None, None) if settings is None else (settings.price_in, settings.price_out)
        stats = RunStats(price_in=prices[0], price_out=prices[1])
        rejected: Counter[str] = Counter()
        runs = 0
        for path in sorted(folder.glob("run-*.json")):
            with suppress(OSError, ValueError):  # cut off by a crash of the machine
                counts = json.loads(path.read_bytes())
                stats.add(counts)
                rejected.update(counts.get("rejected_replies", {}))
                runs += 1
        return {"runs": runs, **stats.as_dict(), "rejected_replies": dict(sorted(rejected.items()))}
