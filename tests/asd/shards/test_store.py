"""Versions, names and `latest`: what is committed never changes, and half a commit is finished by the next."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from asd.errors import ShardError, UnknownNameError, UsageError
from asd.shards.files import sha256_of
from asd.shards.manifest import Counts, FileEntry, Manifest, read_manifest
from asd.shards.store import Store, split_location


def stage(store: Store, version: str, content: bytes = b"x") -> Path:
    """A finished version in the staging folder."""
    folder = store.staging(version) / "out"
    folder.mkdir(parents=True)
    path = folder / "rejects.jsonl"
    path.write_bytes(content)
    manifest = Manifest(
        version=version, task="toy", asd_version="0", config={"seed": 0}, spec={}, source={}, templates={}, code="",
        counts=Counts(),
        files=[FileEntry(path=path.name, size_bytes=len(content), sha256=sha256_of(path))],
    )  # fmt: skip
    (folder / "manifest.json").write_text(manifest.to_json())
    return folder


def commit(store: Store, version: str) -> str:
    return store.commit(version, stage(store, version), {"source": "here"}, lambda: "card")


def test_versions_are_numbered_and_the_newest_is_latest(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    assert [commit(store, "aaaa1111"), commit(store, "bbbb2222")] == ["v1", "v2"]
    assert store.latest() == "bbbb2222"
    assert [(info.version, info.names, info.is_latest) for info in store.versions()] == [
        ("aaaa1111", ("v1",), False),
        ("bbbb2222", ("v2",), True),
    ]
    assert (tmp_path / "data" / "latest" / "manifest.json").is_file()


def test_a_version_is_found_by_number_name_and_prefix(tmp_path: Path) -> None:
    store = Store(tmp_path)
    commit(store, "aaaa1111")
    commit(store, "aaaa2222")
    store.name_version("paper", "aaaa1111")
    assert store.resolve("v1") == store.resolve("paper") == store.resolve("aaaa1") == "aaaa1111"
    assert store.resolve(None) == store.resolve("latest") == "aaaa2222"
    with pytest.raises(UsageError, match=r"'aaaa' .* is ambiguous: aaaa1111, aaaa2222"):
        store.resolve("aaaa")
    with pytest.raises(UnknownNameError, match="no version named 'v3'; did you mean"):
        store.resolve("v3")


def test_names_that_would_confuse_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    commit(store, "aaaa1111")
    commit(store, "bbbb2222")
    for name in ("latest", "default", "v7", "../x", ""):
        with pytest.raises(UsageError, match="cannot name a version"):
            store.name_version(name, "aaaa1111")
    store.name_version("paper", "aaaa1111")
    with pytest.raises(UsageError, match="'paper' already points to version aaaa1111"):
        store.name_version("paper", "bbbb2222")


def test_committing_again_changes_nothing_but_latest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    commit(store, "aaaa1111")
    commit(store, "bbbb2222")
    before = (store.path_of("aaaa1111") / "rejects.jsonl").stat()
    assert store.commit("aaaa1111", tmp_path / "nowhere", {}, lambda: "card") == "v1"
    assert (store.path_of("aaaa1111") / "rejects.jsonl").stat().st_mtime_ns == before.st_mtime_ns
    assert store.latest() == "aaaa1111"


@pytest.mark.parametrize("died_after", ["rename", "ref", "card"])
def test_a_commit_that_was_cut_off_is_finished_by_the_next(tmp_path: Path, died_after: str) -> None:
    store = Store(tmp_path)
    commit(store, "aaaa1111")
    finished = stage(store, "bbbb2222")
    finished.rename(store.path_of("bbbb2222"))
    if died_after != "rename":
        store._write_ref("v2", "bbbb2222", {})
    if died_after == "card":
        (tmp_path / "README.md").write_text("card")
    assert store.latest() == "aaaa1111"
    assert store.commit("bbbb2222", finished, {}, lambda: "card") == "v2"
    assert store.latest() == "bbbb2222"
    assert sorted(store.refs()) == ["v1", "v2"]


def _commit_one(root: Path, version: str) -> None:
    store = Store(root)
    store.commit(version, stage(store, version), {}, lambda: "card")


def test_processes_that_commit_at_once_all_get_a_number(tmp_path: Path) -> None:
    names = [f"{number:08d}" for number in range(6)]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_commit_one, args=(tmp_path, name)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    store = Store(tmp_path)
    assert sorted(store.refs()) == [f"v{number}" for number in range(1, 7)]
    assert sorted(info.version for info in store.versions()) == names
    assert store.latest() in names


def test_a_directory_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a dataset written by `asd convert`"):
        Store(tmp_path).resolve(None)
    with pytest.raises(UsageError, match="does not exist"):
        Store(tmp_path / "nothing").resolve(None)


def test_a_newer_format_is_refused_by_number(tmp_path: Path) -> None:
    store = Store(tmp_path)
    commit(store, "aaaa1111")
    path = store.path_of("aaaa1111") / "manifest.json"
    path.write_text(path.read_text().replace('"format_version": 3', '"format_version": 99'))
    with pytest.raises(ShardError, match=r"has format 99; this build reads format 1, 2, 3\. Upgrade"):
        read_manifest(path.parent)


def test_a_damaged_manifest_says_which_field(tmp_path: Path) -> None:
    store = Store(tmp_path)
    commit(store, "aaaa1111")
    path = store.path_of("aaaa1111") / "manifest.json"
    whole = path.read_text()
    path.write_text(whole.replace('"task": "toy"', '"task": 3'))
    with pytest.raises(ShardError, match=r"field task: Input should be a valid string"):
        read_manifest(path.parent)
    path.write_text(whole[:40])
    with pytest.raises(ShardError, match=r"manifest\.json cannot be read"):
        read_manifest(path.parent)
    path.unlink()
    with pytest.raises(ShardError, match="is not a finished version"):
        read_manifest(path.parent)


def test_location_and_version_are_told_apart(tmp_path: Path) -> None:
    assert split_location("data/x@v2") == (Path("data/x"), "v2")
    assert split_location("data/x") == (Path("data/x"), None)
    odd = tmp_path / "me@home"
    odd.mkdir()
    assert split_location(str(odd)) == (odd, None)
    assert split_location(f"{odd}@v1") == (odd, "v1")
