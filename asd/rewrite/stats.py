"""What a run asked, got, repeated and paid."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class RunStats:
    """Counts of one run. `requests` = `cache_hits` + `merged` + requests that went to a server."""

    requests: int = 0
    cache_hits: int = 0
    merged: int = 0
    """Identical to a request in flight: asked once, answered together."""
    sends: int = 0
    """HTTP requests, with every try of each."""
    replies: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    """By reason: `http_429`, `timeout`, `reset`, `half_body`, `not_json`, `length` ..."""
    refusals: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uncounted_replies: int = 0
    """Replies of servers that report no usage; their tokens are estimated from the lengths."""
    in_flight_high: int = 0
    outages: int = 0
    breaker_openings: int = 0
    price_in: float | None = None
    price_out: float | None = None

    @property
    def cost(self) -> float | None:
        """In the currency of the prices; None without prices."""
        if self.price_in is None or self.price_out is None:
            return None
        return (self.prompt_tokens * self.price_in + self.completion_tokens * self.price_out) / 1e6

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; `retries` and `refusals` sorted by reason."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        counted = {"retries": dict(sorted(self.retries.items())), "refusals": dict(sorted(self.refusals.items()))}
        return {**numbers, **counted, "cost": self.cost}

    def add(self, other: dict[str, Any]) -> None:
        """Add the counts of an earlier run (`as_dict`) of the same job."""
        for name in _NUMBERS:
            mine, theirs = getattr(self, name), int(other.get(name, 0))
            setattr(self, name, max(mine, theirs) if name == "in_flight_high" else mine + theirs)
        self.retries.update(other.get("retries", {}))
        self.refusals.update(other.get("refusals", {}))


_NUMBERS = (
    "requests cache_hits merged sends replies prompt_tokens completion_tokens uncounted_replies in_flight_high "
    "outages breaker_openings"
).split()
