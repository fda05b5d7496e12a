"""What a killed run left is damaged before the next run goes on from it: that step is made again, and nothing differs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import asd
from asd.conversion.config import ConvertConfig
from asd.conversion.convert import convert
from asd.conversion.merge import merge
from asd.conversion.parts import run_part
from asd.conversion.progress import SilentProgress
from asd.engines.shared_staging import Part, SharedStaging
from asd.errors import ShardError, StorageError
from asd.shards.store import Store
from asd.work.done_mark import imprint_of, mark_beside, write_mark
from tests.asd.robustness.conversions import (
    Run,
    assert_only_this_remains,
    assert_still_latest,
    contents,
    settings,
    write_source,
)

Damage = Callable[[bytes], bytes]


def cut_off(data: bytes) -> bytes:
    return data[: len(data) // 2]


def emptied(data: bytes) -> bytes:
    return b""


def changed(data: bytes) -> bytes:
    """One byte in the middle, which no length tells."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def first_changed(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def last_changed(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def replaced(data: bytes) -> bytes:
    return b'{"valid": ["but", "something else"]}'


def of_no_style(data: bytes) -> bytes:
    """A draft file of outcomes that no maker gives."""
    return _with_column(data, "outcome", lambda column: np.full_like(column, 200))


def of_other_rows(data: bytes) -> bytes:
    return _with_column(data, "row", lambda column: column + 1)


def _with_column(data: bytes, name: str, change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    table = pa.ipc.open_file(data).read_all()
    place = table.schema.get_field_index(name)
    column = pa.array(change(table[name].to_numpy()), table.schema.field(place).type)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.set_column(place, table.schema.field(place), column))
    return bytes(sink.getvalue())


class Told(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source, a conversion killed while it wrote in `data`, and the same one, whole, in `whole`."""
    folder = tmp_path_factory.mktemp("damaged")
    write_source(folder)
    asd.convert(**settings(folder, out=folder / "whole"))
    staged = folder / "data" / ".staging" / str(Store(folder / "whole").latest())
    assert Run(settings(folder), folder).kill_when(lambda: len(list(staged.glob("assembled/train-*.json"))) >= 2)
    return folder


@pytest.fixture
def folder(killed: Path, tmp_path: Path) -> Path:
    shutil.copy(killed / "source.jsonl", tmp_path)
    shutil.copytree(killed / "data", tmp_path / "data", symlinks=True)
    return tmp_path


def damage(folder: Path, pattern: str, how: Damage) -> Path:
    path = sorted(folder.glob(f"data/.staging/*/{pattern}"))[0]
    path.write_bytes(how(path.read_bytes()))
    return path


def config(folder: Path) -> ConvertConfig:
    given = settings(folder)
    return ConvertConfig(**{**given, "source": str(given["source"])})


def go_on(folder: Path) -> list[str]:
    told = Told()
    convert(config(folder), told)
    return told.lines


def assert_same_as_whole(folder: Path, killed: Path) -> None:
    version = str(Store(killed / "whole").latest())
    assert_still_latest(folder / "data", version)
    assert contents(folder / "data" / "versions" / version) == contents(killed / "whole" / "versions" / version)
    assert_only_this_remains(folder / "data")


FIRST_PASS = ("keys.npy", "capable.npy", "polarity.npy", "done.json", "mining.arrow")
NATIVE = "native-train-00003.arrow"
ONE_BYTE = (first_changed, changed, last_changed)


@pytest.mark.parametrize(
    ("name", "how"),
    [(name, how) for how in (cut_off, emptied, changed, replaced) for name in (*FIRST_PASS, NATIVE)]
    + [(name, how) for how in (first_changed, last_changed) for name in ("keys.npy", "mining.arrow", NATIVE)],
)
def test_files_of_the_first_pass(folder: Path, killed: Path, name: str, how: Damage) -> None:
    path = damage(folder, f"ingest/{name}", how)
    (note,) = [line for line in go_on(folder) if str(path) in line]
    assert note.startswith(f"note: {path} ") and note.endswith(
        "; it is part of what an earlier run read, so the source was read again"
    )
    assert_same_as_whole(folder, killed)


def test_a_file_of_the_first_pass_that_is_gone(folder: Path, killed: Path) -> None:
    path = damage(folder, "ingest/keys.npy", cut_off)
    path.unlink()
    assert any(f"{path} cannot be read (No such file or directory)" in line for line in go_on(folder))
    assert_same_as_whole(folder, killed)


@pytest.mark.parametrize("how", [cut_off, emptied, changed, replaced])
@pytest.mark.parametrize("name", ["mining-index", "mining-index.xxh3"])
def test_the_mining_index(folder: Path, killed: Path, name: str, how: Damage) -> None:
    path = damage(folder, name, how)
    told = f"note: {path.with_name('mining-index')} is damaged (it has changed since it was written); making it again"
    assert told in go_on(folder)
    assert_same_as_whole(folder, killed)


@pytest.mark.parametrize("how", [cut_off, emptied, changed, replaced])
def test_what_is_known_of_finished_shards(folder: Path, killed: Path, how: Damage) -> None:
    damage(folder, "assembled/*.json", how)
    (folder / "data" / ".staging" / str(Store(killed / "whole").latest()) / "boot-id").write_bytes(b"\xff\x00")
    go_on(folder)
    assert_same_as_whole(folder, killed)


@pytest.mark.parametrize("how", [cut_off, emptied])
def test_finished_shards(folder: Path, killed: Path, how: Damage) -> None:
    path = damage(folder, "out/data/train-*.arrow", how)
    size = path.stat().st_size
    (note,) = [line for line in go_on(folder) if str(path) in line]
    assert note.startswith(f"note: {path} is damaged (it has {size} bytes, expected ") and note.endswith(
        "making it again"
    )
    assert_same_as_whole(folder, killed)


@pytest.mark.parametrize("how", ONE_BYTE)
def test_one_byte_of_a_finished_shard(folder: Path, killed: Path, how: Damage) -> None:
    path = damage(folder, "out/data/train-*.arrow", how)
    assert f"note: {path} is damaged (it has changed since it was written); making it again" in go_on(folder)
    assert_same_as_whole(folder, killed)


def test_a_finished_shard_whose_mark_is_damaged(folder: Path, killed: Path) -> None:
    mark = damage(folder, "assembled/*.json", changed)
    assert any(f"({mark} cannot be read (" in line and line.endswith("making it again") for line in go_on(folder))
    assert_same_as_whole(folder, killed)


@pytest.mark.parametrize("how", [cut_off, emptied, of_no_style, of_other_rows, *ONE_BYTE])
@pytest.mark.parametrize("place", ["drafts/*.arrow", "drafts/*.arrow.xxh3"])
def test_draft_files(folder: Path, killed: Path, place: str, how: Damage) -> None:
    if how in (of_no_style, of_other_rows) and place.endswith(".xxh3"):
        pytest.skip("a mark has no columns")
    path = damage(folder, place, how)
    drafts = path.with_name(path.name.removesuffix(".xxh3"))
    assert f"note: {drafts} is damaged (it has changed since it was written); making it again" in go_on(folder)
    assert_same_as_whole(folder, killed)


@pytest.mark.parametrize("how", [of_no_style, of_other_rows])
def test_draft_files_that_answer_something_else_say_what_to_do(folder: Path, killed: Path, how: Damage) -> None:
    """They are as they were left, by their marks, so making them again would help nobody to find out why."""
    path = damage(folder, "drafts/*.arrow", how)
    write_mark(mark_beside(path), {path.name: imprint_of(path)})
    with pytest.raises(StorageError, match=rf"{path.name} cannot be read any more .*asd versions .*data --clean`"):
        go_on(folder)
    Store(folder / "data").clean()
    go_on(folder)
    assert_same_as_whole(folder, killed)


class TestParts:
    def begun(self, folder: Path) -> Path:
        shutil.rmtree(folder / "data")
        run_part(config(folder), Part(0, 2))
        return damage(folder, "ingest/keys.npy", changed)

    def test_the_next_part_reads_the_source_again(self, folder: Path, killed: Path) -> None:
        path, told = self.begun(folder), Told()
        run_part(config(folder), Part(1, 2), progress=told)
        assert any(f"{path} has changed since it was written" in line for line in told.lines)
        merge(folder / "data")
        assert_same_as_whole(folder, killed)

    def test_the_merge_does(self, folder: Path, killed: Path) -> None:
        self.begun(folder)
        merge(folder / "data", finish=True)
        assert_same_as_whole(folder, killed)

    @pytest.mark.parametrize("how", ONE_BYTE)
    def test_drafts_of_another_part_are_waited_for_until_it_makes_them_again(
        self, folder: Path, killed: Path, how: Damage
    ) -> None:
        shutil.rmtree(folder / "data")
        assert run_part(config(folder), Part(0, 2)).waiting_for == (1,)
        path = damage(folder, "drafts/*.arrow", how)
        assert run_part(config(folder), Part(1, 2)).waiting_for == (0,)
        told = Told()
        run_part(config(folder), Part(0, 2), progress=told)
        assert any(f"{path} is damaged" in line for line in told.lines)
        run_part(config(folder), Part(1, 2))
        merge(folder / "data")
        assert_same_as_whole(folder, killed)

    def test_the_next_part_reads_again_what_it_is_to_work_on(self, folder: Path, killed: Path) -> None:
        shutil.rmtree(folder / "data")
        run_part(config(folder), Part(0, 2))
        path, told = damage(folder, f"ingest/{NATIVE}", changed), Told()
        run_part(config(folder), Part(1, 2), progress=told)
        assert any(f"{path} has changed since it was written" in line for line in told.lines)
        merge(folder / "data", finish=True)
        assert_same_as_whole(folder, killed)

    def test_what_the_parts_agreed_on(self, folder: Path) -> None:
        self.begun(folder)
        path = damage(folder, "parts/conversion.json", changed)
        with pytest.raises(ShardError, match=rf"{path} cannot be read .*Run `asd convert` with the parts' settings"):
            merge(folder / "data", finish=True)

    def test_but_not_beside_a_part_that_may_be_reading(self, folder: Path) -> None:
        self.begun(folder)
        (staged,) = Store(folder / "data").unfinished()
        shared = SharedStaging(Store(folder / "data").staging(staged.version))
        message = r"keys\.npy has changed .*, and part 0, at work, may be reading beside it\. Run this part again when"
        with shared.at_work(Part(0, 2)), pytest.raises(ShardError, match=message):
            run_part(config(folder), Part(1, 2))
        assert run_part(config(folder), Part(1, 2)).blocks
