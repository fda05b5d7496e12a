"""How a part waits for what other parts are to leave in the staging folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from asd.engines.shared_staging import SharedStaging, words
from asd.work.done_mark import is_as_left

_POLL_S = 0.2


class UnfinishedError(Exception):
    """Other parts' files are missing, and nobody is at work on some of them."""

    def __init__(self, parts: list[int]) -> None:
        super().__init__(parts)
        self.parts = parts


def wait_for_files(
    owners: Mapping[Path, int], shared: SharedStaging, wait_s: float, say: Callable[[str], None]
) -> None:
    """Wait for files of parts that are at work as long as they are, and for those of others `wait_s` seconds.

    owners: file -> the part that makes it. Raises: UnfinishedError.
    """
    end, said, left = time.monotonic() + wait_s, "", dict(owners)
    while True:
        # First who is at work, then what is there: a part that ends in between has left its files.
        idle = {index for index in set(owners.values()) if not shared.is_at_work(index)}
        left = {path: owner for path, owner in left.items() if not is_as_left(path)}
        missing = sorted(set(left.values()))
        if not missing:
            return
        if idle.intersection(missing) and time.monotonic() >= end:
            raise UnfinishedError(missing)
        if said != (said := words(missing)):
            say(f"waiting for the drafts of {said}")
        time.sleep(_POLL_S)
