"""A source's pictures: paths, absolute paths, addresses, data URIs, base64, bytes; kept whole, or refused by name."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from asd.schemas.styles import AnswerStyle
from asd.sources.bad_record import BadRecordError
from asd.sources.image_text import holds_absolute_path, image_text, path_and_data, roots_of
from asd.sources.open import open_source
from tests.asd.sources.test_llava import make_record, make_spec, write


def picture(kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image = Image.effect_noise((24, 24), 90).convert("RGB")
    image.save(out, kind, **options)
    return out.getvalue()


PNG = picture()
JPEG = picture("JPEG")
B64 = base64.b64encode(PNG).decode()
URI = f"data:image/png;base64,{B64}"

DATA: dict[str, tuple[Any, bytes, str]] = {
    "PNG": (URI, PNG, ""),
    "JPEG": (f"data:image/jpeg;base64,{base64.b64encode(JPEG).decode()}", JPEG, ""),
    "wrong type": (f"data:image/jpg;base64,{B64}", PNG, ""),
    "capitals": (f"DATA:image/PNG;BASE64,{B64}", PNG, ""),
    "no type": (f"data:;base64,{B64}", PNG, ""),
    "a name": (f"data:image/png;name=a%20b.png;base64,{B64}", PNG, "a b.png"),
    "a character set": (f"data:image/png;charset=utf-8;base64,{B64}", PNG, ""),
    "line breaks": (f"data:image/png;base64,{B64[:40]}\n{B64[40:]}\r\n", PNG, ""),
    "no padding": (URI.rstrip("="), PNG, ""),
    "the other alphabet": (f"data:image/png;base64,{base64.urlsafe_b64encode(PNG).decode()}", PNG, ""),
    "escaped base64": (f"data:image/png;base64,{quote(B64, safe='')}", PNG, ""),
    "escaped bytes": (f"data:image/png,{quote(PNG)}", PNG, ""),
    "bare base64, PNG": (B64, PNG, ""),
    "bare base64, JPEG": (base64.b64encode(JPEG).decode(), JPEG, ""),
    "bare base64, WebP": (base64.b64encode(WEBP := picture("WEBP")).decode(), WEBP, ""),
    "bare base64, GIF": (base64.b64encode(GIF := picture("GIF")).decode(), GIF, ""),
    "bytes": (PNG, PNG, ""),
    "datasets": ({"bytes": PNG, "path": "a/b.png"}, PNG, "a/b.png"),
    "datasets, no path": ({"bytes": PNG, "path": None}, PNG, ""),
    "datasets, a path of elsewhere": ({"bytes": PNG, "path": "/home/x/b.png"}, PNG, "b.png"),
    "datasets, a path upwards": ({"bytes": PNG, "path": "../b.png"}, PNG, "b.png"),
    "datasets, an address": ({"bytes": PNG, "path": "https://x.org/d/b.png?w=3"}, PNG, "b.png"),
    "base64 in an object": ({"base64": B64}, PNG, ""),
    "a URI in an object": ({"url": URI}, PNG, ""),
    "OpenAI": ({"image_url": {"url": URI}}, PNG, ""),
    "Anthropic": ({"type": "base64", "media_type": "image/png", "data": B64}, PNG, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", DATA)
def test_data_is_kept_byte_for_byte(name: str) -> None:
    given, data, called = DATA[name]
    path, found = path_and_data(image_text(given))
    assert found == data
    assert path == called or (not called and len(path.split(".")[0]) == 32)


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_any_name_stays_within_the_root(name: str) -> None:
    try:
        path, _ = path_and_data(image_text({"bytes": PNG, "path": name}))
    except BadRecordError as bad:
        assert bad.reason == "bad_image"
        return
    assert not path.startswith("/")
    assert ".." not in path.split("/")


@pytest.mark.parametrize(
    ("given", "reason", "told"),
    [
        ("data:image/png;base64,", "bad_image", "cannot be shown: it is empty"),
        ("data:image/png;base64,!!!!", "bad_image", "its base64 cannot be read"),
        (f"data:image/png;base64,{B64[: len(B64) // 2]}", "bad_image", "cannot be shown"),
        ("data:text/html;base64,PGh0bWw+PC9odG1sPg==", "bad_image", "no image in a format that is known"),
        ("data:image/svg+xml,<svg/>", "bad_image", "no image in a format that is known"),
        ("data:image/png;base64", "bad_image", "without a comma"),
        ({"bytes": b"", "path": "a.png"}, "bad_image", "a.png (0 bytes) cannot be shown: it is empty"),
        ({"bytes": b"<!DOCTYPE html><html>", "path": None}, "bad_image", "the image (21 bytes) cannot be shown"),
        ({"bytes": JPEG[: len(JPEG) // 2], "path": "half.jpg"}, "bad_image", "half.jpg"),
        ({"bytes": [137, 80], "path": None}, "bad_image", "must be bytes or base64"),
        ({"height": 3}, "bad_image", "neither path nor bytes (keys: height)"),
        (5, "bad_image", "found '5'"),
        ("/data/a.jpg", "image_outside_root", "name a folder above it with --image-root"),
        ("//data/a.jpg", "image_outside_root", "absolute path '/data/a.jpg'"),
        ("file:///data/a.jpg", "image_outside_root", "absolute path '/data/a.jpg'"),
        ("C:\\data\\a.jpg", "image_outside_root", "expected a path relative"),
        ("../a.jpg", "image_outside_root", "expected a path relative"),
        ("a\x00.jpg", "image_outside_root", "has a NUL"),
    ],
)
def test_what_is_no_picture_is_refused(given: Any, reason: str, told: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        image_text(given)
    assert caught.value.reason == reason
    assert told in caught.value.detail


@pytest.mark.parametrize(
    "address",
    ["https://x.org/a//b.jpg?w=1", "http://x.org/./a.png", "s3://bucket/a//b.jpg", "gs://b/a.jpg", "hf://d/a.jpg"],
)
def test_addresses_are_kept_letter_for_letter(address: str) -> None:
    assert image_text(address) == address
    assert image_text({"url": address}) == address
    assert path_and_data(address) == (address, None)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/data/coco/train/0.jpg", "train/0.jpg"),
        ("/data/coco//train/./0.jpg", "train/0.jpg"),
        ("/data/coco/a/../0.jpg", "0.jpg"),
        ("file:///data/coco/a%20b.jpg", "a b.jpg"),
        ("/mnt/coco/0.jpg", "0.jpg"),
        ("//data/coco/0.jpg", "0.jpg"),
        ("train/0.jpg", "train/0.jpg"),
        ({"path": "/data/coco/0.jpg"}, "0.jpg"),
    ],
)
def test_absolute_paths_below_the_root_become_relative(path: Any, found: str) -> None:
    assert image_text(path, ("/data/coco", "/mnt/coco")) == found


@pytest.mark.parametrize("path", ["/data/coco2/0.jpg", "/data/coco", "/data/coco/../0.jpg", "/0.jpg"])
def test_absolute_paths_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        image_text(path, ("/data/coco",))
    assert caught.value.detail.endswith("it is not below --image-root /data/coco")


def test_what_counts_as_absolute() -> None:
    assert all(map(holds_absolute_path, ["/a", "file:///a", {"path": "/a"}, ["b", "/a"]]))
    jpeg = base64.b64encode(JPEG).decode()
    assert jpeg.startswith("/9j/")
    assert not any(map(holds_absolute_path, ["a", jpeg, URI, {"path": "a"}, None, 5, "https://a"]))


@pytest.mark.parametrize("form", ["array", "lines"])
def test_a_source_of_absolute_paths(form: str, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "link").symlink_to("pictures")
    records = [
        make_record("q?", "a", id=number, image=str(tmp_path / "pictures" / f"{number}.jpg")) for number in range(3)
    ]
    path = write(tmp_path / "train.json", [*records, make_record("q?", "a", id=9, image="9.jpg")], form)
    for root in ("pictures", "link"):
        (batch,) = open_source(make_spec(), path, image_root=tmp_path / root).batches()
        assert batch.table["images"].to_pylist() == [["0.jpg"], ["1.jpg"], ["2.jpg"], ["9.jpg"]]
    assert open_source(make_spec(), path, image_root=tmp_path / "link").roots_in_paths == roots_of(tmp_path / "link")
    (batch,) = open_source(make_spec(), path).batches()
    assert [reject.reason for reject in batch.rejects] == ["image_outside_root"] * 3


def test_a_layout_of_absolute_paths_and_of_data(tmp_path: Path) -> None:
    layout = {"name": "rows", "files": "*.json", "columns": {"question": "q", "gold": "a", "images": "pictures"}}
    values = [
        str(tmp_path / "0.jpg"),
        [URI, "b//c.jpg"],
        {"bytes": B64, "path": "n.png"},
        "https://x.org/a.jpg",
        7,
        None,
    ]
    path = write(tmp_path / "train.json", [{"q": "?", "a": "x", "pictures": value} for value in values])
    (batch,) = open_source(make_spec(layouts=[layout]), path, image_root=tmp_path).batches()
    assert batch.rejects == []
    found = batch.table["images"].to_pylist()
    assert [found[0], found[3], found[4], found[5]] == [["0.jpg"], ["https://x.org/a.jpg"], ["7"], []]
    assert path_and_data(found[1][0])[1] == PNG
    assert found[1][1] == "b//c.jpg"
    assert path_and_data(found[2][0]) == ("n.png", PNG)


def test_relative_sources_do_not_depend_on_the_root(tmp_path: Path) -> None:
    path = write(tmp_path / "train.json", [make_record("q?", "a")])
    assert open_source(make_spec(), path, image_root=tmp_path).roots_in_paths == ()


def test_a_dialogue_keeps_its_data(tmp_path: Path) -> None:
    path = write(tmp_path / "train.json", [make_record("<image>\nq?", "a", image=URI)])
    (batch,) = open_source(make_spec(AnswerStyle.FREE_FORM.value), path).batches()
    assert path_and_data(batch.table["images"].to_pylist()[0][0])[1] == PNG
