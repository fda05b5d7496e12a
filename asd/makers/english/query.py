"""A question and its answer as the sentence patterns see them, and how their words are put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Query(NamedTuple):
    """A question as the patterns see it."""

    words: tuple[str, ...]
    """Lower case, for matching."""
    shown: tuple[str, ...]
    """The same words as written."""
    answer: str
    """As given, surrounding blanks and a final full stop removed."""
    low: str
    """The answer in lower case."""


def join_words(*parts: str | Sequence[str]) -> str:
    return " ".join(part if isinstance(part, str) else " ".join(part) for part in parts if part)
