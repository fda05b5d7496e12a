"""How many requests one server gets at once: raised while that brings more replies, lowered when the server is busy.

Busy answers (429, 503, a timeout) beyond a stray few take one off each, at once: a server which takes 40 of 100 is
down at 40 after 60 refusals. The rest is judged per window of as many outcomes as the limit allows at once: requests
that wait in the server's own queue lower the limit by half their number; more at once that brought no more replies per
second is taken back; otherwise it grows, at first by doubling, later by 5 %.
"""

from __future__ import annotations

from dataclasses import dataclass

_START = 64
_MIN_WINDOW = 8
_BUSY_SHARE, _STRAY = 0.15, 3
"""Of a window's outcomes. Fewer busy answers come from servers with room, too; at the limit there are soon more, as
refusals come quicker than replies."""
_GAIN = 0.25
"""Replies per second must grow by this share of the growth of the limit, or the growth was useless."""
_HOLD_WINDOWS = 10


@dataclass(slots=True)
class _Mark:
    """A limit and the replies per second that it brought."""

    limit: float
    rate: float


class Throttle:
    """The limit of one server."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(min(most, _START))
        self.queued = 0
        """Requests waiting inside the server, as it last reported."""
        self._doubling = True
        self._hold = 0
        self._mark: _Mark | None = None
        self._doubted = False
        self._outcomes = self._replies = self._busy = self._full = 0
        self._reply_s = self._changed_at = 0.0

    def begin_again(self) -> None:
        """After an outage: the server that comes back is empty and maybe another one."""
        self.limit = float(min(self.most, _START))
        self._doubling, self._hold, self._mark, self.queued = True, 0, None, 0
        self._begin_window()

    def observe(self, now: float, reply_s: float | None, *, busy: bool, full: bool) -> None:
        """One outcome. reply_s: how long a reply took, None if none came. `full`: the limit was reached while it was
        under way, so a higher one would have been used."""
        self._outcomes += 1
        # A reply to what was sent before the last change of the limit tells nothing of the new one.
        if reply_s is not None and (self._doubling or now - reply_s >= self._changed_at):
            self._replies += 1
            self._reply_s += reply_s
        self._full += full
        self._busy += busy
        if busy and self._busy > max(_STRAY, _BUSY_SHARE * self._outcomes):
            self.limit = max(1.0, self.limit - 1.0)
            self._doubling = False
        if self._outcomes >= max(self.limit, _MIN_WINDOW):
            before = self.limit
            self._judge()
            self._changed_at = now if self.limit != before else self._changed_at
            self._begin_window()

    def _begin_window(self) -> None:
        self._outcomes = self._replies = self._busy = self._full = 0
        self._reply_s = 0.0

    def _judge(self) -> None:
        if self._busy > max(_STRAY, _BUSY_SHARE * self._outcomes):
            self._mark = None
        elif self.queued > 0.1 * self.limit + 1:
            self._lower(self.limit - 0.5 * self.queued)
        elif self._full >= 0.5 * self._outcomes and self._replies >= 0.5 * self._outcomes:
            # Little's law; replies counted per second would lag behind a change of the limit.
            self._raise_if_it_pays(self.limit * self._replies / self._reply_s)

    def _lower(self, limit: float) -> None:
        self.limit = max(1.0, limit)
        self._doubling, self._mark = False, None

    def _raise_if_it_pays(self, rate: float) -> None:
        if self._hold > 0:
            self._hold -= 1
            return
        mark = self._mark
        if mark is not None and self.limit >= 1.2 * mark.limit:
            if rate < mark.rate * (1 + _GAIN * (self.limit / mark.limit - 1)):
                self._take_back(mark)
                return
            self._mark = mark = None
        self._doubted = False
        if mark is None:
            self._mark = _Mark(self.limit, rate)
        growth = self.limit if self._doubling else max(1.0, 0.05 * self.limit)
        self.limit = min(float(self.most), self.limit + growth)

    def _take_back(self, mark: _Mark) -> None:
        """One slow window may be chance: only the second in a row counts."""
        if not self._doubted:
            self._doubted = True
            return
        self.limit, self._doubling, self._doubted = mark.limit, False, False
        self._mark, self._hold = None, _HOLD_WINDOWS
