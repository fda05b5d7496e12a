"""A model asked from a real Ray cluster: the version that one machine makes, also when workers die or have to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from asd.conversion.config import ConvertConfig
from asd.conversion.convert import Conversion, convert
from asd.engines.ray.cluster import ClusterError
from asd.engines.ray.placement import _in_turn, _parallel
from asd.engines.ray.rewriting import worker_settings
from asd.errors import BudgetError, CacheError, KeyRefusedError
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.stats import RunStats
from tests.asd.cli_runner import run_asd
from tests.asd.engines.ray_nodes import Told, processes
from tests.asd.robustness.conversions import assert_only_this_remains, contents
from tests.asd.sources_made import vqa_records, write_lines
from tests.servers.running import RunningServer

ROWS, AT_ONCE = 320, 8


class Scene:
    """A source, a server, and the version that this machine made with it in `local`."""

    def __init__(self, folder: Path, server: RunningServer) -> None:
        self.folder, self.server = folder, server
        self.source = write_lines(folder / "source.jsonl", vqa_records(ROWS))
        self.told = Told()
        self.local = self.convert(folder / "local", self.told, engine="local")

    def convert(self, folder: Path, told: Told | None = None, **other: Any) -> Conversion:
        """rewriter: settings beside those of the server; the cache is the folder's own if none is named."""
        own = {"kind": "openai", "model": "scripted", "base_urls": [self.server.base_url], "images": "never",
               "cache": folder / "cache.sqlite", "max_in_flight": AT_ONCE, **other.pop("rewriter", {})}  # fmt: skip
        given = {"task": "vqav2", "source": str(self.source), "out": folder / "data", "ratio": 0.5, "shard_rows": 40}
        return convert(ConvertConfig(**{**given, "engine": "ray", **other, "rewriter": own}), told)

    def assert_same(self, done: Conversion) -> None:
        assert done.version == self.local.version
        mine, local = (contents(one.path / "versions" / one.version) for one in (done, self.local))
        assert mine == local
        assert_only_this_remains(done.path)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")
    with RunningServer(log=folder / "log.jsonl", model="scripted", latency_s=0.02) as server:
        yield Scene(folder, server)


class Killer(threading.Thread):
    """Kills one process for each title, the first once there are more than `after` replies, the next after as many."""

    def __init__(self, server: RunningServer, after: int, *titles: str) -> None:
        super().__init__(daemon=True)
        self._server, self._after, self._titles = server, after, list(titles)
        self._is_over, self.killed = threading.Event(), list[int]()

    def run(self) -> None:
        while not self._is_over.is_set() and self._titles:
            time.sleep(0.01)
            replies = self._server.told()["counts"].get("ok", 0)
            found = processes(self._titles[0])
            if found and replies > self._after * (len(self.killed) + 1):
                os.kill(found[0], signal.SIGKILL)
                self.killed.append(found[0])
                del self._titles[0]

    def __enter__(self) -> Killer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.join()


@contextmanager
def one_busy_cpu() -> Iterator[None]:
    """Somebody else holds one of the two: a worker without room is not waited for."""
    import ray

    holder = ray.remote(num_cpus=1)(Told).remote()
    ray.get(holder.say.remote("here"))
    yield
    ray.kill(holder)


def assert_nobody_is_left(mine: list[int]) -> None:
    """Workers that asked the model, and servers of their own, are gone within 10 s."""
    titles = ("ray::ModelWorker", "ray::ReplyKeeper", f"{sys.executable} -m tests.servers.scripted_server --port ")
    for _ in range(100):
        left = [process for process in processes(*titles) if process not in mine]
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(f"still running: {left}")


@pytest.mark.ray
@pytest.mark.usefixtures("connected")
class TestAsking:
    def test_same_bytes_and_a_replay_that_asks_nothing_with_less_room(self, scene: Scene, tmp_path: Path) -> None:
        told = Told()
        done = scene.convert(tmp_path, told)
        scene.assert_same(done)
        assert (
            f"asking the model from 2 workers with 1 CPU each, up to {AT_ONCE} requests at once from each" in told.lines
        )
        making, local = done.making, scene.local.making
        assert making is not None and local is not None
        assert making["runs"] == 1
        assert making["requests"] == local["requests"] == making["cache_hits"] + making["merged"] + making["replies"]
        assert making["rejected_replies"] == local["rejected_replies"]

        before = scene.server.told()["counts"]
        replay = {"kind": "cache", "base_urls": [], "cache": tmp_path / "cache.sqlite"}
        with one_busy_cpu():
            again = scene.convert(tmp_path / "again", rewriter=replay)
        scene.assert_same(again)
        assert again.making is not None and again.making["sends"] == 0 < again.making["cache_hits"]
        assert scene.server.told()["counts"] == before

    def test_killed_processes_cost_what_was_in_flight(self, scene: Scene, tmp_path: Path) -> None:
        with RunningServer(log=tmp_path / "log.jsonl", model="scripted", latency_s=0.1) as server:
            told = Told()
            with Killer(server, 25, "ray::ModelWorker", "ray::ReplyKeeper") as killer:
                place = {"base_urls": [server.base_url]}
                done = scene.convert(tmp_path, told, ray_rewriters=1, rewriter=place)
            assert len(killer.killed) == 2
            scene.assert_same(done)
            twice = [count for count in server.answered().values() if count > 1]
            assert sum(twice) <= 2 * AT_ONCE
            assert told.rows == scene.told.rows  # none was counted twice

    def test_a_vllm_of_its_own_on_each_gpu_of_nodes_that_see_the_folder(self, scene: Scene, tmp_path: Path) -> None:
        told, before = Told(), processes(sys.executable)
        place = {"kind": "vllm", "base_urls": []}
        scene.assert_same(scene.convert(tmp_path, told, rewriter=place))
        assert any("asking the model from 2 workers with 1 CPU and 1 GPU each" in line for line in told.lines)
        logs = [line.split("log: ")[1].rstrip(")") for line in told.lines if "starting vLLM" in line]
        assert len(logs) == 2
        assert all("GPUs: 0" in Path(log).read_text() for log in logs)
        assert_nobody_is_left(before)


@pytest.mark.ray
@pytest.mark.usefixtures("connected")
class TestStops:
    def test_a_spent_budget_is_one_message_and_this_machine_can_go_on(self, scene: Scene, tmp_path: Path) -> None:
        with pytest.raises(BudgetError, match=r"stopped at the budget, max_tokens_total 6,000: .* among 2 pools"):
            scene.convert(tmp_path, rewriter={"max_tokens_total": 12_000})
        before = scene.server.told()["counts"]["ok"]
        done = scene.convert(tmp_path, engine="local")
        scene.assert_same(done)
        assert done.making is not None and done.making["runs"] == 2
        assert scene.server.told()["counts"]["ok"] - before < done.making["replies"]

    def test_a_key_that_a_node_does_not_have(
        self, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KEY_OF_THE_DRIVER", "a-key")
        with pytest.raises(KeyRefusedError, match=r"^\$KEY_OF_THE_DRIVER is not set, .* each node reads its own"):
            scene.convert(tmp_path, ray_rewriters=1, rewriter={"api_key_env": "KEY_OF_THE_DRIVER"})

    def test_a_reply_that_the_cache_does_not_hold(self, scene: Scene, tmp_path: Path) -> None:
        replay = {"kind": "cache", "base_urls": [], "cache": scene.folder / "local" / "cache.sqlite", "attempts": 2}
        with pytest.raises(CacheError, match=r"local/cache\.sqlite: the reply to a request of .* is missing"):
            scene.convert(tmp_path, seed=5, ray_rewriters=1, rewriter=replay)

    def test_more_than_the_cluster_has(self, scene: Scene, tmp_path: Path) -> None:
        with pytest.raises(ClusterError, match=r"--ray-rewriters 3: the Ray cluster has room for 2 with 1 CPU each"):
            scene.convert(tmp_path, ray_rewriters=3)
        with pytest.raises(ClusterError, match=r"no node of the Ray cluster has 1 CPU and 4 GPUs, as a rewriter needs"):
            scene.convert(tmp_path, ray_rewriter_gpus=4)


def test_options_that_need_ray_and_a_rewriter(tmp_path: Path) -> None:
    for option, value in (("--ray-rewriters", 2), ("--ray-rewriter-gpus", 1)):
        outcome = run_asd("convert", "--task", "vqav2", "--engine", "ray", "--out", tmp_path / "data", option, value)
        assert outcome.code == 2
        assert f"error: {option} needs --engine ray and a rewriter (--rewriter)" in outcome.err
    assert not (tmp_path / "data").exists()


def test_nodes_are_taken_in_turn() -> None:
    assert list(_in_turn({"a": 1, "b": 3, "c": 2})) == ["a", "b", "c", "b", "c", "b"]


def test_gpus_of_one_vllm() -> None:
    settings = RewriterSettings(kind="vllm", model="m", server_args={"tensor_parallel_size": 4, "dtype": "auto"})
    assert _parallel(settings) == 4
    assert _parallel(settings.model_copy(update={"server_args": {"pipeline_parallel_size": 2}})) == 2


class TestLimits:
    settings = RewriterSettings(
        kind="openai", model="m", base_urls=("http://a/v1",), max_tokens_total=1001, max_cost=3.0, price_in=10.0,
        price_out=20.0, max_failures=5, cache=Path("somewhere.sqlite"),
    )  # fmt: skip

    def test_shares_add_up(self) -> None:
        shares = [worker_settings(self.settings, turn, 3, []) for turn in range(3)]
        assert sum(one.max_tokens_total or 0 for one in shares) == 1001
        assert sum(one.max_failures or 0 for one in shares) == 5
        assert [one.max_cost for one in shares] == [1.0] * 3
        assert {one.cache for one in shares} == {None}

    def test_a_worker_that_takes_over_gets_what_is_left(self) -> None:
        used = RunStats(prompt_tokens=100, completion_tokens=20).as_dict()
        heir = worker_settings(self.settings, 0, 2, [used, used])
        assert heir.max_tokens_total == 501 - 240
        assert heir.max_cost == pytest.approx(1.5 - 2 * (100 * 10 + 20 * 20) / 1e6)
        spent = RunStats(prompt_tokens=10**6).as_dict()
        assert worker_settings(self.settings, 0, 2, [spent]).max_tokens_total == 0

    def test_limits_that_are_not_set_stay_so(self) -> None:
        plain = RewriterSettings(kind="cache", model="m", max_failures=None)
        assert worker_settings(plain, 0, 2, []) == plain
