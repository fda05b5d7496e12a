"""A version is found by every way in which people name it, and a folder of several datasets stands for all of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import asd
from asd.errors import UsageError
from asd.shards.locations import dataset_of_task, datasets_below, pairs_below
from asd.shards.store import split_location
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/one and data/two, of 30 and 40 rows."""
    root = tmp_path_factory.mktemp("several")
    for name, rows in (("one", 30), ("two", 40)):
        source = write_lines(root / f"{name}.jsonl", vqa_records(rows))
        asd.convert("vqav2", source, out=root / "data" / name, ratio=0.3, name="paper")
    return root / "data"


def test_ways_to_name_a_version(folder: Path) -> None:
    one = folder / "one"
    version = (one / "latest").readlink().name
    assert split_location(f"{one}/latest") == split_location(f"{one}/latest/") == (one, "latest")
    assert split_location(f"{one}/versions/{version}") == (one, version)
    assert split_location(f"{one}/v1") == (one, "v1")
    assert split_location(f"{one}@paper") == (one, "paper")
    for name in ("latest", f"versions/{version}", "v1", "paper"):
        for command in ("inspect", "verify", "quality"):
            assert run_asd(command, f"{one}/{name}").code == 0, (command, name)
        assert len(asd.load(f"{one}/{name}")) == 30
    assert run_asd("verify", f"{one}/v2").err.startswith("error: no version named 'v2'; did you mean 'v1'?")


def test_a_folder_of_several(folder: Path, tmp_path: Path) -> None:
    assert datasets_below(f"{folder}@v1") == [f"{folder}/one@v1", f"{folder}/two@v1"]
    assert datasets_below(f"{folder}/one") == [f"{folder}/one"]
    for command in ("inspect", "verify", "quality", "versions"):
        done = run_asd(command, folder)
        assert done.code == 0, done.err
        assert f"{folder}/one:\n" in done.out and f"\n{folder}/two:\n" in done.out
    told = json.loads(run_asd("verify", f"{folder}@paper", "--json").out)
    assert [(one["dataset"], one["found"]["rows"]) for one in told] == [
        (f"{folder}/one@paper", 30),
        (f"{folder}/two@paper", 40),
    ]
    assert len(asd.load(folder)) == 70
    assert asd.load(folder, style="yes_no").unique("style") == ["yes_no"]
    assert run_asd("inspect", folder, "--html", tmp_path / "page.html").code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"page-one.html", "page-two.html"}


def test_what_is_wrong_with_one_of_several_does_not_hide_the_others(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "data", symlinks=True)
    next((tmp_path / "data/one/latest/data").iterdir()).write_bytes(b"")
    done = run_asd("verify", tmp_path / "data")
    assert done.code == 1
    assert "two:\nversion " in done.out
    assert f"error: 1 of 2 datasets of {tmp_path}/data failed; the first: " in done.err


def test_pairs_and_tasks(folder: Path) -> None:
    assert list(pairs_below(f"{folder}@v1", str(folder))) == [
        (f"{folder}/one@v1", f"{folder}/one"),
        (f"{folder}/two@v1", f"{folder}/two"),
    ]
    assert run_asd("diff", folder, folder).out.count("settings: the same") == 2
    assert list(pairs_below(str(folder), f"{folder}/two")) == [(f"{folder}/two", f"{folder}/two")]
    with pytest.raises(UsageError, match=r"holds one, two, and .* holds nowhere: no dataset is in both"):
        list(pairs_below(str(folder), "nowhere"))
    with pytest.raises(UsageError, match=r"holds several datasets, 2 of task vqav2: one \(vqav2\), two \(vqav2\)"):
        dataset_of_task(str(folder), "vqav2")
    assert dataset_of_task(f"{folder}/one@v1", "gqa") == f"{folder}/one@v1"


def test_commands_for_one_dataset_name_those_inside(folder: Path) -> None:
    done = run_asd("push", folder, "--to", "OWNER/NAME")
    assert (
        f"{folder} holds several datasets, and one is wanted here. Give one of: {folder}/one, {folder}/two." in done.err
    )
