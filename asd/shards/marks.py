"""What readers think of single rows: good or bad, and why. Kept beside the version, never in it: `marks/<version>.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asd.errors import ShardError, UsageError
from asd.plain_files import require_regular
from asd.shards.files import write_text
from asd.shards.store import MARKS, Store

GOOD, BAD = "good", "bad"
MOST_LETTERS = 2000
"""Of a reason."""


@dataclass(frozen=True, slots=True)
class Mark:
    """value: "good" or "bad". why: a reader's words, may be empty. at: ISO time in UTC."""

    value: str
    why: str = ""
    at: str = ""


def marks_path(store: Store, version: str) -> Path:
    """Where a version's marks are kept, whether there are any or not."""
    return store.root / MARKS / f"{version}.json"


def read_marks(store: Store, version: str) -> dict[str, Mark]:
    """Row id -> mark. Raises: ShardError for a file that cannot be read."""
    path = marks_path(store, version)
    try:
        require_regular(path)
        held = json.loads(path.read_text("utf-8"))
        return {str(name): _mark(entry) for name, entry in held["marks"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise ShardError(
            f"{path} cannot be read ({type(exc).__name__}: {exc}). Mend it or move it away: it holds marks of readers and "
            "nothing else; the version itself is not harmed."
        ) from exc


def _mark(entry: Mapping[str, Any]) -> Mark:
    mark = Mark(entry["mark"], str(entry.get("why") or ""), str(entry.get("at") or ""))
    if mark.value not in (GOOD, BAD):
        raise ValueError(f"mark {mark.value!r} is neither {GOOD!r} nor {BAD!r}")
    return mark


def set_mark(store: Store, version: str, sample_id: str, value: str | None, why: str = "") -> Mark | None:
    """Mark a row, or take its mark away (None); other readers' marks are read anew first. Returns the mark.

    Raises: UsageError for another value or too long a reason; ShardError, StorageError.
    """
    if value not in (GOOD, BAD, None):
        raise UsageError(f"mark {value!r}: give {GOOD!r} or {BAD!r}, or null to take it away.")
    if len(why) > MOST_LETTERS:
        raise UsageError(f"a reason of {len(why):,} letters: give at most {MOST_LETTERS:,}.")
    mark = None if value is None else Mark(value, why.strip(), datetime.now(UTC).isoformat(timespec="seconds"))
    with store.lock(f"marks-{version}"):
        marks = read_marks(store, version)
        if mark is None:
            marks.pop(sample_id, None)
        else:
            marks[sample_id] = mark
        entries = {name: {"mark": mark.value, "why": mark.why, "at": mark.at} for name, mark in sorted(marks.items())}
        text = json.dumps({"version": version, "marks": entries}, indent=1, ensure_ascii=False)
        write_text(marks_path(store, version), text + "\n")
    return mark


def count_marks(marks: Mapping[str, Mark]) -> dict[str, int]:
    """Rows by mark."""
    return dict(sorted(Counter(mark.value for mark in marks.values()).items()))
