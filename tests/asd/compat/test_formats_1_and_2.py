"""Versions of the formats that earlier builds wrote are read as they were; the folder is what such a build left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest

import asd
from asd.columns import REWRITTEN_SCHEMA, SHARD_SCHEMA
from asd.shards.manifest import read_manifest
from asd.shards.store import Store
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines

KEPT = Path(__file__).parent / "formats_1_and_2"
FORMATS = {"v1": 1, "v2": 1, "v3": 2}
ROWS = 12


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(KEPT, tmp_path / "old"))


@pytest.mark.parametrize("name", FORMATS)
def test_an_old_version_opens_in_every_way(old: Path, name: str) -> None:
    store = Store(old)
    manifest = store.manifest(store.resolve(name))
    assert (manifest.format_version, manifest.images) == (FORMATS[name], None)
    expected = REWRITTEN_SCHEMA if FORMATS[name] == 2 else SHARD_SCHEMA
    assert manifest.row_schema.equals(expected)
    assert asd.verify(f"{old}@{name}").problems == []
    assert asd.load(f"{old}@{name}").column_names == expected.names
    assert len(asd.load(f"{old}@{name}")) == ROWS
    for command in (["inspect"], ["quality", "--json"], ["verify"]):
        assert run_asd(command[0], f"{old}@{name}", *command[1:]).code == 0
    out = old.parent / "exported"
    assert asd.export_version(f"{old}@{name}", to="llava", out=out, image_root=str(old)).data[0].path.is_file()


def test_what_an_old_manifest_says_is_written_back_byte_for_byte(old: Path) -> None:
    for path in sorted(old.glob("versions/*/manifest.json")):
        assert read_manifest(path.parent).to_json() == path.read_text("utf-8")


def test_old_and_new_versions_stand_side_by_side(old: Path, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "rows.jsonl", vqa_records(ROWS))
    done = asd.convert("vqav2", source, ratio=0.5, out=old)
    assert (done.number, done.manifest.format_version) == ("v4", 3)

    def loaded(*name: str) -> Any:
        return datasets.load_dataset(str(old), *name, split="train", cache_dir=str(tmp_path / "cache"))

    sizes = {name: len(loaded(name)) for name in ("default", "v1", "v2", "v3", "v4", "paper")}
    assert set(sizes.values()) == {ROWS}
    assert loaded().features["images"] == loaded("v1").features["images"] == datasets.List(datasets.Image(decode=False))
    assert loaded("v2").features["images"] == datasets.List(datasets.Image())
    assert loaded("v2")[0]["images"][0].size == (4, 4)
    for name in ("v1", "paper"):
        assert loaded(name).to_list() == asd.load(f"{old}@{name}").to_list()
    difference = asd.diff(f"{old}@v1", f"{old}@v4")
    assert difference.same + difference.restyled + difference.changed == ROWS
    assert difference.added == difference.removed == 0
    assert "columns" not in difference.settings
