"""Whether a judge can be trusted: answers with known points, of every kind that has fooled a judge before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import orjson

from asd.judging.items import Item
from asd.judging.judge import JudgedAnswers
from asd.schemas.task import Family
from asd.scoring.rule import Reference

_FILE = Path(__file__).with_name("sanity.json")
_FAMILY: Family = "vqa"


@dataclass(frozen=True, slots=True)
class SanityItem:
    """`family`: whose prompt asks about it."""

    kind: str
    family: str
    item: Item


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of answer. `mean`: of the verdicts that can be read, None if none can."""

    kind: str
    low: float
    high: float
    count: int
    unreadable: int
    mean: float | None

    @property
    def is_sane(self) -> bool:
        return self.unreadable == 0 and self.mean is not None and self.low <= self.mean <= self.high


@lru_cache(maxsize=1)
def sanity_set() -> tuple[dict[str, tuple[float, float]], list[SanityItem]]:
    """Kind -> band of its mean points, and the items."""
    content = orjson.loads(_FILE.read_bytes())
    bands = {kind: (float(low), float(high)) for kind, (low, high) in content["expect"].items()}
    items = [
        SanityItem(
            record["kind"],
            record.get("family", _FAMILY),
            Item(f"sanity-{number}", record["question"], Reference(record["reference"]), record["answer"]),
        )
        for number, record in enumerate(content["items"], start=1)
    ]
    return bands, items


def findings(judged: JudgedAnswers) -> list[Finding]:
    """judged: of all sanity items, in their order."""
    bands, items = sanity_set()
    points: dict[str, list[float | None]] = defaultdict(list)
    for entry, verdict in zip(items, judged.judged, strict=True):
        points[entry.kind].append(verdict.points)
    return [_finding(kind, *band, points[kind]) for kind, band in bands.items()]


def _finding(kind: str, low: float, high: float, points: list[float | None]) -> Finding:
    known = [value for value in points if value is not None]
    mean = sum(known) / len(known) if known else None
    return Finding(kind, low, high, len(points), len(points) - len(known), mean)
