"""How long to wait before a request is sent again, and how long a server is left alone.

Not one of the retry libraries: a request gives its slot back while it waits, may be answered by another server, and
its tries are counted by kind (a busy server costs none), all of which a decorator around one call cannot see.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Pace:
    """Waits, in seconds. The defaults suit real servers; tests shorten them."""

    first_s: float = 0.25
    most_s: float = 20.0
    tries: int = 20
    """Of one request, for faults that are its own; a busy or lost server costs none."""
    doubtful_tries: int = 5
    """Of a request whose replies are cut or of the wrong shape."""
    breaker_after_s: float = 60.0
    """Of nothing but 429: then the server is left alone, longer each time."""
    breaker_first_s: float = 30.0
    breaker_most_s: float = 300.0
    probe_first_s: float = 0.25
    probe_most_s: float = 5.0
    lost_in_row: int = 3
    """Lost connections without a reply between them that take a server out."""
    metrics_s: float = 1.0
    drain_s: float = 5.0
    """How long replies in flight are waited for when the run is interrupted."""

    def wait_s(self, failures: int, retry_after_s: float | None = None) -> float:
        """Full jitter over an exponential; not before Retry-After, and spread behind it.

        Timing only: nothing in the output depends on it, so the generator needs no seed.
        """
        spread = random.uniform(0.0, min(self.most_s, self.first_s * 2.0 ** min(failures, 16)))
        return spread if retry_after_s is None else retry_after_s + min(spread, 0.1 * retry_after_s + self.first_s)

    def breaker_s(self, openings: int) -> float:
        return float(min(self.breaker_most_s, self.breaker_first_s * 2.0 ** min(openings, 16)))
