"""The number of requests in flight, against simulated servers whose capacity is known."""

from __future__ import annotations

import heapq
import random

import pytest

from asd.rewrite.backoff import Pace
from asd.rewrite.throttle import Throttle


def simulate(
    throttle: Throttle,
    *,
    seconds: float,
    slots: int,
    latency_s: float,
    refuse_over: int | None = None,
    stray: float = 0.0,
) -> int:
    """Replies of a server that works on `slots` requests at once and queues the rest, or refuses them; a share of
    `stray` is refused for no reason."""
    jitter = random.Random(3)
    now, replies, working = 0.0, 0, 0
    events: list[tuple[float, int, bool, float]] = []
    free = [0.0] * slots
    while now < seconds:
        while working + 1 <= throttle.limit:
            working += 1
            refused = jitter.random() < stray or (refuse_over is not None and working > refuse_over)
            start = now if refused else max(now, heapq.heappop(free))
            end = now + 0.005 if refused else start + latency_s * jitter.uniform(0.6, 1.4)
            if not refused:
                heapq.heappush(free, end)
            heapq.heappush(events, (end, len(events), refused, end - now))
        now, _, refused, took = heapq.heappop(events)
        working -= 1
        replies += not refused
        throttle.observe(now, None if refused else took, busy=refused, full=True)
    return replies


def test_grows_to_what_is_allowed_where_every_slot_pays() -> None:
    throttle = Throttle(256)
    simulate(throttle, seconds=5, slots=1000, latency_s=0.2)
    assert throttle.limit == 256


def test_stays_near_the_number_of_slots_of_a_server_that_queues() -> None:
    throttle = Throttle(4096)
    simulate(throttle, seconds=60, slots=100, latency_s=0.2)
    assert 64 <= throttle.limit <= 400


@pytest.mark.parametrize("capacity", [4, 40, 200])
def test_settles_below_what_a_server_refuses(capacity: int) -> None:
    throttle = Throttle(1024)
    replies = simulate(throttle, seconds=60, slots=2000, latency_s=0.1, refuse_over=capacity)
    assert 0.5 * capacity <= throttle.limit <= 1.5 * capacity + 8
    assert replies > 0.8 * 60 / 0.1 * capacity


@pytest.mark.parametrize("stray", [0.01, 0.09])
def test_stray_busy_answers_hardly_slow_it_down(stray: float) -> None:
    throttle = Throttle(128)
    replies = simulate(throttle, seconds=60, slots=1000, latency_s=0.2, stray=stray)
    assert throttle.limit > 100 and replies > 0.7 * 60 / 0.2 * 128


def test_queue_in_the_server_lowers_the_limit() -> None:
    throttle = Throttle(256)
    throttle.queued = 20
    for _ in range(70):
        throttle.observe(1.0, 0.1, busy=False, full=True)
    assert throttle.limit == 54


def test_never_below_one_and_from_the_start_after_an_outage() -> None:
    throttle = Throttle(64)
    for _ in range(2000):
        throttle.observe(1.0, None, busy=True, full=True)
    assert throttle.limit == 1
    throttle.begin_again()
    assert throttle.limit == 64


def test_waits_grow_are_jittered_and_respect_retry_after() -> None:
    pace = Pace()
    waits = [pace.wait_s(3) for _ in range(200)]
    assert all(0 <= wait <= 2.0 for wait in waits) and max(waits) - min(waits) > 0.5
    assert max(pace.wait_s(50) for _ in range(200)) <= pace.most_s
    assert all(7 <= pace.wait_s(1, retry_after_s=7.0) <= 7.0 + 0.7 + pace.first_s for _ in range(200))
    assert [pace.breaker_s(count) for count in (0, 1, 2, 9)] == [30, 60, 120, 300]
