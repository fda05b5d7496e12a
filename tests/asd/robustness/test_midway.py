"""What changes under a conversion's feet: its source, its images, and the user's mind (Ctrl-C)."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.conversion.config import ConvertConfig
from asd.conversion.convert import convert
from asd.conversion.progress import SilentProgress
from asd.errors import SourceError
from tests.asd.robustness.conversions import (
    assert_only_this_remains,
    assert_still_latest,
    settings,
    write_source,
)
from tests.asd.sources_made import record, vqa_records, write_lines
from tests.conftest import REPO


class AtStage(SilentProgress):
    """Does something at the moment that a stage begins."""

    def __init__(self, name: str, action: Any) -> None:
        self._name, self._action = name, action

    def stage(self, name: str, total: int | None) -> None:
        if name == self._name:
            self._action()


def convert_while(stage: str, action: Any, **given: Any) -> Any:
    return convert(ConvertConfig(**{**given, "source": str(given["source"])}), AtStage(stage, action))


def test_a_source_that_is_deleted_before_it_is_read(tmp_path: Path) -> None:
    source = write_source(tmp_path)
    first = asd.convert(**settings(tmp_path, ratio=0.1))
    with pytest.raises(SourceError, match=r"source\.jsonl: cannot be read \(No such file or directory\)"):
        convert_while("reading", source.unlink, **settings(tmp_path))
    assert_still_latest(tmp_path / "data", first.version)
    assert_only_this_remains(tmp_path / "data")
    with pytest.raises(SourceError, match="there is no such file"):
        asd.convert(**settings(tmp_path))


def test_a_shard_that_a_dead_process_left_is_no_part_of_the_version(tmp_path: Path) -> None:
    """On Ray another process does it again, in the same run."""
    write_source(tmp_path)

    def leave() -> None:
        (staging,) = (tmp_path / "data" / ".staging").glob("*/out")
        (staging / "data").mkdir()
        (staging / "data" / ".train-00001.arrow.1.tmp").write_bytes(b"half")

    done = convert_while("writing", leave, **settings(tmp_path))
    assert_still_latest(tmp_path / "data", done.version)
    assert_only_this_remains(tmp_path / "data")


def test_a_source_that_is_deleted_after_it_was_read_is_not_missed(tmp_path: Path) -> None:
    source = write_source(tmp_path)
    done = convert_while("converting", source.unlink, **settings(tmp_path))
    assert_still_latest(tmp_path / "data", done.version)


def test_a_source_that_changes_while_it_is_read(tmp_path: Path) -> None:
    source = write_source(tmp_path)

    def grow() -> None:
        with source.open("a") as file:
            file.write(source.read_text().splitlines()[0].replace('"q0"', '"new"') + "\n")

    with pytest.raises(SourceError, match=r"source\.jsonl changed while it was read\. Run again"):
        convert_while("reading", grow, **settings(tmp_path))
    assert not (tmp_path / "data").exists()
    done = asd.convert(**settings(tmp_path))
    assert done.manifest.counts.samples == 901


@pytest.mark.parametrize("workers", [1, 2])
def test_an_image_that_is_deleted_midway(tmp_path: Path, workers: int) -> None:
    records = vqa_records(40)
    source = write_lines(tmp_path / "source.jsonl", records)
    for item in records:
        path = tmp_path / item["image"]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(item["id"].encode())
    given = settings(tmp_path, embed_images=True, workers=workers, shard_rows=10, source=source)
    with pytest.raises(
        SourceError, match=r"sample vqav2/train/q7: image images/q7\.jpg cannot be read at .* \(No such file"
    ):
        convert_while("writing", (tmp_path / "images" / "q7.jpg").unlink, **given)
    assert not (tmp_path / "data").exists()
    (tmp_path / "images" / "q7.jpg").write_bytes(b"q7")
    done = asd.convert(**given)
    assert asd.load(done.path)[0]["images"][0]["bytes"] in {item["id"].encode() for item in records}
    again = asd.convert(**given)  # the dataset itself lies below the image root, and is none of the images
    assert not again.did_work


def test_a_source_that_may_not_be_read(tmp_path: Path) -> None:
    source = write_source(tmp_path, rows=20)
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    source.chmod(0)
    with pytest.raises(SourceError, match="cannot be read"):
        asd.convert(**settings(tmp_path))


def interrupt(folder: Path, workers: int, stderr: Any) -> subprocess.Popen[bytes]:
    """Start the command line as a terminal would and send Ctrl-C to its whole process group when it is at work."""
    command = [
        sys.executable,
        "-m",
        "asd.cli.main",
        "convert",
        "--task",
        "vqav2",
        "--source",
        folder / "source.jsonl",
    ]
    command += ["--out", folder / "data", "--ratio", "0.5", "--workers", str(workers)]
    environment = {**os.environ, "TERM": "xterm"}  # one that can do something, wherever the tests are started
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=stderr, cwd=REPO, env=environment, start_new_session=True
    )
    end = time.monotonic() + 60
    while not any(folder.glob("data/.staging/*/ingest/done.json")):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.002)
    time.sleep(0.03)
    os.killpg(process.pid, signal.SIGINT)
    return process


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_is_one_message_and_exit_code_130(tmp_path: Path, workers: int) -> None:
    write_source(tmp_path, rows=6000)
    process = interrupt(tmp_path, workers, subprocess.PIPE)
    begun = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert err.decode() == "stopped. Finished parts are kept: run the same command again to go on.\n"
    assert process.returncode == 130
    assert time.monotonic() - begun < 5
    assert len(list(tmp_path.glob("data/.staging/*/ingest/done.json"))) == 1
    done = asd.convert("vqav2", tmp_path / "source.jsonl", out=tmp_path / "data", ratio=0.5)
    assert_still_latest(tmp_path / "data", done.version)
    assert_only_this_remains(tmp_path / "data")


def test_ctrl_c_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    """With a progress bar: the cursor is shown again, and the message comes last."""
    write_source(tmp_path, rows=6000)
    ours, theirs = pty.openpty()
    process = interrupt(tmp_path, 1, theirs)
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 4096):
            shown += block
    except OSError:  # how a terminal says that nobody writes to it any more
        pass
    os.close(ours)
    assert process.wait(30) == 130
    assert shown.count(b"\x1b[?25h") >= shown.count(b"\x1b[?25l") > 0
    assert b"Traceback" not in shown
    assert shown.rstrip().endswith(b"stopped. Finished parts are kept: run the same command again to go on.")


def test_how_files_were_read_is_told_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also by a run that takes up what another one has read."""
    from tests.asd.cli_runner import run_asd

    task = tmp_path / "quiz.yaml"
    task.write_text(
        "name: quiz\ntitle: Quiz\nfamily: vqa\nnative_style: short_answer\nscorer: exact_match\nlicence: mine\ncitation: me\n"
        "styles: {yes_no: [mined]}\nlayouts: [{name: table, format: csv, columns: {question: q, gold: a}}]\n"
    )
    (tmp_path / "quiz.csv").write_bytes("q,a\nWo?,Köln\nWer?,Anna\n".encode("cp1252"))
    given = ["--task", task, "--source", tmp_path / "quiz.csv", "--out", tmp_path / "data", "--ratio", 0]
    told = "quiz.csv: lines that are not UTF-8 and were read as Windows-1252: 1 (first: line 2)"
    ran = run_asd("convert", *given, "--dry-run")
    assert (ran.code, f"note: {told}" in ran.err) == (0, True), ran.err
    assert run_asd("convert", *given).err.count(told) == 1
    done = asd.convert(task, tmp_path / "quiz.csv", out=tmp_path / "other", ratio=0)
    assert done.notes == (told,)
    assert [row["gold"] for row in asd.load(done.path)] == ["Köln", "Anna"]


def test_a_split_has_one_spelling(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "rows.jsonl", [record(f"q{n}", "What is it?", "car") for n in range(9)])
    versions = {
        asd.convert("vqav2", source, out=tmp_path / "data", split=name).version for name in ("val", "validation", "dev")
    }
    assert len(versions) == 1
    assert {row["split"] for row in asd.load(tmp_path / "data", split="val")} == {"val"}
