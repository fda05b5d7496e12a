"""What holds for every format: the same bytes, whole files or none, bounded memory, images, and mistakes told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import asd
from asd.errors import AsdError, SourceError, StorageError, UnknownNameError, UsageError
from asd.export.run import ExportOptions, export
from asd.export.table import FORMATS
from tests.asd.cli_runner import run_asd
from tests.asd.export.conftest import Datasets
from tests.asd.sources_made import vqa_records, write_lines

REPO = Path(__file__).parents[3]


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_export_gives_the_same_bytes_and_no_leftovers(form: str, data: Datasets, tmp_path: Path) -> None:
    options = ExportOptions(form, tmp_path / "out")
    done = export([data.drawn], options)
    first = files(tmp_path / "out")
    assert set(first) == {path.relative_to(tmp_path / "out").as_posix() for path in
                          (*(one.path for one in done.data), *done.beside)}  # fmt: skip
    export([data.drawn], options)
    assert files(tmp_path / "out") == first


_KILLED = """
import os, signal, sys
from pathlib import Path
import asd.export.writing as writing
from asd.export.run import ExportOptions, export
write = writing.orjson.dumps
left = [20]

class Dumps:
    def dumps(self, record):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(record)

writing.orjson = Dumps()
export([sys.argv[1]], ExportOptions("llava", Path(sys.argv[2])))
"""


@pytest.mark.parametrize("out", ["out", "one.json"])
def test_what_a_killed_export_left_goes_with_the_next_one(data: Datasets, tmp_path: Path, out: str) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, data.drawn, tmp_path / out], cwd=REPO, check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = files(tmp_path)
    assert left.endswith(".tmp")
    running = tmp_path / Path(left).with_name(f".x.json.{os.getppid()}.tmp")
    running.write_text("of an export that is at work")
    export([data.drawn], ExportOptions("llava", tmp_path / out))
    assert [name for name in files(tmp_path) if name.endswith(".tmp")] == [running.relative_to(tmp_path).as_posix()]


@pytest.mark.parametrize("form", [name for name, form in FORMATS.items() if "copy" in form.images])
def test_copied_images_lie_beside_the_files(form: str, data: Datasets, tmp_path: Path) -> None:
    export([data.drawn], ExportOptions(form, tmp_path, images="copy"))
    copied = [name for name in files(tmp_path) if name.startswith("images/scienceqa/")]
    assert len(copied) > 10
    text = b"".join(content for name, content in files(tmp_path).items() if not name.startswith("images/"))
    if form not in ("trl", "trl-sdft", "parquet"):  # compressed
        assert all(name.encode() in text for name in copied)


def test_styles_are_chosen_and_native_is_a_name(data: Datasets, tmp_path: Path) -> None:
    def styles(name: str, *wanted: str) -> set[str]:
        done = export([data.drawn], ExportOptions("llava", tmp_path / name, styles=wanted))
        return {record["style"] for record in json.loads(done.data[0].path.read_text())}

    assert styles("a", "native") == {"multiple_choice"}
    assert styles("b", "yes_no", "native") == {"yes_no", "multiple_choice"}


def test_a_split_a_file_and_one_file_for_all(data: Datasets, tmp_path: Path) -> None:
    done = export([data.splits], ExportOptions("llava", tmp_path / "out"))
    assert [one.path.name for one in done.data] == ["test.json", "train.json"]
    done = export([data.splits], ExportOptions("llava", tmp_path / "all.json"))
    ids = [record["id"] for record in json.loads((tmp_path / "all.json").read_text())]
    assert ids == ["test/t0", "test/t1", "train/t0", "train/t1", "train/t2"]


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, 16_000):
        source = write_lines(tmp_path / f"{count}.jsonl", vqa_records(count))
        made = asd.convert("vqav2", source, out=tmp_path / f"d{count}", ratio=0.1)
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        export([made.path], ExportOptions("llava", tmp_path / f"o{count}"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert pa.total_allocated_bytes() - before < 1 << 20
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"format": "llvaa"}, UnknownNameError, "no export format named 'llvaa'; did you mean 'llava'"),
        ({"images": "embed"}, UnknownNameError, "no way of llava to give images named 'embed'"),
        ({"split": "trian"}, UnknownNameError, "no split named 'trian'; did you mean 'train'"),
        ({"styles": ("bounding_box",)}, UsageError, "has no samples of style bounding_box; it has: .*yes_no"),
        ({"styles": ("yes_on",)}, UnknownNameError, "no answer style named 'yes_on'; did you mean 'yes_no'"),
        ({"styles": ()}, UsageError, r"has no samples of style \(none named\)"),
        ({"out": "x.jsonl"}, UsageError, "format llava writes .json files"),
    ],
)
def test_mistakes_are_told(
    options: dict[str, Any], error: type[AsdError], message: str, data: Datasets, tmp_path: Path
) -> None:
    given = {"format": "llava", **options, "out": tmp_path / options.get("out", "out")}
    with pytest.raises(error, match=message):
        export([data.vqa], ExportOptions(**given))
    assert not list(tmp_path.iterdir())


def test_two_datasets_of_one_task_never_write_over_each_other(data: Datasets, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"two of the datasets would both be written to .*vqav2/train.json"):
        export([data.vqa, data.vqa], ExportOptions("llava", tmp_path))
    with pytest.raises(UsageError, match="is one file, and several datasets"):
        export([data.vqa, data.drawn], ExportOptions("llava", tmp_path / "x.json"))


def test_images_that_are_not_there(data: Datasets, tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"sample vqav2/train/r0#0: image images/q0.jpg cannot be read at .*--image-root"
    ):
        export([data.vqa], ExportOptions("llava", tmp_path / "a", images="copy"))
    with pytest.raises(SourceError, match="--image-root"):
        export([data.vqa], ExportOptions("webdataset", tmp_path / "b"))
    with pytest.raises(UsageError, match="is an address; reading the images needs a folder"):
        export([data.drawn], ExportOptions("openai", tmp_path / "c", images="embed", image_root="https://x.org"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_stands_in_the_way_of_a_side_file(data: Datasets, tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text("[]")
    with pytest.raises(StorageError, match=r"dataset_info\.json is there and is no JSON object. Move it away"):
        export([data.vqa], ExportOptions("llama-factory", tmp_path))
    (tmp_path / "dataset_info.json").write_text("{")
    with pytest.raises(StorageError, match="cannot be read as JSON"):
        export([data.vqa], ExportOptions("llama-factory", tmp_path))


class TestCommand:
    def test_it_lists_its_formats(self) -> None:
        done = run_asd("export", "--to", "help")
        assert done.code == 0
        assert [line.split()[0] for line in done.out.splitlines()] == list(FORMATS)

    def test_what_was_written_and_how_to_use_it(self, data: Datasets, tmp_path: Path) -> None:
        done = run_asd("export", data.drawn, "--to", "llama-factory", "--out", tmp_path)
        assert done.out.startswith(
            f"wrote 120 records to {tmp_path}/scienceqa-sample_train.json\nwrote {tmp_path}/dataset_info"
        )
        assert f"dataset_dir: {tmp_path}  dataset: asd_scienceqa_sample media_dir: {data.drawn}/source" in done.out
        document = json.loads(run_asd("export", data.tools, "--to", "unsloth", "--out", tmp_path, "--json").out)
        assert document["files"][0]["left_out"] == {"tool calls, which this format cannot hold": 1}
        said = run_asd("export", data.tools, "--to", "unsloth", "--out", tmp_path).out
        assert "left out: 1 records with tool calls" in said

    @pytest.mark.parametrize("form", ["trl", "llama-factory", "llava", "gcltuner", "parquet"])
    def test_images_that_the_trainer_would_not_find(self, form: str, data: Datasets, tmp_path: Path) -> None:
        asked = ("export", data.drawn, "--to", form, "--out", tmp_path)
        rows = asd.load(data.drawn)
        number = len({image["path"] for row in rows for image in row["images"]})
        (warning,) = [line for line in run_asd(*asked, "--image-root", tmp_path).out.splitlines() if "warning" in line]
        assert warning.startswith(f"warning: {number} images are not in {tmp_path} (the first: ")
        assert "Give the folder of the images with --image-root, or put them there" in warning
        assert "warning" not in run_asd(*asked).out
        assert json.loads(run_asd(*asked, "--json").out)["warnings"] == []

    def test_a_format_of_images_for_rows_without_any(self, data: Datasets, tmp_path: Path) -> None:
        for form, warnings in (("llava", 1), ("gcltuner", 1), ("ms-swift", 0)):
            document = json.loads(run_asd("export", data.tools, "--to", form, "--out", tmp_path / form, "--json").out)
            assert len(document["warnings"]) == warnings
            for text in document["warnings"]:
                assert f" records holds an image, and {form} is for data with images. If they should have some" in text

    def test_nothing_to_export(self, tmp_path: Path) -> None:
        done = run_asd("export", "--out", tmp_path)
        assert (done.code, done.err[:30]) == (2, "error: give DIR, one or more d")
        done = run_asd("export", tmp_path)
        assert (done.code, done.err) == (2, "error: give --out FOLDER, where to write the files.\n")
