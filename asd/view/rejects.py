"""The source rows of a version that are no samples, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from asd.errors import ShardError
from asd.plain_files import require_regular


def read_rejects(path: Path, reason: str, offset: int, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Rejects of a reason ("" for all) from the `offset`th on, and whether they are the last. Raises: ShardError."""
    try:
        require_regular(path)
        entries = list(islice(_matching(path, reason), offset, offset + limit + 1))
    except FileNotFoundError:
        return [], True
    except (OSError, ValueError) as exc:
        raise ShardError(f"{path} cannot be read ({exc}). Run `asd verify` on the dataset.") from exc
    return entries[:limit], len(entries) <= limit


def _matching(path: Path, reason: str) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            reject = json.loads(line)
            if isinstance(reject, dict) and reason in ("", reject.get("reason")):
                yield reject
