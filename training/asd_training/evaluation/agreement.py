"""How often two read-outs call the same forgotten answers superficial: the lenient reader and constrained decoding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Agreement:
    """Numbers of questions whose fact is right for both, for one alone, for neither."""

    both: int
    reader_only: int
    constrained_only: int
    neither: int

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, bool]]) -> Agreement:
        """pairs: (right for the reader, right under the constraint) of every question."""
        table = Counter((bool(reader), bool(constrained)) for reader, constrained in pairs)
        return cls(table[True, True], table[True, False], table[False, True], table[False, False])

    @property
    def total(self) -> int:
        return self.both + self.reader_only + self.constrained_only + self.neither

    @property
    def agree(self) -> float:
        """Share of questions on which both say the same."""
        return (self.both + self.neither) / self.total

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa = (agree - chance) / (1 - chance); None where chance alone gives full agreement."""
        reader = (self.both + self.reader_only) / self.total
        constrained = (self.both + self.constrained_only) / self.total
        chance = reader * constrained + (1 - reader) * (1 - constrained)
        return None if chance == 1.0 else (self.agree - chance) / (1 - chance)

    def to_json(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("both", "reader_only", "constrained_only", "neither")}
        return {**counts, "agree": self.agree, "kappa": self.kappa}
