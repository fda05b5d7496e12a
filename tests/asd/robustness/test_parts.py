"""A conversion handed out in parts: one after the other, all at once, or killed, it comes out the same."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.conversion.config import ConvertConfig
from asd.conversion.merge import merge
from asd.conversion.parts import run_part
from asd.engines.part import PartReport
from asd.engines.shared_staging import Part, SharedStaging
from asd.errors import ShardError, SourceError, UnknownNameError, UsageError
from asd.shards.store import Store
from tests.asd.cli_runner import run_asd
from tests.asd.robustness.conversions import (
    SHARDS,
    Run,
    assert_only_this_remains,
    assert_still_latest,
    contents,
    identities,
    part_elsewhere,
    settings,
    write_source,
)

COUNT = 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source, and the version made by one process in `whole`."""
    folder = tmp_path_factory.mktemp("parts")
    write_source(folder)
    asd.convert(**settings(folder, out=folder / "whole"))
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    shutil.copy(whole / "source.jsonl", tmp_path)
    return tmp_path


def config(folder: Path, **other: Any) -> ConvertConfig:
    given = settings(folder, **other)
    return ConvertConfig(**{**given, "source": str(given["source"])})


def part(folder: Path, index: int, count: int = COUNT, wait_s: float = 0.0, **other: Any) -> PartReport:
    return run_part(config(folder, **other), Part(index, count), wait_s=wait_s)


def in_turn(folder: Path, **other: Any) -> list[PartReport]:
    """All parts one after the other, again and again: a pass for each round of the plan, and one for the rest."""
    for _ in range(5):
        reports = [part(folder, index, **other) for index in range(COUNT)]
        if all(report.is_done for report in reports):
            return reports
    raise AssertionError(reports)


def start(folder: Path, index: int, count: int = COUNT, wait_s: float = 60.0) -> Run:
    return Run(settings(folder, part=(index, count, wait_s)), folder, part_elsewhere)


def assert_same_as_whole(folder: Path, whole: Path) -> None:
    version = Store(whole / "whole").latest()
    assert version is not None
    assert_still_latest(folder / "data", version)
    assert contents(folder / "data" / "versions" / version) == contents(whole / "whole" / "versions" / version)
    assert_only_this_remains(folder / "data")


def test_one_after_the_other_leaves_nothing_to_do_but_the_commit(folder: Path, whole: Path) -> None:
    first = [part(folder, index) for index in range(2)]
    assert [report.waiting_for for report in first] == [(1, 2), (2,)]
    assert [(report.drafts_done, report.drafts, report.shards) for report in first] == [(2, 2, None)] * 2
    last = in_turn(folder)
    assert [report.shards_done for report in last] == [SHARDS // COUNT] * COUNT
    made = identities(Store(folder / "data").staging(first[0].version))
    assert len(made) == SHARDS
    done = merge(folder / "data")
    assert done.did_work
    kept = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (done.path / "latest/data").iterdir()}
    assert kept == made, "the merge wrote a shard again"
    assert_same_as_whole(folder, whole)
    assert part(folder, 0).is_committed


def test_the_merge_neither_drafts_nor_assembles_nor_reads_shards_of_parts_that_are_done(folder: Path) -> None:
    staging = Store(folder / "data").staging(in_turn(folder)[0].version)
    for path in staging.glob("out/data/*.arrow"):  # of the right size, but no longer readable
        path.write_bytes(b"\0" * path.stat().st_size)
    times = {path: path.stat().st_mtime_ns for path in (staging / "drafts").iterdir()}
    keep = folder / "drafts"
    shutil.copytree(staging / "drafts", keep)
    merge(folder / "data")
    assert sorted(path.name for path in times) == sorted(path.name for path in keep.iterdir())
    assert len(asd.verify(folder / "data").problems) == SHARDS, "checksums are those that the parts wrote down"


def test_what_no_part_did_is_done_by_the_merge(folder: Path, whole: Path) -> None:
    for index in range(COUNT):
        part(folder, index)
    merge(folder / "data")
    assert_same_as_whole(folder, whole)


def test_an_ordinary_conversion_goes_on_from_parts_too(folder: Path, whole: Path) -> None:
    part(folder, 1)
    asd.convert(**settings(folder))
    assert_same_as_whole(folder, whole)


@pytest.mark.parametrize("count", [2, 8])
def test_all_at_once(folder: Path, whole: Path, count: int) -> None:
    runs = [start(folder, index, count) for index in range(count)]
    assert [run.wait() for run in runs] == [(0, "done=True")] * count
    merge(folder / "data")
    assert_same_as_whole(folder, whole)


def test_killed_parts_are_run_again(folder: Path, whole: Path) -> None:
    staging = Store(folder / "data").staging(str(Store(whole / "whole").latest()))
    assert start(folder, 0).kill_when(lambda: any(staging.glob("ingest/native-*"))), "it was to be killed while it read"
    runs = {index: start(folder, index) for index in range(COUNT)}
    assert runs[1].kill_when(lambda: any(staging.glob("drafts/0000-*"))), "it was to be killed while others drafted"
    runs[1] = start(folder, 1)
    runs[2].kill_when(lambda: any(staging.glob("out/data/train-*")))
    runs[2] = start(folder, 2)
    assert [run.wait() for run in runs.values()] == [(0, "done=True")] * COUNT
    merge(folder / "data")
    assert_same_as_whole(folder, whole)


def test_a_part_waits_for_one_at_work_and_not_for_a_dead_one(folder: Path) -> None:
    part(folder, 0)
    alone = start(folder, 0, wait_s=0.0)
    assert alone.wait() == (0, "done=False")
    (staged,) = Store(folder / "data").unfinished()
    shared = SharedStaging(Store(folder / "data").staging(staged.version))
    with shared.at_work(Part(1, COUNT)), shared.at_work(Part(2, COUNT)):
        waiting = start(folder, 0, wait_s=0.0)
        waiting.process.join(1.5)
        assert waiting.process.is_alive()
    assert waiting.wait() == (0, "done=False")


def test_another_start_of_the_machine_does_not_throw_away_what_parts_have_flushed(folder: Path, whole: Path) -> None:
    report = part(folder, 0)
    staging = Store(folder / "data").staging(report.version)
    before = {path: path.stat().st_mtime_ns for path in (*staging.glob("ingest/*"), *staging.glob("drafts/*"))}
    (staging / "boot-id").write_text("another machine")
    part(folder, 1)
    part(folder, 2)
    assert (
        before.items()
        <= {path: path.stat().st_mtime_ns for path in (*staging.glob("ingest/*"), *staging.glob("drafts/*"))}.items()
    )
    (staging / "boot-id").write_text("a third one")
    merge(folder / "data")
    assert_same_as_whole(folder, whole)


def test_embedded_sample_and_recorded_settings_do_not_depend_on_the_place(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = run_asd("convert", "--task", "vqav2", "--source", "source.jsonl", "--out", "here", "--ratio", "0.3",
                   "--shard-index", "0", "--num-shards", "1")  # fmt: skip
    assert done.code == 0, done.err
    assert re.search(r"part 0 of 1: reading done, drafts (\d+) of \1 done, shards 1 of 1 written", done.out)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    merged = run_asd("merge", folder / "here", "--json")
    assert merged.code == 0, merged.err
    assert json.loads(merged.out)["counts"]["converted"] == 270
    alone = asd.convert("vqav2", folder / "source.jsonl", out=folder / "alone", ratio=0.3)
    assert alone.version == json.loads(merged.out)["version"]


class TestASecondMerge:
    def test_finds_the_version_that_the_first_one_made(self, folder: Path, whole: Path) -> None:
        in_turn(folder)
        first = merge(folder / "data")
        again = run_asd("merge", folder / "data")
        assert (again.code, again.err) == (0, "")
        assert again.out.startswith(f"already there, nothing to do: {folder / 'data'}@v1 (version {first.version})")
        for name in (f"data@{first.version[:6]}", "data@v1"):
            told = json.loads(run_asd("merge", folder / name, "--json").out)
            assert (told["version"], told["did_work"]) == (first.version, False)
        assert_same_as_whole(folder, whole)

    def test_also_where_another_conversion_committed_or_came_later(self, folder: Path) -> None:
        in_turn(folder)
        alone = asd.convert(**settings(folder))  # takes up what the parts left
        asd.convert(**settings(folder, ratio=0.1))
        assert merge(folder / "data").version == alone.version
        with pytest.raises(UsageError, match="holds no conversion in parts"):
            merge(folder / "data", "v2")

    def test_copies_what_the_first_one_was_to_copy(self, folder: Path) -> None:
        run_part(config(folder, publish=f"file://{folder}/copy"), Part(0, 1))
        address = merge(folder / "data").published
        shutil.rmtree(folder / "copy")
        assert merge(folder / "data").published == address
        assert (folder / "copy" / "latest").is_file()

    def test_says_if_that_version_is_damaged(self, folder: Path, whole: Path) -> None:
        in_turn(folder)
        merge(folder / "data")
        next((folder / "data" / "latest" / "data").iterdir()).write_bytes(b"")
        with pytest.raises(ShardError, match=r"data@v1 \(version \w+\) is damaged.*`asd verify .*data@v1` says what"):
            merge(folder / "data")
        in_turn(folder)
        merge(folder / "data")
        assert_same_as_whole(folder, whole)


class TestAnotherFolder:
    def test_that_of_the_embedded_sample(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ASD_DATA_ROOT", raising=False)
        given = {"task": "vqav2", "out": tmp_path / "data", "sample_apart": True}
        run_part(ConvertConfig(**given), Part(0, 2))
        told = run_asd("merge", tmp_path / "data")
        assert told.code == 2
        assert (
            f"{tmp_path / 'data'} does not exist. Parts are near by: {tmp_path / 'data-sample'} (part 0 of 2)"
            in told.err
        )
        run_part(ConvertConfig(**given), Part(1, 2))
        merge(tmp_path / "data-sample")
        told = run_asd("merge", tmp_path / "data")
        assert f"near by: {tmp_path / 'data-sample'} (v1, made in parts). Give that folder." in told.err

    def test_that_has_the_ending_too_many(self, folder: Path) -> None:
        part(folder, 0)
        with pytest.raises(
            UsageError, match=r"data-sample does not exist\. Parts are near by: .*/data \(part 0 of 3\)"
        ):
            merge(folder / "data-sample")

    def test_above(self, folder: Path) -> None:
        for number in range(4):
            part(folder, 1, out=folder / "all" / f"data{number}")
        message = (
            r"all holds no conversion in parts \(it has no version yet\)\. Parts are near by: .*data0 \(part 1 of 3\); "
        )
        with pytest.raises(UsageError, match=message + r".*data1 .*data2 .*; and 1 more\. Give that folder"):
            merge(folder / "all")

    def test_of_a_run_without_parts_that_was_killed(self, folder: Path) -> None:
        staged = folder / "data" / ".staging" / "0123456789ab"
        staged.mkdir(parents=True)
        with pytest.raises(
            UsageError, match=r"\(it has 1 unfinished version of runs without parts\)\. Run the parts first"
        ):
            merge(folder / "data")


class TestMistakes:
    def test_numbers(self, folder: Path) -> None:
        def told(*options: object) -> str:
            outcome = run_asd("convert", "--task", "vqav2", "--source", folder / "source.jsonl", "--out",
                              folder / "data", *options)  # fmt: skip
            assert outcome.code == 2
            return outcome.err

        assert "--shard-index 3: with --num-shards 3 the parts are 0 to 2 (Slurm: --array=0-2)." in told(
            "--shard-index", 3, "--num-shards", 3
        )
        assert "--num-shards 0: at least 1." in told("--shard-index", 0, "--num-shards", 0)
        assert "give --shard-index and --num-shards together" in told("--shard-index", 0)
        assert "--wait is about other parts" in told("--wait", 5)
        assert "without --dry-run and --jobs" in told("--shard-index", 0, "--num-shards", 3, "--dry-run")
        assert not (folder / "data").exists()

    def test_another_number_of_parts(self, folder: Path) -> None:
        part(folder, 0)
        with pytest.raises(UsageError, match=r"--num-shards 4: version \w+ in .* is being made in 3 parts\."):
            part(folder, 3, 4)

    def test_the_same_part_twice_at_once(self, folder: Path) -> None:
        report = part(folder, 0)
        with (
            SharedStaging(Store(folder / "data").staging(report.version)).at_work(Part(0, COUNT)),
            pytest.raises(UsageError, match=r"part 0 of 3 is at work already on .*Give every part an index of its own"),
        ):
            part(folder, 0)

    def test_a_part_that_never_began(self, folder: Path, whole: Path) -> None:
        part(folder, 0)
        part(folder, 2)
        outcome = run_asd("merge", folder / "data")
        assert outcome.code == 2
        assert "part 1 of 3 never began" in outcome.err and "--finish" in outcome.err
        assert run_asd("merge", folder / "data", "--finish").code == 0
        assert_same_as_whole(folder, whole)

    def test_no_parts_at_all(self, folder: Path) -> None:
        with pytest.raises(UsageError, match=r"data does not exist\. Run the parts first: `asd convert"):
            merge(folder / "data")
        asd.convert(**settings(folder))
        with pytest.raises(UsageError, match=r"in parts \(its latest version is \w+; if that is theirs, all is done\)"):
            merge(folder / "data")

    def test_parts_with_different_settings(self, folder: Path, whole: Path) -> None:
        right = part(folder, 0)
        part(folder, 2)
        wrong = part(folder, 1, seed=7)
        with pytest.raises(
            UsageError, match=r"parts of several conversions: .*They differ in config\.seed \([07], [07]\)"
        ):
            merge(folder / "data")
        with pytest.raises(UsageError, match=r"part 1 of 3 never began"):
            merge(folder / "data", right.version)
        with pytest.raises(UnknownNameError, match="no conversion in parts named 'abcdef'"):
            merge(folder / "data", "abcdef")
        part(folder, 1)
        assert merge(folder / "data", right.version[:6]).version == right.version
        assert [one.version for one in Store(folder / "data").unfinished()] == [wrong.version]

    def test_another_source_at_the_merge(self, folder: Path) -> None:
        for index in range(COUNT):
            part(folder, index)
        write_source(folder, seed=5)
        with pytest.raises(
            UsageError, match=r"cannot be merged here: since its parts ran, something has changed: source"
        ):
            merge(folder / "data")

    @pytest.mark.parametrize("option", [{"name": "mine"}, {"publish": "memory://elsewhere"}])
    def test_a_name_or_an_address_that_the_first_part_did_not_have(self, folder: Path, option: dict[str, str]) -> None:
        part(folder, 0)
        (name, value), *_ = option.items()
        with pytest.raises(UsageError, match=rf"--{name} {value}: the parts of .* began with no --{name}\."):
            part(folder, 1, **option)

    def test_a_draft_file_that_was_cut_off(self, folder: Path, whole: Path) -> None:
        part(folder, 0)
        paths = sorted(folder.glob("data/.staging/*/drafts/0000-*"))
        for path in paths:
            path.write_bytes(path.read_bytes()[:100])
        listed = run_asd("versions", folder / "data")
        assert listed.code == 0 and "the same conversion goes on from it" in listed.out
        merge(folder / "data", finish=True)
        assert_same_as_whole(folder, whole)

    def test_bad_data_in_one_part_does_not_harm_the_others(self, folder: Path, whole: Path) -> None:
        given = {"image_root": folder, "embed_images": True}
        with pytest.raises(SourceError, match=r"image .* cannot be read"):
            in_turn(folder, **given)
        assert len(list(folder.glob("data/.staging/*/drafts/*.arrow"))) >= SHARDS

    def test_an_unusable_source_leaves_nothing_behind(self, folder: Path) -> None:
        (folder / "source.jsonl").write_text('{"no": "question"}\n')
        with pytest.raises(SourceError):
            part(folder, 0)
        assert not (folder / "data").exists()
