"""Datasets from elsewhere, with sums made to fit: nothing outside of them is read or written; and honest damage is seen."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

import asd
from asd.errors import AsdError, ShardError, StorageError
from asd.plain_files import require_replaceable
from asd.rewrite.cache_file import export_cache
from asd.shards.store import Store
from tests.asd.cli_runner import run_asd
from tests.asd.robustness.hostile_rows import SOUND, assert_counted, assert_told, convert, lines, sound_rows, task_file


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "rows.jsonl").write_bytes(lines(sound_rows()))
    images(folder)
    assert convert(folder, folder / "rows.jsonl", "--image-root", folder).code == 0
    return folder / "out"


def images(folder: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(folder / "a.png")


@pytest.fixture
def dataset(made: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "data"
    shutil.copytree(made, copy, symlinks=True)
    return copy


def folder_of(dataset: Path) -> Path:
    return next((dataset / "versions").iterdir())


def change_manifest(dataset: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder_of(dataset) / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest))


def change_image_path(dataset: Path, image: str, data: bytes | None = None) -> None:
    """In the first row of the first shard, the manifest's size and sum made to fit."""
    entry = next(e for e in Store(dataset).manifest(folder_of(dataset).name).files if e.split)
    shard = folder_of(dataset) / entry.path
    with pa.memory_map(str(shard)) as mapped:
        table = pa.ipc.open_file(mapped).read_all()
    column = table["images"].to_pylist()
    column[0] = [{"path": image, "bytes": data}]
    place = table.schema.get_field_index("images")
    table = table.set_column(place, table.schema.field(place), pa.array(column, table.schema.field(place).type))
    shard.unlink()
    with pa.OSFile(str(shard), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    fit_sum(dataset, entry.path)


def fit_sum(dataset: Path, name: str) -> None:
    content = (folder_of(dataset) / name).read_bytes()

    def change(manifest: dict[str, Any]) -> None:
        for entry in manifest["files"]:
            if entry["path"] == name:
                entry |= {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    change_manifest(dataset, change)


def assert_refused_everywhere(dataset: Path, told: str, tmp_path: Path) -> None:
    before = sorted(path for path in tmp_path.rglob("*"))
    assert_told(run_asd("verify", dataset), told)
    with pytest.raises(AsdError, match=re.escape(told)):
        asd.load(dataset)
    for mode in ("copy", "embed", "paths"):
        form = "parquet" if mode == "embed" else "llava"
        outcome = run_asd("export", dataset, "--out", tmp_path / "export", "--to", form, "--images", mode,
                          "--image-root", tmp_path)  # fmt: skip
        assert_told(outcome, told)
    after = set(tmp_path.rglob("*")) - {*before}
    assert {path.name for path in after if path.is_file()} == set()


STRAY = ["../../x.png", "..", "a/../../b.png", "/etc/passwd", "\\windows\\x.png", "..\\x.png", "C:\\x.png", "c:/x.png",
         "a\0.png", "file:///etc/passwd", "FILE:/etc/passwd", "a/..", "//server/x"]  # fmt: skip


@pytest.mark.parametrize("image", STRAY, ids=ascii)
def test_image_paths_that_leave_their_root_are_refused(image: str, dataset: Path, tmp_path: Path) -> None:
    change_image_path(dataset, image)
    assert_refused_everywhere(dataset, "leave the image root", tmp_path)


@pytest.mark.parametrize(
    "image", ["a..b.png", "x/..y/z.png", "a:b.png", "https://host/../x.png", "data:image/png;base64,x"]
)
def test_paths_that_only_look_strange_and_addresses_are_none_of_them(image: str, dataset: Path) -> None:
    change_image_path(dataset, image)
    assert run_asd("verify", dataset).code == 0
    assert len(asd.load(dataset)) == SOUND


@pytest.mark.parametrize("image", ["https://h/../../../../evil.png", "s3://b/../../../../../evil.png"])
def test_an_address_with_bytes_is_copied_to_no_other_folder(image: str, dataset: Path, tmp_path: Path) -> None:
    images(tmp_path)
    change_image_path(dataset, image, (tmp_path / "a.png").read_bytes())
    outcome = run_asd(
        "export", dataset, "--out", tmp_path / "deep" / "export", "--images", "copy", "--image-root", tmp_path
    )
    assert_told(outcome, "no name that a copy could have")
    assert not list(tmp_path.rglob("evil.png"))


NAMES = ["../../x", "a/b", "a\\b", "..", ".", "", "/x", "a\0b", "a\nb", "x" * 200]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_task_names_that_are_no_names_are_refused(name: str, dataset: Path, tmp_path: Path) -> None:
    change_manifest(dataset, lambda manifest: manifest.update(task=name))
    assert_refused_everywhere(dataset, "no name of a task", tmp_path)


@pytest.mark.parametrize("name", ["../x", "a/b", "", "..", "\x1b[31m"], ids=ascii)
def test_splits_that_are_no_names_are_refused(name: str, dataset: Path, tmp_path: Path) -> None:
    change_manifest(dataset, lambda manifest: [e.update(split=name) for e in manifest["files"] if e["split"]])
    assert_refused_everywhere(dataset, "no name of a split", tmp_path)


PATHS = ["../../../secret.arrow", "/etc/passwd", "data/../../x", "data//x", "./x", "data\\x", "a\0b", ""]


@pytest.mark.parametrize("path", PATHS, ids=ascii)
def test_files_outside_of_the_version_are_refused(path: str, dataset: Path, tmp_path: Path) -> None:
    change_manifest(dataset, lambda manifest: manifest["files"][0].update(path=path))
    assert_refused_everywhere(dataset, "does not stay within the version's folder", tmp_path)


def test_a_shard_that_is_a_link_out_of_the_version_is_refused(dataset: Path, tmp_path: Path) -> None:
    shard = next(folder_of(dataset).rglob("*.arrow"))
    shard.rename(tmp_path / "elsewhere.arrow")
    shard.symlink_to(tmp_path / "elsewhere.arrow")
    assert_refused_everywhere(dataset, "a link that leads out of its version's folder", tmp_path)


def test_a_folder_of_shards_that_is_a_link_is_refused(dataset: Path, tmp_path: Path) -> None:
    shards = next(folder_of(dataset).rglob("*.arrow")).parent
    shards.rename(tmp_path / "elsewhere")
    shards.symlink_to(tmp_path / "elsewhere")
    assert_refused_everywhere(dataset, "a link that leads out of its version's folder", tmp_path)


def test_a_manifest_that_is_a_link_is_refused(dataset: Path, tmp_path: Path) -> None:
    manifest = folder_of(dataset) / "manifest.json"
    manifest.rename(tmp_path / "elsewhere.json")
    manifest.symlink_to(tmp_path / "elsewhere.json")
    assert_refused_everywhere(dataset, "a link that leads out of its version's folder", tmp_path)


def test_a_manifest_that_is_a_pipe_is_refused(dataset: Path, tmp_path: Path) -> None:
    manifest = folder_of(dataset) / "manifest.json"
    manifest.unlink()
    os.mkfifo(manifest)
    assert_refused_everywhere(dataset, "a named pipe", tmp_path)


@pytest.mark.parametrize("version", ["../../x", "/etc", "..", "0123/../..", "ABC", ""], ids=ascii)
def test_a_ref_to_anything_but_a_version_is_refused(version: str, dataset: Path, tmp_path: Path) -> None:
    path = dataset / "refs" / "v1.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": version}))
    assert_told(run_asd("verify", f"{dataset}@v1"), "cannot be read", "is no id of a version")


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff", b"{", b"[]", b"null", b"1e999", b'{"format_version": 1}'])
def test_a_manifest_of_anything_is_one_message(content: bytes, dataset: Path, tmp_path: Path) -> None:
    (folder_of(dataset) / "manifest.json").write_bytes(content)
    assert_refused_everywhere(dataset, "manifest.json", tmp_path)
    ref = dataset / "refs" / "v1.json"
    ref.write_bytes(content)
    assert_told(run_asd("versions", dataset), "v1.json cannot be read")


def change_one_letter(dataset: Path) -> Path:
    """Damage that keeps the size and everything that Arrow looks at: a word in a text."""
    shard = next(folder_of(dataset).rglob("*.arrow"))
    content = shard.read_bytes()
    assert content.count(b"What is on the table") > 3
    shard.write_bytes(content.replace(b"What is on the table", b"What is on the cable", 1))
    return shard


def test_damage_that_keeps_the_size_is_seen_where_rows_are_read_anyway(dataset: Path, tmp_path: Path) -> None:
    change_one_letter(dataset)
    told = "has changed since it was written"
    for load in ({}, {"style": "short_answer"}, {"split": "train"}, {"check": True}):
        with pytest.raises(ShardError, match=told):
            asd.load(dataset, **load)
    assert len(asd.load(dataset, check=False)) == SOUND
    for form in ("llava", "parquet", "trl", "webdataset"):
        outcome = run_asd("export", dataset, "--to", form, "--out", tmp_path / form, "--image-root", tmp_path)
        assert_told(outcome, told)
        assert not [path for path in (tmp_path / form).rglob("*") if path.is_file()]
    assert_told(run_asd("quality", dataset), told)
    assert_told(run_asd("verify", dataset), "has sha256")
    assert run_asd("inspect", dataset).code == 0  # reads the first rows alone


def test_large_versions_are_checked_when_that_is_asked_for(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change_one_letter(dataset)
    monkeypatch.setattr("asd.shards.reader.CHECKED_AT_LOAD_BYTES", 10)
    assert len(asd.load(dataset)) == SOUND
    for load in ({"style": "short_answer"}, {"check": True}):
        with pytest.raises(ShardError, match="has changed"):
            asd.load(dataset, **load)


def test_a_file_is_read_for_its_sum_once_in_a_process(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from asd.shards import reader

    asd.load(dataset)
    monkeypatch.setattr(reader, "sha256_of", None)
    asd.load(dataset)


def test_what_a_deleted_ref_means_is_said(dataset: Path) -> None:
    version = folder_of(dataset).name
    assert run_asd("verify", dataset).err == ""
    (dataset / "refs" / "v1.json").unlink()
    outcome = run_asd("verify", dataset)
    assert outcome.code == 0
    assert f"no ref in {dataset}/refs names version {version}: its ref was deleted" in outcome.err
    assert "lost are its number, and when and from where it was made" in outcome.err
    assert asd.verify(dataset).notes
    assert run_asd("verify", f"{dataset}@{version[:6]}").code == 0
    assert_told(run_asd("verify", f"{dataset}@v1"), f"Versions without a name, as their refs were deleted: {version}")


def test_other_versions_whose_refs_are_gone_are_named(dataset: Path, made: Path) -> None:
    first = folder_of(dataset).name
    asd.convert(
        task=made.parent / "T.yaml",
        source=made.parent / "rows.jsonl",
        out=dataset,
        seed=7,
        workers=1,
        max_reject_rate=1,
    )
    (dataset / "refs" / "v1.json").unlink()
    outcome = run_asd("verify", dataset)
    assert outcome.code == 0
    assert f"versions that no ref names any more, readable by their ids: {first}" in outcome.err
    assert "numbers whose refs were deleted: v1" in outcome.err


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """Images by links: within the root, out of it by file and by folder, to a device; one is a pipe."""
    root, outside = tmp_path / "images", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    images(root)
    images(outside)
    (root / "inside.png").symlink_to("a.png")
    (root / "file.png").symlink_to(outside / "a.png")
    (root / "folder").symlink_to(outside)
    (root / "secret.png").symlink_to("/etc/passwd")
    (root / "zero.png").symlink_to("/dev/zero")
    (root / "circle.png").symlink_to("circle.png")
    (root / "sub").mkdir()
    (root / "sub" / "up.png").symlink_to("../../outside/a.png")
    (root / "chain.png").symlink_to("file.png")
    os.mkfifo(root / "pipe.png")
    return root


OUT_OF_ROOT = ["file.png", "folder/a.png", "secret.png", "sub/up.png", "chain.png"]


def embed(tmp_path: Path, linked: Path, image: str, *options: object) -> Any:
    rows = sound_rows()
    rows[3]["image"] = image
    (tmp_path / "rows.jsonl").write_bytes(lines(rows))
    return convert(tmp_path, tmp_path / "rows.jsonl", "--image-root", linked, "--embed-images", *options)


@pytest.mark.parametrize("image", OUT_OF_ROOT)
def test_a_link_out_of_the_image_root_is_not_embedded(image: str, linked: Path, tmp_path: Path) -> None:
    assert_counted(embed(tmp_path, linked, image), SOUND - 1, {"image_outside_root": 1}, tmp_path)
    lines_of_rejects = (tmp_path / "out" / "latest" / "rejects.jsonl").read_text()
    assert "--follow-links stores such images" in lines_of_rejects


@pytest.mark.parametrize("image", ["zero.png", "pipe.png", "sub"])
def test_an_image_that_is_no_regular_file_is_a_reject(image: str, linked: Path, tmp_path: Path) -> None:
    before = time.monotonic()
    outcome = embed(tmp_path, linked, image, "--follow-links")
    assert time.monotonic() - before < 60
    assert_counted(outcome, SOUND - 1, {"bad_image": 1}, tmp_path)


@pytest.mark.parametrize("image", ["a.png", "inside.png"])
def test_links_within_the_root_are_followed(image: str, linked: Path, tmp_path: Path) -> None:
    assert_counted(embed(tmp_path, linked, image), SOUND, {}, tmp_path)


@pytest.mark.parametrize("image", ["file.png", "folder/a.png"])
def test_links_out_of_the_root_are_followed_when_that_is_asked_for(image: str, linked: Path, tmp_path: Path) -> None:
    assert_counted(embed(tmp_path, linked, image, "--follow-links"), SOUND, {}, tmp_path)


@pytest.mark.parametrize("image", [*OUT_OF_ROOT, "pipe.png", "zero.png"])
@pytest.mark.parametrize("mode", ["copy", "embed"])
def test_an_export_follows_no_link_out_of_the_image_root(
    image: str, mode: str, dataset: Path, linked: Path, tmp_path: Path
) -> None:
    change_image_path(dataset, image)
    form = "parquet" if mode == "embed" else "llava"
    command = ("export", dataset, "--to", form, "--images", mode, "--image-root", linked, "--out", tmp_path / "export")
    assert_told(run_asd(*command, "--missing-images", "error"), image)
    assert not list((tmp_path / "export").rglob("*.json"))
    if image in ("file.png", "folder/a.png"):
        assert run_asd(*command, "--follow-links").code == 0


def to_full(path: Path) -> None:
    path.symlink_to("/dev/full")


def to_a_file(path: Path) -> None:
    (path.parent / "precious.txt").write_text("precious")
    path.symlink_to("precious.txt")


def to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


PLACES = {"device": to_full, "file": to_a_file, "nothing": to_nothing, "pipe": a_pipe}


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
def test_outputs_take_the_place_of_no_link_and_no_pipe(
    make: Callable[[Path], None], dataset: Path, tmp_path: Path
) -> None:
    page, records, cache = tmp_path / "x.html", tmp_path / "x.json", tmp_path / "cache.gz"
    verdicts = tmp_path / "verdicts.jsonl"
    judge = ("judge", tmp_path / "p.jsonl", "--task", "vqav2", "--model", "m", "--base-url", "http://127.0.0.1:9/v1")
    commands = {
        verdicts: (*judge, "--out", verdicts),
        page: ("inspect", dataset, "--html", page),
        records: ("export", dataset, "--out", records),
    }
    for place, command in commands.items():
        make(place)
        before = place.lstat()
        assert_told(run_asd(*command), f"cannot write {place}: it is a")
        assert (place.lstat().st_ino, place.lstat().st_mode) == (before.st_ino, before.st_mode)
        assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]
    make(cache)
    with pytest.raises(StorageError, match="it is a"):
        export_cache(tmp_path / "replies.db", cache)
    if make is to_a_file:
        assert (tmp_path / "precious.txt").read_text() == "precious"


@pytest.mark.parametrize("device", ["/dev/full", "/dev/null", "/dev/zero"])
def test_outputs_take_the_place_of_no_device(device: str) -> None:
    """Asked of the check alone: whoever runs this as root would lose the device if it failed."""
    with pytest.raises(StorageError, match=f"cannot write {device}: it is a device"):
        require_replaceable(Path(device))


def test_the_task_of_the_tests_is_read(tmp_path: Path) -> None:
    assert run_asd("tasks", task_file(tmp_path)).code == 0
