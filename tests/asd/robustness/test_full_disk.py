"""Disks that are really full, files that may not grow, folders that may not be written: one message, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.shards.store import Store
from tests.asd.robustness.conversions import (
    assert_only_this_remains,
    assert_still_latest,
    contents,
    write_source,
)
from tests.conftest import REPO

CONVERT = ["convert", "--task", "vqav2", "--ratio", "0.5", "--workers", "1"]


def can_mount() -> bool:
    """A tmpfs of one's own needs a mount namespace: root, or user namespaces that are allowed."""
    if shutil.which("unshare") is None:
        return False
    probe = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="needs the right to mount a tmpfs in a mount namespace")


def shell(script: str, **environment: Any) -> subprocess.CompletedProcess[str]:
    """Run in a private mount namespace; `asd` is the real command line."""
    prelude = f'set -e; asd() {{ "{sys.executable}" -m asd.cli.main "$@"; }}\n'
    return subprocess.run(
        ["unshare", "-rm", "bash", "-c", prelude + script],
        env={**os.environ, "PYTHONPATH": str(REPO), **{key: str(value) for key, value in environment.items()}},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@needs_mount
def test_no_space_left_is_one_message_and_with_room_the_run_goes_on(tmp_path: Path) -> None:
    """The disk gets larger step by step: the space ends in the first pass, then in the drafts, then in a shard."""
    source = write_source(tmp_path / "in", rows=6000)
    done = shell(
        r"""
        mount -t tmpfs -o size=1m none "$DISK"
        convert() { asd convert --task vqav2 --source "$SOURCE" --out "$DISK/data" --workers 1 "$@"; }
        head -n 300 "$SOURCE" > "$FIRST"
        asd convert --task vqav2 --source "$FIRST" --out "$DISK/data" > /dev/null
        set +e
        for kilobytes in 1300 2000 4000 60000; do
            mount -o remount,size=${kilobytes}k "$DISK"
            convert --ratio 0.5 > "$LOG/out" 2> "$LOG/err"
            code=$?
            printf '%s|%s|%s|%s\n' "$code" "$(readlink "$DISK/data/latest")" "$(wc -l < "$LOG/err")" "$(cat "$LOG/err")"
        done
        asd verify "$DISK/data@v1" || exit 9
        cp -a "$DISK/data" "$LOG/data"
        """,
        DISK=mkdir(tmp_path / "disk"), LOG=mkdir(tmp_path / "log"), SOURCE=source, FIRST=tmp_path / "first.jsonl",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    runs = [line.split("|", 3) for line in done.stdout.splitlines() if "|" in line]
    codes = [run[0] for run in runs]
    assert codes == ["1", "1", "1", "0"]
    places = [message.partition(".staging/")[2].split("/")[1] for _, _, _, message in runs[:3]]
    assert [place.split(".")[0] for place in places] == ["ingest", "drafts", "out"]
    for code, latest, lines, message in runs:
        if code == "1":
            assert latest == runs[0][1]
            assert lines == "1", message
            assert message.startswith("error: no space left while writing ")
            assert message.endswith("run the same command again, it goes on where it stopped.")
    whole = asd.convert("vqav2", source, out=tmp_path / "whole", ratio=0.5)
    data = tmp_path / "log" / "data"
    assert_still_latest(data, whole.version)
    assert contents(data / "versions" / whole.version) == contents(whole.path / "versions" / whole.version)
    assert_only_this_remains(data)


def mkdir(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


@needs_mount
def test_a_directory_that_may_not_be_written(tmp_path: Path) -> None:
    source = write_source(tmp_path / "in", rows=60)
    done = shell(
        r"""
        mount -t tmpfs none "$DISK"
        asd convert --task vqav2 --source "$SOURCE" --out "$DISK/data" > /dev/null 2>&1
        before=$(cd "$DISK" && find . | sort | xargs ls -ld --time-style=full-iso)
        mount -o remount,ro "$DISK"
        set +e
        asd convert --task vqav2 --source "$SOURCE" --out "$DISK/data" --seed 1; echo "$?" >&2
        asd convert --task vqav2 --source "$SOURCE" --out "$DISK/other"; echo "$?" >&2
        asd export "$DISK/data" --out "$DISK/out.json"; echo "$?" >&2
        asd inspect "$DISK/data" --html "$DISK/page.html"; echo "$?" >&2
        asd versions "$DISK/data" > /dev/null && asd verify "$DISK/data" || exit 9
        test "$before" = "$(cd "$DISK" && find . | sort | xargs ls -ld --time-style=full-iso)"
        """,
        DISK=mkdir(tmp_path / "disk"), SOURCE=source,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[1::2] == ["1"] * 4
    for line, place in zip(
        lines[0::2],
        ("data/.staging", "other/.staging", "out.json", "page.html"),
        strict=True,
    ):
        assert line.startswith(f"error: cannot write {tmp_path}/disk/{place}"), line
        assert "Read-only file system. Choose another place" in line
    assert "is sound: 2 files, 60 rows" in done.stdout


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv = ["asd", *sys.argv[2:]]
from asd.cli.main import main
main()
"""


@pytest.mark.parametrize("limit", [2_000, 100_000, 400_000])
def test_a_file_that_may_not_grow(tmp_path: Path, limit: int) -> None:
    """The limit strikes at another file each time: the first pass, the drafts, the shards."""
    source = write_source(tmp_path / "in", rows=2000)
    small = write_source(tmp_path / "small", rows=30)
    root = tmp_path / "data"
    first = asd.convert("vqav2", small, out=root)
    command = [
        sys.executable,
        "-c",
        LIMITED,
        str(limit),
        *CONVERT,
        "--source",
        str(source),
        "--out",
        str(root),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPO, check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "grows larger than a file may be here (see `ulimit -f`). Finished parts are kept" in done.stderr
    assert_still_latest(root, first.version)
    second = asd.convert("vqav2", source, out=root, ratio=0.5)
    assert_still_latest(root, second.version)
    assert json.loads((root / "refs" / "v2.json").read_text())["version"] == second.version
    assert_only_this_remains(root)
    assert Store(root).unfinished() == []
