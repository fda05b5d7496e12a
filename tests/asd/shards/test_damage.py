"""Shards with damage anywhere: an error that names the file, never a crash and never a traceback of another kind."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

import asd
from asd.errors import ShardError, StorageError, UnknownNameError, UsageError
from asd.shards.reader import read_batches, read_shard
from asd.shards.store import Store
from tests.asd.sources_made import vqa_records, write_lines
from tests.conftest import REPO

READ_ALL = """
import json, sys
from pathlib import Path
from asd.errors import ShardError
from asd.shards.reader import read_shard
told = []
for path in sorted(Path(sys.argv[1]).glob("*.arrow")):
    try:
        told.append(sum(len(batch.to_pylist()) for batch in read_shard(path)))
    except ShardError as exc:
        told.append(str(exc))
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damage")
    source = write_lines(folder / "source.jsonl", vqa_records(40))
    return asd.convert("vqav2", source, out=folder / "data", ratio=0.5, shard_rows=20).path


def test_bytes_that_changed_anywhere(data: Path, tmp_path: Path) -> None:
    """In a process of its own, because a crash would take the tests with it."""
    whole = (data / "latest" / "data" / "train-00000.arrow").read_bytes()
    draw = random.Random(0)
    for number in range(150):
        damaged = bytearray(whole)
        for _ in range(draw.choice([1, 8, 200])):
            damaged[draw.randrange(len(whole))] = draw.randrange(256)
        (tmp_path / f"{number:03d}.arrow").write_bytes(damaged)
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, tmp_path], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told) == 150
    problems = [item for item in told if isinstance(item, str)]
    assert len(problems) > 50
    assert all("Run `asd verify` on the dataset" in problem for problem in problems)


def test_other_arrow_files_are_no_shards(tmp_path: Path) -> None:
    import pyarrow as pa

    path = tmp_path / "x.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, pa.schema([("a", pa.int32())])):
        pass
    with pytest.raises(ShardError, match="its columns are not those of this format"):
        list(read_shard(path))


def test_load_sees_a_shard_that_was_cut_off(data: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(data, tmp_path / "data", symlinks=True)
    shard = tmp_path / "data" / "latest" / "data" / "train-00001.arrow"
    cut = shard.read_bytes()[:-1]
    shard.unlink()
    shard.write_bytes(cut)
    with pytest.raises(ShardError, match=r"train-00001\.arrow has \d+ bytes, expected \d+"):
        asd.load(tmp_path / "data")
    shard.unlink()
    with pytest.raises(ShardError, match=r"train-00001\.arrow cannot be read \(No such file"):
        asd.load(tmp_path / "data")


def test_a_copy_that_turned_the_link_into_a_folder(data: Path, tmp_path: Path) -> None:
    """As file systems without links and some copying tools do: it can be read, and is not overwritten."""
    import shutil

    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    assert not (copy / "latest").is_symlink()
    assert Store(copy).latest() == Store(data).latest()
    assert sum(batch.num_rows for batch in read_batches(copy)) == 40
    source = write_lines(tmp_path / "source.jsonl", vqa_records(40))
    with pytest.raises(StorageError, match="latest is a folder, not the link that it should be"):
        asd.convert("vqav2", source, out=copy, seed=5)
    shutil.rmtree(copy / "latest")
    assert asd.convert("vqav2", source, out=copy, seed=5).number == "v2"


def test_errors_keep_their_parts_when_they_cross_processes() -> None:
    import pickle

    error = UnknownNameError("style", "yes_on", ["yes_no"], hint="Look there.")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is UnknownNameError
    assert (str(copy), copy.known, copy.exit_code) == (str(error), ["yes_no"], 2)
    assert str(pickle.loads(pickle.dumps(UsageError("x")))) == "x"


def test_settings_about_several_things_are_told_in_one_line(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "source.jsonl", vqa_records(4))
    with pytest.raises(UsageError, match=r"^ratio_per_style: the shares add up to 1.8, more than 1\.$"):
        asd.convert("vqav2", source, ratio_per_style={"yes_no": 0.9, "multiple_choice": 0.9})
    with pytest.raises(UsageError, match=r"^ratio_per_style: no style is named\.$"):
        asd.convert("vqav2", source, ratio_per_style={})
    with pytest.raises(UsageError, match=r"^styles: no style is named \(got \(\)\)\.$"):
        asd.convert("vqav2", source, styles=())
