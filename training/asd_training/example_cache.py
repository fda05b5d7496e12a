"""Encoded rows kept in memory up to a limit: a row is tokenised and its image preprocessed once, not every epoch."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from asd_training.encoding import Encoded


class ExampleCache:
    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.size_bytes = 0
        self._kept: dict[Hashable, Encoded] = {}

    def get(self, key: Hashable, make: Callable[[], Encoded]) -> Encoded:
        """The row under `key`, made if it is not there, kept if there is room."""
        example = self._kept.get(key)
        if example is None:
            example = make()
            if self.size_bytes + example.size_bytes <= self.limit_bytes:
                self._kept[key] = example
                self.size_bytes += example.size_bytes
        return example
