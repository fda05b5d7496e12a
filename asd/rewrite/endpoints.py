"""Several servers that share the load: each request goes where there is most room; a dead server is taken out, probed
and taken back in; a server that answers nothing but 429 is left alone for a while. Nothing is dropped for any of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from asd.errors import BudgetError, RewriterError, ServerError
from asd.rewrite.backoff import Pace
from asd.rewrite.budget import Budget
from asd.rewrite.faults import BUSY, LOST, Fault, Refused
from asd.rewrite.openai_client import ChatClient, Reply
from asd.rewrite.stats import RunStats
from asd.rewrite.throttle import Throttle

Notify = Callable[[str], None]


@dataclass(slots=True)
class Endpoint:
    """One server and what is known of its health. Times are of `time.monotonic`."""

    client: ChatClient
    throttle: Throttle
    in_flight: int = 0
    out: bool = False
    paused_until: float = 0.0
    lost_in_row: int = 0
    busy_in_row: int = 0
    busy_since: float | None = None
    breaker_openings: int = 0
    reports_queue: bool = False
    told_to_wait: float | None = None
    """When it first asked for more time than an outage may last, with no reply since."""

    def has_room(self, now: float) -> bool:
        return not self.out and now >= self.paused_until and self.in_flight + 1 <= max(1.0, self.throttle.limit)

    @property
    def load(self) -> float:
        return self.in_flight / self.throttle.limit


@dataclass(slots=True, frozen=True)
class Slot:
    """The right to send one request to one server."""

    endpoint: Endpoint
    tokens: tuple[int, int]
    sent_at: float


@dataclass(slots=True)
class _Waiter:
    tokens: tuple[int, int]
    slot: asyncio.Future[Slot]


@dataclass(slots=True)
class Fleet:
    """Hands out slots, first come first served."""

    endpoints: Sequence[Endpoint]
    max_in_flight: int
    outage_s: float
    pace: Pace
    budget: Budget
    stats: RunStats
    notify: Notify
    in_flight: int = 0
    """Slots that are held: requests under way, and answers that are not stored yet."""
    stopped: RewriterError | None = None
    _waiters: deque[_Waiter] = field(default_factory=deque)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _timers: set[asyncio.TimerHandle] = field(default_factory=set)
    _outage: asyncio.TimerHandle | None = None
    _end: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def slot(self, tokens: tuple[int, int]) -> AsyncIterator[Slot]:
        """One of `max_in_flight`, until the block ends; `release` gives the server's room back before that.

        tokens: most that the request can use, (prompt, reply). Raises: what the run stopped for.
        """
        slot = await self._acquire(tokens)
        try:
            yield slot
        finally:
            self.in_flight -= 1
            self._dispatch()

    async def _acquire(self, tokens: tuple[int, int]) -> Slot:
        if self.stopped is not None:
            raise self.stopped
        waiter = _Waiter(tokens, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._dispatch()
        try:
            return await waiter.slot
        except asyncio.CancelledError:
            if waiter.slot.done() and not waiter.slot.cancelled() and waiter.slot.exception() is None:
                self.in_flight -= 1
                self._give_back(waiter.slot.result())
            raise

    def release(self, slot: Slot, outcome: Reply | Fault | None) -> None:
        """The server has room again. outcome: None if the request was given up or refused for what it is."""
        endpoint, now = slot.endpoint, time.monotonic()
        self._give_back(slot)
        if isinstance(outcome, Reply):
            self._note_reply(endpoint)
        elif outcome is not None and outcome.reason in LOST:
            self._note_lost(endpoint, outcome)
        elif outcome is not None and outcome.reason == "http_429":
            self._note_busy(endpoint, outcome, now)
        busy = isinstance(outcome, Fault) and (outcome.reason in BUSY or outcome.reason == "timeout")
        full = bool(self._waiters) or endpoint.in_flight + 2 > endpoint.throttle.limit
        reply_s = now - slot.sent_at if isinstance(outcome, Reply) else None
        endpoint.throttle.observe(now, reply_s, busy=busy, full=full)
        self._dispatch()

    async def rest_after(self, endpoint: Endpoint, failures: int, fault: Fault) -> None:
        """Sleep before a failed request is sent again, but not into the end of the run."""
        await self._rest(self.pace.wait_s(failures, self._bounded(endpoint, fault.retry_after_s)))

    def _bounded(self, endpoint: Endpoint, asked_s: float | None) -> float | None:
        """A Retry-After beyond `outage_s` is a server that is not there: waited for as long as for one, and said."""
        if asked_s is None or asked_s <= self.outage_s:
            return asked_s
        now = time.monotonic()
        if endpoint.told_to_wait is None:
            endpoint.told_to_wait = now
            self.notify(
                f"{endpoint.client.base_url} asks to be left alone for {asked_s:,.0f} s (Retry-After); it is asked again "
                f"after {self.outage_s:g} s (--max-outage)"
            )
        elif now - endpoint.told_to_wait >= self.outage_s and all(e.out or e.told_to_wait for e in self.endpoints):
            self.stop(
                ServerError(
                    f"{endpoint.client.base_url} still asks to be left alone for {asked_s:,.0f} s (Retry-After), after "
                    f"{self.outage_s:g} s (--max-outage). Every reply that came is in the cache; run again later to go on "
                    "from there, or raise --max-outage"
                )
            )
        return self.outage_s

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._end.wait(), seconds)

    def stop(self, error: RewriterError) -> None:
        """No request is sent from now on; those in flight go on."""
        if self.stopped is None:
            self.stopped = error
            self._end.set()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.slot.done():
                waiter.slot.set_exception(self.stopped)

    def watch_queues(self) -> None:
        """Ask the servers that report it how many requests wait inside them."""
        for endpoint in self.endpoints:
            if endpoint.reports_queue:
                self._run(self._watch_queue(endpoint))

    async def close(self) -> None:
        self.stop(ServerError("the rewriter is closed"))
        for timer in self._timers | ({self._outage} if self._outage else set()):
            timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(endpoint.client.close() for endpoint in self.endpoints))

    def _dispatch(self) -> None:
        now = time.monotonic()
        while self._waiters:
            waiter = self._waiters[0]
            if waiter.slot.done():
                self._waiters.popleft()
                continue
            endpoint = self._roomiest(now)
            if endpoint is None or not self._affords(waiter):
                return
            self._waiters.popleft()
            waiter.slot.set_result(self._take(endpoint, waiter.tokens, now))

    def _roomiest(self, now: float) -> Endpoint | None:
        if self.in_flight >= self.max_in_flight:
            return None
        return min((e for e in self.endpoints if e.has_room(now)), key=lambda e: e.load, default=None)

    def _affords(self, waiter: _Waiter) -> bool:
        """A request that does not fit beside those in flight waits for them: most need less than they might."""
        limit = self.budget.shortage(*waiter.tokens)
        if limit is None:
            return True
        if self.in_flight == 0:
            self.stop(BudgetError(self.budget.describe_spending(limit)))
        return False

    def _take(self, endpoint: Endpoint, tokens: tuple[int, int], now: float) -> Slot:
        endpoint.in_flight += 1
        self.in_flight += 1
        self.stats.in_flight_high = max(self.stats.in_flight_high, self.in_flight)
        self.budget.reserve(*tokens)
        return Slot(endpoint, tokens, now)

    def _give_back(self, slot: Slot) -> None:
        slot.endpoint.in_flight -= 1
        self.budget.release(*slot.tokens)

    def _note_reply(self, endpoint: Endpoint) -> None:
        if endpoint.breaker_openings:
            self.notify(f"{endpoint.client.base_url} answers again")
        endpoint.lost_in_row = endpoint.busy_in_row = endpoint.breaker_openings = 0
        endpoint.busy_since = endpoint.told_to_wait = None

    def _note_busy(self, endpoint: Endpoint, fault: Fault, now: float) -> None:
        """Among replies a 429 concerns its own request; several in a row concern the server."""
        endpoint.busy_in_row += 1
        endpoint.busy_since = endpoint.busy_since or now
        if now < endpoint.paused_until or endpoint.busy_in_row < 2:
            return
        pause = self.pace.wait_s(min(endpoint.busy_in_row, 8), self._bounded(endpoint, fault.retry_after_s))
        if now - endpoint.busy_since >= self.pace.breaker_after_s:
            pause = max(pause, self.pace.breaker_s(endpoint.breaker_openings))
            endpoint.breaker_openings += 1
            self.stats.breaker_openings += 1
            self.notify(f"{endpoint.client.base_url} answers nothing but 429; it is left alone for {pause:.0f} s")
            endpoint.throttle.limit = 1.0
        endpoint.paused_until = now + pause
        self._call_later(pause, self._dispatch)

    def _note_lost(self, endpoint: Endpoint, fault: Fault) -> None:
        endpoint.lost_in_row += 1
        if endpoint.out or (fault.reason != "connect" and endpoint.lost_in_row < self.pace.lost_in_row):
            return
        endpoint.out = True
        self.stats.outages += 1
        self.notify(f"{endpoint.client.base_url} is out ({fault}); looking for it")
        self._run(self._revive(endpoint))
        if self._outage is None and all(e.out for e in self.endpoints):
            self._outage = asyncio.get_running_loop().call_later(self.outage_s, self._give_up)

    def _give_up(self) -> None:
        names = ", ".join(endpoint.client.base_url for endpoint in self.endpoints)
        self.stop(
            ServerError(
                f"no server answers since {self.outage_s:g} s (outage_s): {names}. Every reply that came is in the "
                "cache; start the server and run again to go on from there"
            )
        )

    async def _revive(self, endpoint: Endpoint) -> None:
        tries = 0
        while not await _is_alive(endpoint.client):
            await asyncio.sleep(min(self.pace.probe_most_s, self.pace.probe_first_s * 2.0 ** min(tries, 16)))
            tries += 1
        endpoint.out, endpoint.lost_in_row = False, 0
        endpoint.throttle.begin_again()
        if self._outage is not None:
            self._outage.cancel()
            self._outage = None
        self.notify(f"{endpoint.client.base_url} is back")
        self._dispatch()

    async def _watch_queue(self, endpoint: Endpoint) -> None:
        while True:
            await asyncio.sleep(self.pace.metrics_s)
            if endpoint.out or not endpoint.in_flight:
                continue
            try:
                endpoint.throttle.queued = waiting_requests(await endpoint.client.metrics())
            except Fault:
                endpoint.throttle.queued = 0
            except (Refused, RewriterError):
                return

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        def fire() -> None:
            self._timers.discard(timer)
            call()

        timer = asyncio.get_running_loop().call_later(seconds, fire)
        self._timers.add(timer)


async def _is_alive(client: ChatClient) -> bool:
    """Any whole answer below 500 will do: not every server lists its models."""
    try:
        await client.models()
    except Fault as fault:
        return fault.reason in ("not_json", "http_404", "http_405", "http_429")
    except (Refused, RewriterError):
        return True
    return True


def waiting_requests(metrics: str) -> int:
    """vllm:num_requests_waiting, summed over engines; 0 where it is not reported."""
    lines = (line for line in metrics.splitlines() if line.startswith("vllm:num_requests_waiting{"))
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)
