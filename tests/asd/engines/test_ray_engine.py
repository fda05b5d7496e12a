"""The Ray engine on a real cluster of two nodes: the same version, byte for byte, also when workers are killed."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.conversion.config import ConvertConfig
from asd.conversion.convert import convert
from asd.engines.base import WorkerLostError
from asd.engines.ray import cluster as ray_cluster
from asd.engines.ray import tasks as ray_tasks
from asd.engines.ray.cluster import ClusterError
from asd.errors import SourceError, UsageError
from tests.asd.cli_runner import run_asd
from tests.asd.engines.ray_nodes import HAS_RAY, Killer, Told, assert_same, processes
from tests.asd.robustness.conversions import settings, write_source
from tests.conftest import REPO


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed here")
def test_without_ray_one_message(tmp_path: Path) -> None:
    write_source(tmp_path)
    with pytest.raises(UsageError, match=r"needs Ray, which is not installed\. Run: pip install 'asd-mcit\[ray\]'"):
        asd.convert(**settings(tmp_path, engine="ray"))
    assert not (tmp_path / "data").exists()


def test_options_that_do_not_go_together(tmp_path: Path) -> None:
    source = write_source(tmp_path)

    def told(*options: object) -> str:
        outcome = run_asd("convert", "--task", "vqav2", "--source", source, "--out", tmp_path / "data", *options)
        assert outcome.code == 2
        return outcome.err

    assert "needs --engine ray" in told("--ray-address", "auto")
    assert "--engine spark: give 'local' or 'ray', not spark" in told("--engine", "spark")
    assert "--engine ray hands the work out itself" in told("--engine", "ray", "--shard-index", 0, "--num-shards", 2)
    assert not (tmp_path / "data").exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source, templates of the user's own, and the version made by one process in `whole`."""
    folder = tmp_path_factory.mktemp("ray")
    write_source(folder)
    shutil.copytree(REPO / "templates", folder / "templates")
    for path in (folder / "templates").rglob("*.jinja"):
        path.write_text(path.read_text() + "{# one's own #}")
    asd.convert(**settings(folder, out=folder / "whole", template_dir=folder / "templates"))
    return folder


def on_ray(whole: Path, folder: Path, **other: Any) -> tuple[Path, list[str]]:
    """The dataset directory, and what was told."""
    given = settings(whole, out=folder / "data", template_dir=whole / "templates", engine="ray", **other)
    told = Told()
    convert(ConvertConfig(**{**given, "source": str(given["source"])}), told)
    return folder / "data", told.lines


def workers_at_work() -> list[int]:
    """Ray's worker processes that have a work item in hand."""
    return processes("ray::asd_item")


@pytest.mark.ray
@pytest.mark.skipif(not HAS_RAY, reason="needs Ray: pip install -e '.[ray]'")
class TestUnreachable:
    def convert(self, whole: Path, tmp_path: Path, address: str) -> Any:
        return run_asd("convert", "--task", "vqav2", "--source", whole / "source.jsonl", "--out", tmp_path / "data",
                       "--engine", "ray", "--ray-address", address)  # fmt: skip

    def test_nobody_there(self, whole: Path, tmp_path: Path) -> None:
        outcome = self.convert(whole, tmp_path, "127.0.0.1:1")
        assert outcome.code == 1
        assert (
            "error: no Ray cluster at 127.0.0.1:1 (Connection refused). Start it with `ray start --head`" in outcome.err
        )

    def test_somebody_else_is_there(self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ray_cluster, "_ANSWER_S", 3.0)
        with socket.create_server(("127.0.0.1", 0)) as server:
            outcome = self.convert(whole, tmp_path, f"127.0.0.1:{server.getsockname()[1]}")
        assert outcome.code == 1
        assert "gave no answer for 3 s; is it a Ray cluster?" in outcome.err
        assert not (tmp_path / "data").exists()

    def test_addresses_that_are_none(self, whole: Path, tmp_path: Path) -> None:
        assert "is neither HOST:PORT nor auto" in self.convert(whole, tmp_path, "gpu01").err
        assert "Ray's client protocol is not used here" in self.convert(whole, tmp_path, "ray://gpu01:10001").err


@pytest.mark.ray
@pytest.mark.usefixtures("connected")
class TestCluster:
    def test_same_bytes(self, whole: Path, tmp_path: Path) -> None:
        root, told = on_ray(whole, tmp_path)
        assert_same(root, whole / "whole")
        assert told[0].startswith("working on 2 Ray nodes with 2 CPUs")

    def test_a_killed_worker_costs_its_own_block(self, whole: Path, tmp_path: Path) -> None:
        with Killer(workers_at_work, 1) as killer:
            root, _ = on_ray(whole, tmp_path)
        assert len(killer.killed) == 1
        assert_same(root, whole / "whole")

    def test_workers_that_always_die_are_one_message_and_the_next_run_goes_on(
        self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(ray_tasks, "MAX_TRIES", 2)
            with (
                Killer(workers_at_work, 50) as killer,
                pytest.raises(WorkerLostError, match=r"was to make .* died 2 times .* run the same command again"),
            ):
                on_ray(whole, tmp_path)
        assert len(killer.killed) >= 2
        root, _ = on_ray(whole, tmp_path)
        assert_same(root, whole / "whole")

    def test_bad_data_is_told_as_it_is_without_another_try(self, whole: Path, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"image .* cannot be read at .* Give the folder of the images"):
            on_ray(whole, tmp_path, embed_images=True, image_root=whole)

    def test_blocks_that_no_node_has_memory_for(self) -> None:
        with pytest.raises(
            ClusterError, match=r"no node of the Ray cluster has the memory for a block: about 5,000 MB"
        ):
            ray_cluster.require_memory(5_000_000_000)

    def test_folders_that_a_node_does_not_see(
        self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Said before anything is read. The nodes of this cluster see all of this machine, so one answers wrongly."""
        monkeypatch.setattr(ray_cluster, "_missing", lambda paths: paths[:1])
        with pytest.raises(
            UsageError, match=r"node .* does not see the output folder .* file system that all nodes share"
        ):
            on_ray(whole, tmp_path)
        assert not (tmp_path / "data").exists()
        monkeypatch.setattr(ray_cluster, "_missing", lambda paths: paths[1:])
        with pytest.raises(UsageError, match=r"node .* does not see .*/templates\. Put it on a file system"):
            on_ray(whole, tmp_path)

    def test_an_address_beside_the_one_connected_to(self, whole: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="this program is connected to Ray already; leave it out"):
            on_ray(whole, tmp_path, ray_address="127.0.0.1:1")

    def test_nodes_with_other_code(self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ray_cluster, "code_fingerprint", lambda: "0" * 64)
        with pytest.raises(ClusterError, match="has another version of this package, so its bytes could differ"):
            on_ray(whole, tmp_path)
        assert not (tmp_path / "data").exists()
