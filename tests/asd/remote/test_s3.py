"""Sources from, and versions to, a real S3 server in a process of its own."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import asd
from asd.conversion.convert import Conversion
from asd.errors import SourceError, StorageError, UsageError
from asd.shards.store import Store
from tests.asd.cli_runner import run_asd
from tests.asd.robustness.conversions import LONGEST_S, SHARDS, contents, settings, write_source
from tests.asd.sources_made import vqa_records, write_lines
from tests.conftest import REPO
from tests.servers.running_s3 import RunningS3, require_s3

require_s3()
ROWS = 60
_CONVERT = """
import json, sys, asd
try:
    asd.convert(**json.loads(sys.argv[1]))
except asd.errors.AsdError as exc:
    sys.exit(f"{type(exc).__name__}: {exc}")
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningS3]:
    with RunningS3(tmp_path_factory.mktemp("s3") / "server") as server:
        yield server


@pytest.fixture(autouse=True)
def at_server(running: RunningS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASD_SPOOL", str(tmp_path / "spool"))
    use(running, monkeypatch)


def use(server: RunningS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems are remembered by fsspec, with the address and keys that they were made with."""
    import s3fs

    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def bucket(running: RunningS3, request: pytest.FixtureRequest, at_server: None) -> Iterator[Any]:
    """An empty bucket, named "bucket", to look at and to write to beside the code under test."""
    import s3fs

    filesystem = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    filesystem.mkdir("bucket")
    running.forget()
    yield filesystem
    for sign in ("hold", "held", "keys"):
        (running.folder / sign).unlink(missing_ok=True)
    filesystem.rm("bucket", recursive=True)


def converted(folder: Path, source: str | Path, out: str, **other: Any) -> Conversion:
    return asd.convert(**{**settings(folder, out=folder / out, **other), "source": str(source)})


@contextmanager
def elsewhere(given: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """A conversion in a process group of its own."""
    command = [sys.executable, "-c", _CONVERT, json.dumps(given, default=str)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=REPO) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(sign: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + LONGEST_S
    while not sign.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"no {sign.name}"
        time.sleep(0.01)


def kinds(requests: list[str]) -> Counter[str]:
    return Counter("LIST" if "?list" in line else line.split()[0] for line in requests)


def keys_put(requests: list[str]) -> list[str]:
    return [line.split()[1] for line in requests if line.startswith("PUT")]


class TestSource:
    def test_formats_give_the_version_of_the_local_file(self, tmp_path: Path, bucket: Any) -> None:
        records = vqa_records(ROWS, 0)
        lines = write_lines(tmp_path / "a.jsonl", records)
        (tmp_path / "a.json").write_text(json.dumps(records))
        (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.read_bytes(), mtime=0))
        pl.read_ndjson(lines).write_parquet(tmp_path / "a.parquet")
        for name in ("a.json", "a.jsonl.gz", "a.parquet"):  # JSON Lines as they are: in a folder, below
            bucket.put_file(str(tmp_path / name), f"bucket/in/{name}")
            remote = converted(tmp_path, f"s3://bucket/in/{name}", "remote")
            local = converted(tmp_path, tmp_path / name, "local")
            assert (remote.version, remote.manifest) == (local.version, local.manifest), name

    def test_a_folder_and_only_what_changed_in_it(self, tmp_path: Path, bucket: Any, running: RunningS3) -> None:
        (tmp_path / "vqa").mkdir()
        for number in range(3):
            lines = write_lines(tmp_path / "vqa" / f"{number}.jsonl", vqa_records(ROWS, 0)[number * 20 :][:20])
            bucket.put_file(str(lines), f"bucket/in/vqa/{number}.jsonl")
        bucket.pipe_file("bucket/in/vqa/images/1.jpg", b"pixels")
        bucket.pipe_file("bucket/in/vqa/", b"")  # consoles make such keys for a "folder"
        first = converted(tmp_path, "s3://bucket/in/vqa/", "remote")
        assert first.version == converted(tmp_path, tmp_path / "vqa", "local").version
        running.forget()
        assert converted(tmp_path, "s3://bucket/in/vqa/", "remote").did_work is False
        assert kinds(running.requests())["GET"] == 0
        changed = (tmp_path / "vqa" / "1.jsonl").read_bytes().replace(b"train", b"plane")
        bucket.pipe_file("bucket/in/vqa/1.jsonl", changed)
        running.forget()
        assert converted(tmp_path, "s3://bucket/in/vqa/", "remote").version != first.version
        assert [one for one in running.requests() if one.startswith("GET") and "?list" not in one] == [
            "GET /bucket/in/vqa/1.jsonl 200"
        ]

    def test_keys_that_would_leave_the_spool(self, tmp_path: Path, bucket: Any) -> None:
        from botocore.session import get_session

        client = get_session().create_client("s3")
        client.put_object(Bucket="bucket", Key="in/../../../out.jsonl", Body=b"{}")
        client.close()
        with pytest.raises(SourceError, match=r"the key '\.\./\.\./\.\./out\.jsonl' cannot be a file name"):
            converted(tmp_path, "s3://bucket/in", "data")
        assert list(tmp_path.rglob("out.jsonl")) == []

    def test_a_signed_web_address(self, tmp_path: Path, bucket: Any) -> None:
        bucket.put_file(str(write_source(tmp_path, rows=ROWS)), "bucket/in/source.jsonl")
        done = converted(tmp_path, bucket.sign("bucket/in/source.jsonl"), "data")
        assert done.version == converted(tmp_path, tmp_path / "source.jsonl", "data").version
        kept = (done.path / "refs" / "v1.json").read_text()
        assert "/bucket/in/source.jsonl" in kept
        assert "Signature" not in kept

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("s3://bucket/none.jsonl", r"s3://bucket/none\.jsonl: there is no such file or folder"),
            ("s3://nobucket/a.jsonl", r"no such file or folder \(there is no bucket 'nobucket'\)"),
        ],
    )
    def test_nothing_there(self, tmp_path: Path, bucket: Any, url: str, told: str) -> None:
        with pytest.raises(SourceError, match=told):
            converted(tmp_path, url, "data")

    def test_no_place_named(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"s3:// names no place\. Give e\.g\. s3://bucket/folder"):
            converted(tmp_path, "s3://", "data")


class TestPublish:
    def test_requests_and_the_copy(self, tmp_path: Path, bucket: Any, running: RunningS3) -> None:
        source = write_source(tmp_path)
        done = converted(tmp_path, source, "data", publish="s3://bucket/vqa", name="best")
        first = running.requests()
        folder = f"/bucket/vqa/versions/{done.version}"
        assert kinds(first) == {"PUT": SHARDS + 8, "DELETE": 1, "HEAD": 9, "LIST": 11}  # one for croissant.json
        assert keys_put(first)[0] == f"{folder}/.sending.json"
        assert [key.removeprefix("/bucket/vqa/") for key in keys_put(first)[-5:]] == [
            f"versions/{done.version}/manifest.json", "refs/v1.json", "refs/best.json", "README.md", "latest",
        ]  # fmt: skip
        running.forget()
        again = converted(tmp_path, source, "data", publish="s3://bucket/vqa", name="best")
        assert (again.did_work, again.published) == (False, "s3://bucket/vqa@v1")
        assert kinds(running.requests())["PUT"] == kinds(running.requests())["DELETE"] == 0
        bucket.get("bucket/vqa/", str(tmp_path / "copy"), recursive=True)
        assert asd.verify(tmp_path / "copy").problems == []
        assert asd.load(tmp_path / "copy", version="best").num_rows == done.manifest.counts.samples
        assert contents(Store(tmp_path / "copy").path_of(done.version)) == contents(done.path / "latest")

    def test_killed_while_sending(self, tmp_path: Path, bucket: Any, running: RunningS3) -> None:
        write_source(tmp_path)
        given = settings(tmp_path, publish="s3://bucket/vqa")
        (running.folder / "hold").write_text("00003.arrow")
        with elsewhere(given) as process:
            wait_for(running.folder / "held", process)
        before = keys_put(running.requests())
        assert not any(key.endswith(("manifest.json", "latest")) for key in before)
        (running.folder / "hold").unlink()
        time.sleep(0.1)  # the killed client's request ends in the server
        running.forget()
        done = asd.convert(**{**given, "source": str(given["source"])})
        assert done.did_work is False
        sent = [key for key in keys_put(running.requests()) if key.endswith(".arrow")]
        assert not {*sent} & {*before}
        assert len({*sent, *before}) >= SHARDS
        bucket.get("bucket/vqa/", str(tmp_path / "copy"), recursive=True)
        assert asd.verify(tmp_path / "copy").problems == []
        assert list((tmp_path / "copy").rglob(".sending.json")) == []

    def test_a_bucket_is_not_made(self, tmp_path: Path, bucket: Any) -> None:
        source = write_source(tmp_path, rows=ROWS)
        with pytest.raises(
            StorageError, match=r"--publish s3://typo/vqa: there is no bucket 'typo'\. Make it, or check"
        ):
            converted(tmp_path, source, "data", publish="s3://typo/vqa")
        assert not (tmp_path / "data").exists()
        assert not bucket.exists("typo")

    def test_the_same_version_with_other_content_there(self, tmp_path: Path, bucket: Any) -> None:
        source = write_source(tmp_path, rows=ROWS)
        done = converted(tmp_path, source, "data", publish="s3://bucket/vqa")
        path = f"bucket/vqa/versions/{done.version}/manifest.json"
        other = json.loads(bucket.cat_file(path))
        other["files"][0]["sha256"] = "0" * 64
        bucket.pipe_file(path, json.dumps(other).encode())
        with pytest.raises(StorageError, match=rf"has the version {done.version} already, made elsewhere"):
            converted(tmp_path, source, "data", publish="s3://bucket/vqa")
        assert json.loads(bucket.cat_file(path)) == other

    def test_shards_of_another_killed_conversion_are_replaced(self, tmp_path: Path, bucket: Any) -> None:
        source = write_source(tmp_path, rows=ROWS)
        done = converted(tmp_path, source, "data")
        (shard,) = (done.path / "latest" / "data").glob("*.arrow")
        folder = f"bucket/vqa/versions/{done.version}"
        bucket.pipe_file(f"{folder}/data/{shard.name}", bytes(shard.stat().st_size))
        bucket.pipe_file(f"{folder}/.sending.json", b"of another one")
        converted(tmp_path, source, "data", publish="s3://bucket/vqa")
        assert bucket.cat_file(f"{folder}/data/{shard.name}") == shard.read_bytes()

    def test_a_damaged_name_there(self, tmp_path: Path, bucket: Any) -> None:
        bucket.pipe_file("bucket/vqa/refs/v1.json", b"{")
        with pytest.raises(StorageError, match=r"s3://bucket/vqa: refs/v1\.json there is damaged"):
            converted(tmp_path, write_source(tmp_path, rows=ROWS), "data", publish="s3://bucket/vqa")


class TestRefusals:
    def test_keys_that_the_server_does_not_know(self, tmp_path: Path, bucket: Any, running: RunningS3) -> None:
        source = write_source(tmp_path, rows=ROWS)
        bucket.put_file(str(source), "bucket/a.jsonl")
        (running.folder / "keys").write_text("another")
        hint = r"PermissionError: .*allowed to do this: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE\."
        with pytest.raises(SourceError, match=rf"s3://bucket/a\.jsonl cannot be read: {hint}"):
            converted(tmp_path, "s3://bucket/a.jsonl", "data")
        with pytest.raises(StorageError, match=rf"--publish s3://bucket/vqa cannot be used, nothing was done: {hint}"):
            converted(tmp_path, source, "data", publish="s3://bucket/vqa")
        assert not (tmp_path / "data").exists()
        (running.folder / "keys").unlink()

    def test_no_keys(self, tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        outcome = run_asd("convert", "--task", "vqav2", "--source", "s3://bucket/a.jsonl", "--out", tmp_path / "data")
        assert outcome.code == 1
        assert outcome.err.startswith("error: s3://bucket/a.jsonl cannot be read: NoCredentialsError: ")
        assert "Give credentials that are allowed to do this: AWS_ACCESS_KEY_ID" in outcome.err

    def test_the_server_dies_while_sending(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import s3fs

        write_source(tmp_path)
        with RunningS3(tmp_path / "mortal") as server:
            use(server, monkeypatch)
            s3fs.S3FileSystem().mkdir("bucket")
            (server.folder / "hold").write_text("00003.arrow")
            with elsewhere(settings(tmp_path, publish="s3://bucket/vqa")) as process:
                wait_for(server.folder / "held", process)
                server.kill()
                _, told = process.communicate(timeout=LONGEST_S)
        assert process.returncode == 1
        assert told.startswith(
            f"StorageError: s3://bucket/vqa cannot be written (the version is whole in {tmp_path}/data;"
        )
        assert "Check the network and AWS_ENDPOINT_URL" in told
        assert len(told.splitlines()) == 1
        assert asd.verify(tmp_path / "data").problems == []
