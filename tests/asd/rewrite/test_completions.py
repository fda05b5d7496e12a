"""Replies over real HTTP: every fault is survived, nothing is asked twice, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from asd.errors import BudgetError, CacheError, ServerError
from asd.rewrite.cache import Entry, RequestCache
from asd.rewrite.completions import open_completions
from asd.rewrite.request import Completion, Refusal, Sampling
from asd.rewrite.settings import RewriterSettings
from tests.asd.rewrite.transport_cases import QUICK, ask_all, names, request_about, settings_for, texts
from tests.servers.running import RunningServer
from tests.servers.scripted_faults import FAULTS
from tests.servers.server_process import REPO


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("server") / "answered.jsonl") as server:
        yield server


@pytest.fixture
def server(module_server: RunningServer) -> RunningServer:
    """Without faults and with an empty log."""
    module_server.control(rate=0.0, always=None, next=[], latency_s=0.0, limit=None, context=8192, retry_after="0.05")
    assert module_server.log is not None
    module_server.log.write_text("")
    return module_server


def run_all(settings: RewriterSettings, count: int, at_once: int = 64) -> tuple[dict[str, str], dict[str, object]]:
    async def run() -> tuple[dict[str, str], dict[str, object]]:
        async with open_completions(settings, pace=QUICK) as complete:
            return texts(await ask_all(complete, names(count), at_once)), complete.stats.as_dict()

    return asyncio.run(run())


def test_replies_come_and_a_second_run_asks_nothing(server: RunningServer, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, server)
    first, stats = run_all(settings, 200)
    assert (stats["requests"], stats["sends"], stats["cache_hits"]) == (200, 200, 0)
    assert stats["prompt_tokens"] and stats["completion_tokens"] and stats["cost"] is None
    second, again = run_all(settings, 200)
    assert first == second
    assert (again["requests"], again["sends"], again["cache_hits"]) == (200, 0, 200)
    assert set(server.answered().values()) == {1} and len(server.answered()) == 200


def test_one_per_cent_more_rows_cost_one_per_cent_more_requests(server: RunningServer, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, server)
    run_all(settings, 200)
    _, stats = run_all(settings, 202)
    assert stats["sends"] == 2


def test_identical_requests_in_flight_are_one(server: RunningServer, tmp_path: Path) -> None:
    server.control(latency_s=0.1)

    async def run() -> None:
        async with open_completions(settings_for(tmp_path, server), pace=QUICK) as complete:
            replies = await asyncio.gather(*(complete(request_about("red")) for _ in range(20)))
            assert len({reply.text for reply in replies if isinstance(reply, Completion)}) == 1
            assert (complete.stats.merged, complete.stats.sends) == (19, 1)

    asyncio.run(run())


def test_a_caller_that_leaves_takes_nobody_with_it(server: RunningServer, tmp_path: Path) -> None:
    server.control(latency_s=0.2)

    async def run() -> None:
        async with open_completions(settings_for(tmp_path, server), pace=QUICK) as complete:
            leaves, stays = (asyncio.create_task(complete(request_about("red"))) for _ in range(2))
            await asyncio.sleep(0.05)
            leaves.cancel()
            assert isinstance(await stays, Completion)
            assert complete.stats.sends == 1

    asyncio.run(run())


class HeldCache(RequestCache):
    """Stores nothing before `opens`, as a disk or a node that is slow."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.opens, self.held = asyncio.Event(), 0

    async def put(self, entry: Entry) -> Entry:
        self.held += 1
        await self.opens.wait()
        return await super().put(entry)


def test_what_is_not_stored_yet_counts_among_the_requests_at_once(server: RunningServer, tmp_path: Path) -> None:
    """Else a kill would lose more replies than `max_in_flight`."""

    async def run() -> None:
        settings = settings_for(tmp_path, server, max_in_flight=4)
        cache = HeldCache(settings.cache_path())
        async with open_completions(settings, pace=QUICK, cache=cache) as complete:
            asked = asyncio.create_task(ask_all(complete, names(12)))
            while cache.held < 4:
                await asyncio.sleep(0.01)
            for _ in range(100):
                await asyncio.sleep(0)  # whoever waits for room has his turn
            assert (complete.stats.sends, cache.held) == (4, 4)
            cache.opens.set()
            assert len(texts(await asked)) == 12
            assert complete.stats.in_flight_high == 4

    asyncio.run(run())


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_survived(server: RunningServer, tmp_path: Path, fault: str) -> None:
    settings = settings_for(tmp_path, server, timeout_s=0.4)

    async def run() -> None:
        async with open_completions(settings, pace=QUICK) as complete:
            good = texts(await ask_all(complete, names(3)))
            server.control(next=[fault, fault])
            reply = await complete(request_about("blue"))
            assert isinstance(reply, Completion) and reply.finish_reason == "stop" and json.loads(reply.text)
            assert sum(complete.stats.retries.values()) == 2, complete.stats.retries
            reason = {"drip": "timeout"}.get(fault, fault)
            assert set(complete.stats.retries) == {reason}
            assert len(good) == 3

    asyncio.run(run())


def test_mixed_faults_change_no_reply(server: RunningServer, tmp_path: Path) -> None:
    clean, _ = run_all(settings_for(tmp_path / "clean", server), 400)
    assert server.log is not None
    server.log.write_text("")
    server.control(rate=0.3, seed=5, faults=[fault for fault in FAULTS if fault not in ("timeout", "drip")])
    rough, stats = run_all(settings_for(tmp_path / "rough", server), 400)
    assert rough == clean
    retries = stats["retries"]
    assert isinstance(retries, dict) and sum(retries.values()) > 60 and len(retries) == len(FAULTS) - 2
    assert set(server.answered().values()) == {1} and len(server.answered()) == 400


def test_same_cut_reply_twice_is_the_models_last_word(server: RunningServer, tmp_path: Path) -> None:
    """The fault cuts elsewhere at each of five tries, then as at the first: never twice the same in a row."""

    async def run() -> None:
        async with open_completions(settings_for(tmp_path, server), pace=QUICK) as complete:
            server.control(always="length")
            reply = await complete(request_about("blue"))
            assert isinstance(reply, Completion) and reply.finish_reason == "length"
            assert complete.stats.sends == 5 and complete.stats.retries == {"length": 4}

    asyncio.run(run())


def test_request_that_always_fails_is_refused_and_asked_again_next_time(server: RunningServer, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, server)

    async def run() -> Completion | Refusal:
        async with open_completions(settings, pace=QUICK) as complete:
            server.control(next=["http_500"] * QUICK.tries)
            return await complete(request_about("blue"))

    reply = asyncio.run(run())
    assert isinstance(reply, Refusal) and reply.reason == "server_fault" and "20 tries" in reply.detail
    replies, _ = asyncio.run(ask_once(settings, "blue"))
    assert isinstance(replies, Completion)


@pytest.mark.parametrize("fault", ["http_500", "reset", "not_json"])
def test_server_that_fails_every_request_stops_the_run_and_refuses_none(
    server: RunningServer, tmp_path: Path, fault: str
) -> None:
    settings = settings_for(tmp_path, server, max_failures=None)

    async def run() -> list[object]:
        async with open_completions(settings, pace=QUICK) as complete:
            server.control(always=fault)
            asked = [complete(request_about(name)) for name in names(8)]
            return list(await asyncio.gather(*asked, return_exceptions=True))

    stopped = asyncio.run(run())
    assert all(isinstance(one, ServerError) for one in stopped), stopped
    assert "fail every request" in str(stopped[0])
    with closing(sqlite3.connect(settings.cache_path())) as cache:
        assert cache.execute("SELECT count(*) FROM replies").fetchone() == (0,)


async def ask_once(settings: RewriterSettings, answer: str) -> tuple[Completion | Refusal, dict[str, object]]:
    async with open_completions(settings, pace=QUICK) as complete:
        return await complete(request_about(answer)), complete.stats.as_dict()


def test_request_longer_than_the_context_is_refused(server: RunningServer, tmp_path: Path) -> None:
    async def run() -> Completion | Refusal:
        async with open_completions(settings_for(tmp_path, server), pace=QUICK) as complete:
            assert complete.context == 8192
            return await complete(request_about("x" * 40_000))

    reply = asyncio.run(run())
    assert isinstance(reply, Refusal) and reply.reason == "context_too_long" and "8192" in reply.detail


def test_server_killed_and_started_again(tmp_path: Path) -> None:
    said: list[str] = []

    async def run(server: RunningServer) -> dict[str, str]:
        settings = settings_for(tmp_path, server, max_failures=5)
        async with open_completions(settings, said.append, pace=QUICK) as complete:
            asked = asyncio.create_task(ask_all(complete, names(400)))
            await asyncio.sleep(0.3)
            server.kill()
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.start)
            replies = texts(await asked)
            assert complete.stats.outages == 1
            return replies

    with RunningServer(tmp_path / "answered.jsonl", latency_s=0.05) as server:
        assert len(asyncio.run(run(server))) == 400
    assert any("is out" in line for line in said) and any("is back" in line for line in said)


def test_servers_share_the_load_and_a_dead_one_is_taken_out_and_back_in(tmp_path: Path) -> None:
    async def run(one: RunningServer, other: RunningServer) -> None:
        async with open_completions(settings_for(tmp_path, one, other), pace=QUICK) as complete:
            await ask_all(complete, names(200))
            assert all(80 <= server.told()["counts"]["ok"] - 2 <= 120 for server in (one, other))
            one.kill()
            await ask_all(complete, [f"late {name}" for name in names(200)])
            assert complete.stats.outages == 1
            await asyncio.to_thread(one.start)
            await asyncio.sleep(0.4)
            await ask_all(complete, [f"later {name}" for name in names(200)])
            assert one.told()["counts"]["ok"] > 50

    with RunningServer(latency_s=0.02) as one, RunningServer(latency_s=0.02) as other:
        asyncio.run(run(one, other))


def test_machine_that_is_gone_without_a_word_is_out(server: RunningServer, tmp_path: Path) -> None:
    """Nothing refuses the connection: the other end does not answer at all."""
    with RunningServer() as other, socket.socket() as silent:

        async def run() -> None:
            settings = settings_for(tmp_path, server, other, timeout_s=2.0)
            async with open_completions(settings, pace=QUICK) as complete:
                other.kill()
                silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                silent.bind(("127.0.0.1", other.port))
                silent.listen(0)
                callers = [socket.socket() for _ in range(4)]
                for caller in callers:  # the queue of the socket is full: the next one waits in vain
                    caller.setblocking(False)
                    caller.connect_ex(("127.0.0.1", other.port))
                assert len(texts(await ask_all(complete, names(40)))) == 40
                assert complete.stats.outages == 1 and "connect" in complete.stats.retries
                for caller in callers:
                    caller.close()

        asyncio.run(run())


def test_no_server_for_too_long_stops_the_run_and_keeps_what_came(tmp_path: Path) -> None:
    async def run(server: RunningServer) -> None:
        settings = settings_for(tmp_path, server, outage_s=0.5)
        async with open_completions(settings, pace=QUICK) as complete:
            await ask_all(complete, names(50))
            server.kill()
            with pytest.raises(ServerError, match=r"no server answers since 0\.5 s .*run again to go on"):
                await complete(request_about("blue"))
            assert len(await ask_all(complete, names(50))) == 50

    with RunningServer() as server:
        asyncio.run(run(server))


def test_minutes_of_429_open_the_breaker_and_drop_nothing(server: RunningServer, tmp_path: Path) -> None:
    said: list[str] = []

    async def run() -> None:
        settings = settings_for(tmp_path, server, max_failures=0)
        async with open_completions(settings, said.append, pace=QUICK) as complete:
            server.control(always="http_429")
            asked = asyncio.create_task(ask_all(complete, names(40)))
            await asyncio.sleep(1.5)
            before = server.told()["counts"]["http_429"]
            await asyncio.sleep(0.5)
            assert server.told()["counts"]["http_429"] - before < 40
            server.control(always=None)
            assert len(texts(await asked)) == 40
            assert complete.stats.breaker_openings >= 1

    asyncio.run(run())
    assert any("nothing but 429" in line for line in said) and any("answers again" in line for line in said)


def test_retry_after_is_waited_for(server: RunningServer, tmp_path: Path) -> None:
    async def run() -> float:
        async with open_completions(settings_for(tmp_path, server), pace=QUICK) as complete:
            server.control(next=["http_429"], retry_after="0.7")
            start = time.monotonic()
            await complete(request_about("blue"))
            return time.monotonic() - start

    assert 0.7 <= asyncio.run(run()) < 2.0


def test_number_in_flight_adapts_to_what_the_server_takes(tmp_path: Path) -> None:
    """A server of its own: refusals come in another rhythm from one that has answered many tests."""

    async def run(server: RunningServer) -> None:
        async with open_completions(settings_for(tmp_path, server), pace=QUICK) as complete:
            await ask_all(complete, names(400), at_once=200)
            before = server.told()["counts"]
            await ask_all(complete, [f"more {name}" for name in names(400)], at_once=200)
            after = server.told()["counts"]
            assert after["over_limit"] - before["over_limit"] < 150

    with RunningServer() as server:
        server.control(limit=12, latency_s=0.05, retry_after="0.05")  # long beside what a busy machine adds
        asyncio.run(run(server))


def test_more_than_a_hundred_at_once(tmp_path: Path) -> None:
    """aiohttp's own default is 100 connections."""
    with RunningServer(latency_s=1.0, slots=500) as server:
        _, stats = run_all(settings_for(tmp_path, server, timeout_s=30.0), 320, at_once=220)
        assert stats["sends"] == 320 and server.told()["peak"] > 110


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_tokens_total": 3000}, r"stopped at the budget, max_tokens_total 3,000: used [\d,]+ prompt"),
        (
            {"max_cost": 0.003, "price_in": 1.0, "price_out": 1.0},
            r"stopped at the budget, max_cost 0.003: .*cost 0\.00",
        ),
    ],
)
def test_budget_is_kept_and_the_run_goes_on_from_there(
    server: RunningServer, tmp_path: Path, limits: dict[str, float], message: str
) -> None:
    settings = settings_for(tmp_path, server, **limits)

    async def run() -> int:
        async with open_completions(settings, pace=QUICK) as complete:
            try:
                await ask_all(complete, names(400))
            finally:
                used = complete.stats.prompt_tokens + complete.stats.completion_tokens
                assert 2000 < used <= 3000

        return used

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(run())
    assert caught.group_contains(BudgetError, match=message)
    done = len(server.answered())
    assert done > 10
    _, stats = run_all(settings_for(tmp_path, server), 400)
    assert stats["cache_hits"] == done and set(server.answered().values()) == {1}


def test_replies_in_flight_when_the_run_stops_are_kept(server: RunningServer, tmp_path: Path) -> None:
    server.control(latency_s=0.3)

    async def run() -> None:
        settings = settings_for(tmp_path, server, max_failures=0)
        async with open_completions(settings, pace=QUICK) as complete:
            server.control(next=["http_500"])
            await ask_all(complete, names(9))

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(run())
    assert caught.group_contains(BudgetError, match="stopped after 1 failed requests")
    assert len(server.answered()) == 8
    _, stats = run_all(settings_for(tmp_path, server), 9)
    assert (stats["cache_hits"], stats["sends"]) == (8, 1)


def test_nothing_more_is_asked_once_replies_cannot_be_stored(server: RunningServer, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, server, max_in_flight=4)

    async def run() -> tuple[list[object], int]:
        async with open_completions(settings, pace=QUICK) as complete:
            with closing(sqlite3.connect(settings.cache_path(), isolation_level=None)) as other:
                other.execute(
                    "CREATE TRIGGER full BEFORE INSERT ON replies BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
                )
            asked = [complete(request_about(name)) for name in names(80)]
            return list(await asyncio.gather(*asked, return_exceptions=True)), complete.stats.sends

    outcomes, sends = asyncio.run(run())
    assert all(isinstance(one, CacheError) and "disk is full" in str(one) for one in outcomes), outcomes
    assert sends < 20


def test_too_many_failures_stop_the_run(server: RunningServer, tmp_path: Path) -> None:
    async def run() -> None:
        async with open_completions(settings_for(tmp_path, server, max_failures=7), pace=QUICK) as complete:
            server.control(always="not_json")
            await ask_all(complete, names(40), at_once=4)

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(run())
    pattern = r"stopped after 8 failed requests \(max_failures 7\): .*not_json.*--max-failures"
    assert caught.group_contains(BudgetError, match=pattern)


def test_cache_alone_answers_without_any_server(server: RunningServer, tmp_path: Path) -> None:
    first, _ = run_all(settings_for(tmp_path, server), 30)
    alone = settings_for(tmp_path, kind="cache")
    assert run_all(alone, 30)[0] == first
    with pytest.raises(ExceptionGroup) as caught:
        run_all(alone, 31)
    assert caught.group_contains(CacheError, match=r"reply to a request of rewrite/yes_no/vqa@0123456789ab .* missing")


def test_cache_of_another_model_is_named(server: RunningServer, tmp_path: Path) -> None:
    run_all(settings_for(tmp_path, server), 3)
    with pytest.raises(CacheError, match=r"no replies of other@; it holds: scripted@"):
        run_all(settings_for(tmp_path, kind="cache", model="other"), 3)


def test_sampling_model_and_revision_are_part_of_the_key() -> None:
    request = request_about("red")
    keys = {request.key("m", ""), request.key("n", ""), request.key("m", "2")}
    keys.add(request_about("red", sampling=Sampling(temperature=0.5)).key("m", ""))
    assert len(keys) == 4


CLIENT = """
import asyncio, sys
from pathlib import Path
from asd.rewrite.completions import open_completions
from tests.asd.rewrite.transport_cases import QUICK, ask_all, names, settings_for
from tests.servers.running import RunningServer

async def run():
    server = RunningServer()
    server.port = int(sys.argv[1])
    async with open_completions(settings_for(Path(sys.argv[2]), server), pace=QUICK) as complete:
        print("ready", flush=True)
        await ask_all(complete, names(int(sys.argv[3])), at_once=16)
        print("sends", complete.stats.sends, flush=True)

asyncio.run(run())
"""


def test_killed_client_asks_again_only_what_was_in_flight(server: RunningServer, tmp_path: Path) -> None:
    server.control(latency_s=0.02)
    command = [sys.executable, "-c", CLIENT, str(server.port), str(tmp_path), "300"]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    for wanted in (60, 150):
        with subprocess.Popen(command, env=environment, cwd=REPO, stdout=subprocess.PIPE, text=True) as process:
            while len(server.answered()) < wanted:
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
    done = subprocess.run(command, env=environment, cwd=REPO, capture_output=True, text=True, check=True)
    sends = int(done.stdout.split()[-1])
    answered = server.answered()
    assert len(answered) == 300 and 0 < sends <= 300 - 150 + 16
    assert answered.total() - 300 <= 2 * 16
