"""Images through a conversion: data is stored, addresses stay, what is not there or broken is told."""

from __future__ import annotations

import base64
import io
import re
import threading
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

import asd
from asd.errors import SourceError
from asd.export import images as export_images
from asd.export.run import ExportOptions, export
from asd.sources import batch as source_batch
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines


def picture(number: int, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.effect_noise((32, 32), 10 + number).convert("RGB").save(out, kind)
    return out.getvalue()


def source(tmp_path: Path, images: list[Any]) -> Path:
    records = [one | {"image": image} for one, image in zip(vqa_records(len(images)), images, strict=True)]
    return write_lines(tmp_path / "train.jsonl", records)


def test_data_is_stored_as_bytes(tmp_path: Path) -> None:
    pictures = [picture(number) for number in range(12)]
    uris = [f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" for data in pictures]
    made = asd.convert("vqav2", source(tmp_path, uris), out=tmp_path / "d", ratio=0.3)
    rows = asd.load(made.path).to_list()
    assert sorted(row["images"][0]["bytes"] for row in rows) == sorted(pictures)
    assert len({row["images"][0]["path"] for row in rows}) == 12
    assert all(re.fullmatch(r"[0-9a-f]{32}\.jpg", row["images"][0]["path"]) for row in rows)
    assert asd.verify(made.path).problems == []


def test_batches_with_much_data_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_batch, "MAX_IMAGE_CHARS", 4000)
    monkeypatch.setattr("asd.sources.llava.MAX_IMAGE_CHARS", 4000)
    uris = [f"data:image/jpeg;base64,{base64.b64encode(picture(number)).decode()}" for number in range(200)]
    made = asd.convert("vqav2", source(tmp_path, uris), out=tmp_path / "d", ratio=0)
    assert len(asd.load(made.path)) == 200


def test_addresses_are_kept_and_said(tmp_path: Path) -> None:
    given = [f"https://x.org/a//{number}.jpg" for number in range(14)]
    done = run_asd("convert", "--task", "vqav2", "--source", source(tmp_path, given), "--out", tmp_path / "d")
    assert done.code == 0
    assert "14 images are addresses (the first: https://x.org/a//0.jpg); they are kept as such" in done.err
    assert [row["images"][0]["path"] for row in asd.load(tmp_path / "d")] == given


def test_images_that_are_not_there_are_told_with_the_root(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "0.jpg").write_bytes(picture(0))
    path = source(tmp_path, [f"{number}.jpg" for number in range(14)])
    arguments = ("convert", "--task", "vqav2", "--source", path, "--out", tmp_path / "d")
    told = f"of 14 image paths that were looked at, 13 are not in {tmp_path / 'pictures'} (the first: 1.jpg)"
    assert told in run_asd(*arguments, "--image-root", tmp_path / "pictures", "--dry-run").err
    assert f"of 14 image paths that were looked at, 14 are not in {tmp_path} " in run_asd(*arguments).err
    for number in range(14):
        (tmp_path / "pictures" / f"{number}.jpg").write_bytes(b"")
    assert "looked at" not in run_asd(*arguments, "--image-root", tmp_path / "pictures", "--dry-run").err


BROKEN = {
    "empty": (b"", "it is empty"),
    "page": (b"<!DOCTYPE html><html><body>404</body></html>", "no image in a format that is known"),
    "half": (picture(1)[: len(picture(1)) // 2], "(?i)truncated"),
    "half a PNG": (picture(1, "PNG")[:-400], "(?i)truncated"),
    "JSON": (b'{"error": "not found"}', "no image in a format that is known"),
    "a pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "no image"),
    "zeros": (bytes(3000), "no image in a format that is known"),
    "a head alone": (picture(1)[:60], ""),
    "text": (b"\x89PNG\r\n", ""),
    "zip": (b"PK\x03\x04" + bytes(60), "no image"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_files_are_named_where_they_are_embedded(kind: str, tmp_path: Path) -> None:
    data, why = BROKEN[kind]
    for number in range(8):
        (tmp_path / f"{number}.jpg").write_bytes(picture(number))
    (tmp_path / "3.jpg").write_bytes(data)
    path = source(tmp_path, [f"{number}.jpg" for number in range(8)])
    made = asd.convert("vqav2", path, out=tmp_path / "d", ratio=0, embed_images=True)
    (told,) = made.notes
    assert told.startswith("1 image files cannot be shown and are stored as they are (3.jpg: ")
    assert re.search(why, told)
    (one,) = export([made.path], ExportOptions("parquet", tmp_path / "out", images="embed")).data
    assert (one.records, one.part.left_out) == (7, {export_images.BROKEN: 1})
    for row in pq.read_table(one.path).to_pylist():
        Image.open(io.BytesIO(row["images"][0]["bytes"])).load()


def test_many_broken_files_are_counted(tmp_path: Path) -> None:
    for number in range(14):
        (tmp_path / f"{number}.jpg").write_bytes(b"" if number else picture(number))
    path = source(tmp_path, [f"{number}.jpg" for number in range(14)])
    done = run_asd("convert", "--task", "vqav2", "--source", path, "--out", tmp_path / "d", "--embed-images")
    assert done.code == 0
    assert (
        "note: 13 image files cannot be shown and are stored as they are (1.jpg: it is empty; 10.jpg: it is" in done.err
    )


def test_absolute_paths_and_the_identity_of_a_version(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    path = source(tmp_path, [str(tmp_path / "a" / "b" / f"{number}.jpg") for number in range(9)])
    made = [
        asd.convert("vqav2", path, out=tmp_path / "d", ratio=0, image_root=tmp_path / root)
        for root in ("a", "a/b", "a")
    ]
    assert made[0].version == made[2].version != made[1].version
    assert asd.load(f"{tmp_path / 'd'}@v1").to_list()[0]["images"][0]["path"] == "b/0.jpg"
    assert asd.load(f"{tmp_path / 'd'}@v2").to_list()[0]["images"][0]["path"] == "0.jpg"
    with pytest.raises(
        SourceError, match=r"found the absolute path .*/a/b/0.jpg': name a folder above it with --image-root"
    ):
        asd.convert("vqav2", path, out=tmp_path / "e")
    (tmp_path / "other").mkdir()
    with pytest.raises(SourceError, match=r"it is not below --image-root .*/other"):
        asd.convert("vqav2", path, out=tmp_path / "e", image_root=tmp_path / "other")


STRANGERS = ["x.png", "a/b.jpg", "notes.txt", "0.jpg.part", "d/er/2.JPG", "rows.tmp", ".hidden", "z.webp", "d/9.bin"]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_files_that_no_row_names_are_no_part_of_a_version(tmp_path: Path, stranger: str) -> None:
    root = tmp_path / "images"
    for number in range(4):
        (root / f"p/{number}.jpg").parent.mkdir(parents=True, exist_ok=True)
        (root / f"p/{number}.jpg").write_bytes(picture(number))
    given = source(tmp_path, [f"p/{number}.jpg" for number in range(4)])
    out = {"out": tmp_path / "d", "ratio": 0, "embed_images": True, "image_root": root}
    first = asd.convert("vqav2", given, **out)
    (root / stranger).parent.mkdir(parents=True, exist_ok=True)
    (root / stranger).write_bytes(b"written by somebody else")
    (root / stranger).chmod(0)
    assert asd.convert("vqav2", given, **out).version == first.version
    (root / "p/2.jpg").write_bytes(picture(9))
    assert asd.convert("vqav2", given, **out).version != first.version


def test_somebody_may_write_below_the_image_root_meanwhile(tmp_path: Path) -> None:
    root, stop = tmp_path / "images", threading.Event()
    root.mkdir()
    (root / "0.jpg").write_bytes(picture(0))
    given = source(tmp_path, ["0.jpg"] * 4)

    def write_and_delete() -> None:
        while not stop.is_set():
            for number in range(50):
                (root / f"t{number}").mkdir(exist_ok=True)
                (root / f"t{number}/f.jpg").write_bytes(b"x")
            for number in range(50):
                (root / f"t{number}/f.jpg").unlink()
                (root / f"t{number}").rmdir()

    writer = threading.Thread(target=write_and_delete)
    writer.start()
    try:
        made = [asd.convert("vqav2", given, out=tmp_path / f"d{number}", ratio=0, embed_images=True, image_root=root)
                for number in range(3)]  # fmt: skip
    finally:
        stop.set()
        writer.join()
    assert len({one.version for one in made}) == 1
