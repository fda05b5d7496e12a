"""Images that are not there, cannot be shown, or are addresses: left out, kept or an error, and always told."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

import asd
from asd.errors import SourceError, UnknownNameError
from asd.export.format import ADDRESSES
from asd.export.images import BROKEN, MISSING
from asd.export.run import Exported, ExportOptions, export
from asd.export.table import FORMATS
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines


def picture(kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.effect_noise((40, 40), 50).convert("RGB").save(out, kind)
    return out.getvalue()


FILES: dict[str, bytes | None] = {
    "0.jpg": picture(), "1.jpg": None, "2.jpg": b"", "3.jpg": b"<!DOCTYPE html><html>", "4.jpg": picture()[:300],
    "5.png": picture("PNG"), "6.png": picture("PNG")[:-900], "7.jpg": b'{"error": 404}', "8.jpg": bytes(500),
    "9.jpg": picture(), "10.jpg": None, "11.jpg": b"version https://git-lfs.github.com/spec/v1\n",
}  # fmt: skip
GOOD, ABSENT = {"q0", "q5", "q9"}, {"q1", "q10"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    for name, data in FILES.items():
        if data is not None:
            (folder / name).write_bytes(data)
    records = [one | {"image": name} for one, name in zip(vqa_records(len(FILES)), FILES, strict=True)]
    return asd.convert("vqav2", write_lines(folder / "train.jsonl", records), out=folder / "d", ratio=0).path


def run(made: Path, out: Path, form: str, **options: Any) -> Exported:
    return export([made], ExportOptions(form, out, **options))


MODES = [(name, mode.value) for name, form in FORMATS.items() for mode in form.images if mode.value != "paths"]


@pytest.mark.parametrize(("form", "images"), MODES)
def test_faulty_images_are_left_out_and_counted(form: str, images: str, made: Path, tmp_path: Path) -> None:
    for policy in (None, "skip"):
        (one,) = run(made, tmp_path / str(policy), form, images=images, missing_images=policy).data
        assert (one.records, one.part.left_out) == (len(GOOD), {MISSING: 2, BROKEN: 7})
        assert one.part.examples[MISSING] == ["1.jpg: No such file or directory", "10.jpg: No such file or directory"]
        assert one.part.examples[BROKEN][0] == "2.jpg: it is empty"


@pytest.mark.parametrize(("form", "images"), MODES)
def test_samples_may_be_kept_without_their_images(form: str, images: str, made: Path, tmp_path: Path) -> None:
    (one,) = run(made, tmp_path, form, images=images, missing_images="keep").data
    assert (one.records, +one.part.left_out) == (len(FILES), {})
    assert +one.part.noted == {MISSING: 2, BROKEN: 7}


@pytest.mark.parametrize(("form", "images"), MODES)
def test_the_first_faulty_image_may_stop_the_export(form: str, images: str, made: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"sample vqav2/train/q1: image 1.jpg cannot be read at .*1.jpg \(No such file"
    ):
        run(made, tmp_path, form, images=images, missing_images="error")
    assert [
        path for path in tmp_path.rglob("*") if path.suffix in (".json", ".jsonl", ".parquet", ".tar", ".tmp")
    ] == []


@pytest.mark.parametrize(("policy", "records"), [("skip", 10), ("keep", 12)])
def test_paths_are_looked_for_where_that_is_asked(policy: str, records: int, made: Path, tmp_path: Path) -> None:
    """Files are not opened, for nothing is read of them."""
    (one,) = run(made, tmp_path, "llava", missing_images=policy).data
    assert one.records == records
    assert +(one.part.left_out + one.part.noted) == {MISSING: 2}
    assert run(made, tmp_path, "llava").data[0].records == 12


def test_a_wrong_folder_is_an_error_that_names_it(made: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=rf"image 0.jpg cannot be read at {tmp_path}/0.jpg .* --image-root"):
        run(made, tmp_path / "out", "llava", images="copy", image_root=str(tmp_path))
    assert not list((tmp_path / "out").rglob("*.json"))
    (one,) = run(made, tmp_path / "out", "llava", images="copy", image_root=str(tmp_path), missing_images="skip").data
    assert (one.records, one.part.left_out) == (0, {MISSING: 12})


def test_what_was_left_out_is_told(made: Path, tmp_path: Path) -> None:
    done = run_asd("export", made, "--to", "llama-factory", "--out", tmp_path, "--images", "copy")
    assert done.code == 0
    assert "left out: 2 records with an image that is not there (1.jpg: No such file or directory; 10.jpg: " in done.out
    assert (
        "left out: 7 records with an image that cannot be shown (2.jpg: it is empty; 3.jpg: it is no image" in done.out
    )
    done = run_asd("export", made, "--out", tmp_path, "--images", "copy", "--missing-images", "keep", "--json")
    assert json.loads(done.out)["files"][0]["noted"] == {MISSING: 2, BROKEN: 7}
    with pytest.raises(UnknownNameError, match="no way to treat missing images named 'skp'; did you mean 'skip'"):
        run(made, tmp_path, "llava", missing_images="skp")


def test_addresses_are_kept_and_told(tmp_path: Path) -> None:
    address = "https://x.org/a//b.jpg"
    records = [one | {"image": address} for one in vqa_records(3)]
    path = asd.convert("vqav2", write_lines(tmp_path / "s.jsonl", records), out=tmp_path / "d", ratio=0).path
    for form, mode in [*MODES, *((name, "paths") for name in FORMATS)]:
        if form != "webdataset":  # which needs the bytes
            (one,) = run(path, tmp_path / form / mode, form, images=mode).data
            assert one.records == 3
            assert one.part.noted[ADDRESSES] == (3 if mode != "paths" else 0)
            text = str(pq.read_table(one.path).to_pylist()) if one.path.suffix == ".parquet" else one.path.read_text()
            assert address in text
