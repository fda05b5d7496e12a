"""Answers that stand where there is none: "<no answer>", "n/a", "--". No style says anything with them."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from asd.lazy_regex import regex

_WORDS = (
    r"no[ _-]?answers?|not[ _-]?available|not[ _-]?applicable|not[ _-]?given|not[ _-]?found|n\.?/?a\.?|unanswerable|unknown|"
    r"none|null|nan|nil|empty|blank|missing|unk|tbd|todo|undefined"
)
_MARKED = regex(rf"[<\[({{]+ ?(?:{_WORDS}) ?[>\])}}]+", re.IGNORECASE)
_BARE = regex(
    r"(?:n/a|n\.a\.?|no[ _]answers?|not[ _]available|not[ _]applicable|null|nan|undefined|tbd)", re.IGNORECASE
)
_MARKS = regex(r"[-–—_?.*#\s]+")


@lru_cache(maxsize=1 << 16)
def _is_usual(answer: str) -> bool:
    return any(pattern.fullmatch(answer) for pattern in (_MARKED, _BARE, _MARKS))


def is_placeholder(answer: str, named: Collection[str] = ()) -> bool:
    """Whether an answer is a usual placeholder, or one that the task names (in any case, with or without a full stop)."""
    plain = " ".join(answer.split())
    return _is_usual(plain) or (bool(named) and plain.rstrip(".").casefold() in folded(tuple(named)))


@lru_cache(maxsize=64)
def folded(named: tuple[str, ...]) -> frozenset[str]:
    return frozenset(" ".join(text.split()).rstrip(".").casefold() for text in named)
