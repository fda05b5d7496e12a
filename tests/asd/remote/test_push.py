"""Pushing a version, by the real client, to a stand-in for the hub in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import asd
from asd.errors import UsageError
from asd.remote.push import push
from tests.asd.sources_made import vqa_records, write_lines
from tests.conftest import REPO


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address and folder of a running stand-in."""
    folder = tmp_path / "hub"
    folder.mkdir()
    command = [sys.executable, str(REPO / "tests/servers/hub_server.py"), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}", folder
        server.terminate()


@pytest.fixture
def made(tmp_path: Path) -> Path:
    source = write_lines(tmp_path / "rows.jsonl", vqa_records(30))
    return asd.convert("vqav2", source, out=tmp_path / "data", ratio=0.4, name="paper").path


def push_to(hub: str, *words: object, token: str = "good") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HF_ENDPOINT": hub, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0", "PYTHONPATH": str(REPO),
           "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}  # fmt: skip
    command = [sys.executable, "-m", "asd.cli.main", "push", *map(str, words)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_what_arrives_is_a_dataset(hub: tuple[str, Path], made: Path) -> None:
    import datasets

    address, folder = hub
    done = push_to(address, f"{made}@v1", "--to", "me/made")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("pushed version ")
    assert b"private" in (folder / "created.json").read_bytes()
    arrived = folder / "dataset"
    assert asd.verify(f"{arrived}@v1").problems == asd.verify(f"{arrived}@paper").problems == []
    assert datasets.load_dataset(str(arrived), split="train").num_rows == 30
    texts = b"".join(path.read_bytes() for path in arrived.rglob("*") if path.is_file())
    assert str(made.parent).encode() not in texts  # no path of this machine
    assert (folder / "message.txt").read_text().endswith("30 samples")


def test_versions_that_are_there_keep_their_configs(hub: tuple[str, Path], made: Path, tmp_path: Path) -> None:
    import datasets

    address, folder = hub
    rows = tmp_path / "rows.jsonl"
    second = asd.convert("vqav2", rows, out=made, ratio=0.2)
    other = asd.convert("vqav2", rows, out=tmp_path / "elsewhere", ratio=0.6)
    for place, names in ((f"{made}@v1", "v1, paper"), (f"{made}@v2", "v2"), (other.path, "v3"), (other.path, "v3")):
        done = push_to(address, place, "--to", "me/made")
        assert (done.returncode, done.stderr) == (0, "")
        assert f" ({names}), " in done.stdout
    arrived = folder / "dataset"
    converted = {
        name: sum(maker != "native" for maker in rows["maker"])
        for name in ("default", "v1", "v2", "v3", "paper")
        for rows in [datasets.load_dataset(str(arrived), name, split="train", cache_dir=str(tmp_path / "cache"))]
    }
    assert converted == {"default": 18, "v1": 12, "v2": 6, "v3": 18, "paper": 12}
    assert asd.verify(f"{arrived}@v2").version == second.version
    taken = asd.convert("vqav2", rows, out=tmp_path / "elsewhere", ratio=0.6, name="paper")
    done = push_to(address, taken.path, "--to", "me/made")
    assert done.returncode == 2
    assert f"the name 'paper' already points to version {asd.verify(f'{made}@v1').version} in me/made" in done.stderr


def test_a_token_that_is_refused(hub: tuple[str, Path], made: Path) -> None:
    done = push_to(hub[0], made, "--to", "me/made", token="wrong")
    assert done.returncode == 1
    assert "error: the hub refused me/made: log in with `hf auth login`, or set HF_TOKEN" in done.stderr
    assert "wrong" not in done.stderr


def test_a_hub_that_is_not_there(made: Path) -> None:
    done = push_to("http://127.0.0.1:9", made, "--to", "me/made")
    assert (done.returncode, "cannot be reached" in done.stderr) == (1, True)


def test_mistakes_are_told_before_anything_is_sent(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="a/b/c"):
        push(made, None, "a/b/c")
    source = write_lines(tmp_path / "a.jsonl", vqa_records(10))
    unclear = asd.convert("iconqa", source, out=tmp_path / "unclear", ratio=0)
    manifest = unclear.path / "latest/manifest.json"
    manifest.write_text(manifest.read_text().replace('"licence": "CC BY-NC-SA 4.0"', '"licence": "see homepage"'))
    with pytest.raises(UsageError, match=r"'see homepage', may not let you share it .*say --licence-ok"):
        push(unclear.path, None, "me/made")
