"""`asd.show`: one row or several, with the images of the version's recorded root."""

from __future__ import annotations

import pickle
from pathlib import Path

import polars as pl
import pytest
from report_rows import make_choice, make_picture, make_row

import asd
from asd.report.gallery import Gallery
from asd.report.notebook import SampleView
from tests.asd.sources_made import vqa_records, write_lines


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 rows, of which 16 are converted; every image is there."""
    folder = tmp_path_factory.mktemp("shown")
    records = [{**record, "image": f"{number}.png"} for number, record in enumerate(vqa_records(40))]
    (folder / "pictures").mkdir()
    for number in range(40):
        (folder / "pictures" / f"{number}.png").write_bytes(make_picture())
    source = write_lines(folder / "source.jsonl", records)
    return asd.convert("vqav2", source, out=folder / "data", ratio=0.4, image_root=folder / "pictures").path


def pictures_in(view: SampleView | Gallery) -> int:
    html = view._repr_html_()
    assert 'class="missing"' not in html
    return html.count("data:image/jpeg;base64,")


def test_a_row_and_rows_find_their_images_by_the_recorded_root(data: Path) -> None:
    rows = asd.load(data)
    for row in (rows[0], rows[-1], next(iter(rows)), rows.shuffle(seed=1)[0], rows.filter(lambda row: True)[3],
                rows.remove_columns("seed").select(range(5))[2], rows.train_test_split(0.5, seed=0)["test"][0],
                rows.map(lambda row: row)[1], pickle.loads(pickle.dumps(rows))[1]):  # fmt: skip
        assert pictures_in(asd.show(row)) == 1
    assert pictures_in(asd.show(rows, n=7)) == 7
    assert pictures_in(asd.show(rows[4:9])) == 5
    assert pictures_in(asd.show([rows[1], rows[2]])) == 2
    assert pictures_in(asd.show(str(data), n=3)) == 3
    assert pictures_in(asd.show(f"{data}@v1", n=3)) == 3
    assert pictures_in(asd.show(rows.to_list(), n=3, image_root=data.parent / "pictures")) == 3


def test_rows_that_know_no_root_say_so(data: Path) -> None:
    assert "no image root" in asd.show(asd.load(data).to_list(), n=1)._repr_html_()


def test_pictures_that_are_decoded_already_are_shown(data: Path) -> None:
    import datasets
    from PIL import Image

    row = asd.load(data)[0] | {"images": [Image.new("RGB", (30, 20))]}
    assert "data:image/jpeg" in asd.show(row)._repr_html_()
    assert "data:image/jpeg" in asd.show(datasets.Dataset.from_list([row]))._repr_html_()


def test_each_style_has_its_turn_and_converted_rows_come_first(data: Path) -> None:
    rows = asd.load(data)
    shown = asd.show(rows, n=4)
    assert isinstance(shown, Gallery)
    converted = {row["style"] for row in rows if row["maker"] != "native"}
    assert len({row["style"] for row in shown.rows}) == min(4, len({*rows["style"]}))
    assert {row["style"] for row in shown.rows[: len(converted)]} == converted
    assert shown.rows[0]["maker"] != "native"
    assert repr(shown).startswith("4 of 40 samples\n")


def test_filters_by_style_and_maker(data: Path) -> None:
    rows = asd.load(data)
    some = asd.show(rows, style="yes_no")
    assert {row["style"] for row in some.rows} == {"yes_no"}
    mined = asd.show(rows, style=["yes_no", "multiple_choice"], maker="mined", n=100)
    wanted = [row["id"] for row in rows if row["style"] in ("yes_no", "multiple_choice") and row["maker"] == "mined"]
    assert [row["id"] for row in mined.rows] == wanted
    frame = pl.scan_ipc(data / "latest/data/*.arrow").collect()
    assert [row["id"] for row in asd.show(frame, maker="native", n=100).rows] == [
        row["id"] for row in rows if row["maker"] == "native"
    ]
    assert repr(asd.show(rows, style="bounding_box")) == "no samples"


def test_the_page_filters_by_style_without_a_script_and_holds_before_and_after() -> None:
    html = asd.show([make_row(1), make_choice(2, question="<script>alert(1)</script>")])._repr_html_()
    assert "<script" not in html and "http" not in html
    assert html.count('type="radio"') == 3  # all and two styles
    assert "Before: short_answer" in html and "After: multiple_choice" in html


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asd.report.thumbnails.MAX_BYTES", 1 << 20)
    with (tmp_path / "1.jpg").open("wb") as file:
        file.truncate((1 << 20) + 1)
    assert "larger than 1 MiB" in asd.show(make_row(1), image_root=tmp_path)._repr_html_()


def test_what_cannot_be_shown(data: Path) -> None:
    with pytest.raises(asd.AsdError, match=r"cannot show int 5: give a row of `asd\.load`"):
        asd.show(5)
    with pytest.raises(asd.AsdError, match="cannot show str 'a'"):
        asd.show(["a"])
    with pytest.raises(asd.AsdError, match=r"n = 0: give the number of samples to show"):
        asd.show(asd.load(data), n=0)
    with pytest.raises(asd.AsdError, match="no maker named 'minned'"):
        asd.show(asd.load(data), maker="minned")
    with pytest.raises(asd.AsdError, match="no answer style named 'yesno'"):
        asd.show(asd.load(data), style="yesno")
