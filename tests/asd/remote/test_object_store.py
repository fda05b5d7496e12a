"""Sources read from, and versions copied to, addresses: in memory, over HTTP, and in a folder."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import yaml

import asd
from asd.conversion.config import ConvertConfig
from asd.errors import SourceError, StorageError, UsageError
from asd.shards.store import Store
from tests.asd.cli_runner import run_asd
from tests.asd.robustness.conversions import contents, settings, write_source
from tests.conftest import REPO


@pytest.fixture(autouse=True)
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "spool"
    monkeypatch.setenv("ASD_SPOOL", str(folder))
    return folder


@pytest.fixture
def memory() -> Iterator[Any]:
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


def converted(folder: Path, source: str | Path, out: str, **other: Any) -> Any:
    given = settings(folder, out=folder / out, **other)
    return asd.convert(**{**given, "source": str(source)})


class TestSource:
    def test_the_version_is_that_of_the_local_file(self, tmp_path: Path, server: str) -> None:
        source = write_source(tmp_path, rows=60)
        local = converted(tmp_path, source, "local")
        remote = converted(tmp_path, f"{server}/source.jsonl", "remote")
        assert remote.version == local.version
        assert contents(remote.path / "latest") == contents(local.path / "latest")
        assert Store(remote.path).refs()["v1"]["source"] == f"{server}/source.jsonl"

    def test_a_folder_without_its_images(self, tmp_path: Path, memory: Any, spool: Path) -> None:
        source = write_source(tmp_path, rows=60)
        memory.pipe("/bucket/vqa/train.jsonl", source.read_bytes())
        memory.pipe("/bucket/vqa/images/1.jpg", b"pixels")
        done = converted(tmp_path, "memory://bucket/vqa", "remote")
        assert done.manifest.counts.samples == 60
        (copy,) = (path for path in spool.glob("*/vqa/**/*") if path.is_file())
        assert (copy.name, copy.read_bytes()) == ("train.jsonl", source.read_bytes())

    def test_copied_again_only_when_it_changed(self, tmp_path: Path, memory: Any, spool: Path) -> None:
        memory.pipe("/bucket/a.jsonl", write_source(tmp_path, rows=60).read_bytes())
        first = converted(tmp_path, "memory://bucket/a.jsonl", "data")
        (copy,) = spool.rglob("a.jsonl")
        before = copy.stat().st_mtime_ns
        assert converted(tmp_path, "memory://bucket/a.jsonl", "data").did_work is False
        assert copy.stat().st_mtime_ns == before
        memory.pipe("/bucket/a.jsonl", write_source(tmp_path, rows=61).read_bytes())
        assert converted(tmp_path, "memory://bucket/a.jsonl", "data").version != first.version

    def test_nothing_there(self, tmp_path: Path, server: str, memory: Any) -> None:
        for url in (f"{server}/none.jsonl", "memory://bucket/none.jsonl"):
            with pytest.raises(SourceError, match="there is no such file or folder"):
                converted(tmp_path, url, "data")
        assert not (tmp_path / "data").exists()

    def test_no_server(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:1/a\.jsonl(:| cannot be read)"):
            converted(tmp_path, "http://127.0.0.1:1/a.jsonl", "data")

    @pytest.mark.skipif(importlib.util.find_spec("s3fs") is not None, reason="s3fs is installed here")
    def test_a_protocol_without_its_package(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"s3://bucket/a\.jsonl: Install s3fs.* Run: pip install 'asd-mcit\[s3\]'"):
            converted(tmp_path, "s3://bucket/a.jsonl", "data")

    def test_a_hub_that_is_switched_off(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(
            UsageError, match=r"hf://datasets/me/a\.jsonl: the hub is switched off here \(HF_HUB_OFFLINE"
        ):
            converted(tmp_path, "hf://datasets/me/a.jsonl", "data")

    def test_a_hub_that_is_not_there(self, tmp_path: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "asd.cli.main",
            "convert",
            "--task",
            "vqav2",
            "--source",
            "hf://datasets/me/a/a.jsonl",
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPO),
            "HF_HUB_OFFLINE": "0",
            "HF_ENDPOINT": "http://127.0.0.1:1",
        }
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1
        told = r"error: hf://datasets/me/a/a\.jsonl cannot be read: .*refused.* Check the network and HF_ENDPOINT .*\n"
        assert re.fullmatch(told, done.stderr), done.stderr

    def test_changed_at_a_web_address(self, tmp_path: Path, server: str) -> None:
        write_source(tmp_path, rows=60)
        first = converted(tmp_path, f"{server}/source.jsonl", "data")
        path = write_source(tmp_path, rows=60, seed=1)
        os.utime(path, (1, 1))  # the server tells size and time, to the second
        assert converted(tmp_path, f"{server}/source.jsonl", "data").version != first.version

    def test_a_copy_that_was_cut_short_goes_on(self, tmp_path: Path, memory: Any, spool: Path) -> None:
        for number in range(3):
            memory.pipe(f"/bucket/vqa/{number}.jsonl", write_source(tmp_path, rows=60, seed=number).read_bytes())
        whole = converted(tmp_path, "memory://bucket/vqa", "data")
        (stamps,) = spool.rglob(".spooled.jsonl")
        lines = stamps.read_text().splitlines()
        stamps.write_text(f"{lines[0]}\n{lines[1][:20]}")  # as a killed process leaves it
        (stamps.parent / "vqa" / "2.jsonl").unlink()
        (stamps.parent / ".spooling.tmp").write_bytes(b"half")
        kept = (stamps.parent / "vqa" / "0.jsonl").stat().st_mtime_ns
        assert converted(tmp_path, "memory://bucket/vqa", "data").version == whole.version
        assert (stamps.parent / "vqa" / "0.jsonl").stat().st_mtime_ns == kept
        assert not (stamps.parent / ".spooling.tmp").exists()

    def test_no_such_protocol(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="Protocol not known: nowhere"):
            converted(tmp_path, "nowhere://bucket/a.jsonl", "data")


class TestPublish:
    def test_a_copy_is_a_dataset_and_latest_comes_last(
        self, tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[str] = []
        kind = type(memory)
        for method in ("put_file", "pipe_file"):
            monkeypatch.setattr(kind, method, _noting(getattr(kind, method), method, sent))
        source = write_source(tmp_path, rows=60)
        done = converted(tmp_path, source, "data", publish="memory://bucket/vqa")
        assert done.published == "memory://bucket/vqa@v1"
        names = [name.partition("vqa/")[2] for name in sent]
        manifest = names.index(f"versions/{done.version}/manifest.json")
        assert names[manifest + 1 :] == ["refs/v1.json", "README.md", "latest"]
        assert all(name.startswith(f"versions/{done.version}/") for name in names[:manifest])
        memory.get("/bucket/vqa/", str(tmp_path / "copy"), recursive=True)
        assert asd.verify(tmp_path / "copy").problems == []
        assert Store(tmp_path / "copy").latest() == done.version
        assert contents(tmp_path / "copy" / "versions" / done.version) == contents(done.path / "latest")
        assert str(tmp_path) not in (tmp_path / "copy/refs/v1.json").read_text()

    def test_again_sends_no_shard_and_keeps_the_number(self, tmp_path: Path, memory: Any) -> None:
        source = write_source(tmp_path, rows=60)
        first = converted(tmp_path, source, "data", publish="memory://bucket/vqa")
        (shard,) = memory.glob(f"/bucket/vqa/versions/{first.version}/data/*.arrow")
        before = memory.modified(shard)
        again = converted(tmp_path, source, "data", publish="memory://bucket/vqa")
        assert (again.did_work, again.published) == (False, first.published)
        assert memory.modified(shard) == before
        other = converted(tmp_path, source, "elsewhere", publish="memory://bucket/vqa", seed=1)
        assert (other.number, other.published) == ("v1", "memory://bucket/vqa@v2")
        assert memory.cat_file("/bucket/vqa/latest") == f"versions/{other.version}\n".encode()
        front = memory.cat_file("/bucket/vqa/README.md").decode().split("---\n")[1]
        configs = yaml.safe_load(front)["configs"]
        folders = {config["config_name"]: config["data_files"][0]["path"] for config in configs}
        assert {name: (path if isinstance(path, str) else path[0]).split("/")[1] for name, path in folders.items()} == {
            "default": other.version, "v1": first.version, "v2": other.version,
        }  # fmt: skip

    def test_a_name_there_stays_with_its_version(self, tmp_path: Path, memory: Any) -> None:
        source = write_source(tmp_path, rows=60)
        first = converted(tmp_path, source, "data", publish="memory://bucket/vqa", name="best")
        with pytest.raises(
            UsageError, match=rf"the name 'best' already points to version {first.version} at memory://"
        ):
            converted(tmp_path, source, "elsewhere", publish="memory://bucket/vqa", seed=1, name="best")
        assert memory.cat_file("/bucket/vqa/latest") == f"versions/{first.version}\n".encode()
        assert len(memory.ls("/bucket/vqa/versions")) == 1
        converted(tmp_path, source, "data", publish="memory://bucket/vqa", name="best")

    def test_a_readme_of_another_owner_stays(self, tmp_path: Path, memory: Any) -> None:
        memory.pipe_file("/project/README.md", b"mine")
        with pytest.raises(StorageError, match=r"memory://project is no dataset .*README.md of its own"):
            converted(tmp_path, write_source(tmp_path, rows=60), "data", publish="memory://project")
        assert memory.find("/project") == ["/project/README.md"]

    def test_a_place_that_refuses_leaves_the_local_version_whole(self, tmp_path: Path) -> None:
        source = write_source(tmp_path, rows=60)
        (tmp_path / "taken").write_text("a file")
        given = {"publish": f"file://{tmp_path}/taken/vqa"}
        with pytest.raises(StorageError, match=r"cannot be written \(the version is whole in .*run the same .*convert"):
            converted(tmp_path, source, "data", **given)
        (tmp_path / "taken").unlink()
        done = converted(tmp_path, source, "data", **given)
        assert done.did_work is False
        assert asd.verify(tmp_path / "taken" / "vqa").problems == []

    def test_addresses_in_the_wrong_place(self, tmp_path: Path) -> None:
        source = write_source(tmp_path, rows=60)
        outcome = run_asd("convert", "--task", "vqav2", "--source", source, "--out", "s3://bucket/vqa")
        assert outcome.code == 2
        assert (
            "--out s3://bucket/vqa: is a local folder, where the work is done; give the address as publish"
            in outcome.err
        )
        with pytest.raises(UsageError, match="--publish data/vqa is no address"):
            converted(tmp_path, source, "data", publish="data/vqa")

    def test_tasks_of_a_recipe_get_folders_of_their_own(self, tmp_path: Path, memory: Any) -> None:
        source = write_source(tmp_path, rows=60)
        (tmp_path / "r.yaml").write_text(
            f"name: both\nout: all\ntasks:\n- task: vqav2\n  source: {source}\n- task: vizwiz\n  source: {source}\n"
        )
        outcome = run_asd("convert", "--recipe", tmp_path / "r.yaml", "--out", tmp_path / "all",
                          "--publish", "memory://bucket/both/")  # fmt: skip
        assert outcome.code == 0, outcome.err
        assert sorted(memory.ls("/bucket/both", detail=False)) == ["/bucket/both/vizwiz", "/bucket/both/vqav2"]


def _noting(method: Any, name: str, sent: list[str]) -> Any:
    @functools.wraps(method)
    def noting(self: Any, first: str, second: Any, *rest: Any, **given: Any) -> Any:
        target = str(second) if name == "put_file" else first
        if name == "put_file" or target not in sent:
            sent.append(target)
        return method(self, first, second, *rest, **given)

    return noting


def test_addresses_are_no_part_of_the_identity() -> None:
    one = ConvertConfig(task="vqav2", publish="s3://a/b", engine="ray", ray_address="auto")
    assert one.identity() == ConvertConfig(task="vqav2").identity()
