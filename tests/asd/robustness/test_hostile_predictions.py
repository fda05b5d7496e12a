"""Prediction files that are damaged, endless or no files at all: one message each, and nothing waits or eats memory."""

from __future__ import annotations

import gzip
import os
import random
import zlib
from pathlib import Path

import pytest

from asd.scoring import records
from tests.asd.cli_runner import Outcome, run_asd
from tests.asd.robustness.hostile_rows import assert_told
from tests.fuzz.files import as_arrow, as_gzip, as_lines, as_parquet

ROWS = [{"question_id": f"q{number}", "text": "a cup", "answer": "cup"} for number in range(300)]


def score(path: Path) -> Outcome:
    return run_asd("score", path, "--task", "vqav2")


def broken_gzip() -> dict[str, bytes]:
    whole, rng = as_gzip(ROWS), random.Random(7)
    flipped = []
    for _ in range(6):
        data = bytearray(whole)
        data[rng.randrange(10, len(data) - 8)] ^= 0xFF
        flipped.append(bytes(data))
    return {
        **{f"a flipped byte {number}": data for number, data in enumerate(flipped)},
        "a wrong sum": whole[:-8] + b"\0" * 8,
        "cut off": whole[: len(whole) // 2],
        "a header alone": whole[:10],
        "two bytes": whole[:2],
        "something behind it": whole + b"something",
        "no compression method": b"\x1f\x8b\x09" + whole[3:],
        "deflate in place of gzip": b"\x1f\x8b" + zlib.compress(as_lines(ROWS)),
        "packed twice": gzip.compress(whole),
        "Parquet": as_parquet(ROWS),
        "Arrow cut off": as_arrow(ROWS)[:-400],
        "Arrow put to zero": as_arrow(ROWS)[:200] + bytes(900) + as_arrow(ROWS)[1100:],
        "nested": b"[" * 100_000,
        "nothing": b"",
        "NUL": b"\0" * 1000,
    }


@pytest.mark.parametrize("data", broken_gzip().values(), ids=broken_gzip())
def test_damaged_predictions_are_one_message(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(data)
    assert_told(score(path), str(path))


def test_sound_predictions_are_scored(tmp_path: Path) -> None:
    for name, data in {"p.jsonl.gz": as_gzip(ROWS), "p.arrow": as_arrow(ROWS), "p.jsonl": as_lines(ROWS)}.items():
        (tmp_path / name).write_bytes(data)
        outcome = score(tmp_path / name)
        assert outcome.code == 0
        assert "300 questions" in outcome.out


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "missing", "circle"])
def test_predictions_that_are_no_regular_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "circle":
        path.symlink_to(path)
    assert_told(score(path), "p.jsonl")


@pytest.mark.parametrize("is_packed", [False, True])
def test_predictions_are_read_up_to_a_bound(is_packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_BYTES", 1 << 20)
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(gzip.compress(bytes(64 << 20)) if is_packed else b" " * (2 << 20))
    assert_told(score(path), "more than 1 MiB, unpacked: score it in parts")


def test_gold_answers_are_bounded_as_predictions_are(tmp_path: Path) -> None:
    path, gold = tmp_path / "p.jsonl", tmp_path / "gold.jsonl"
    path.write_bytes(as_lines(ROWS))
    os.mkfifo(gold)
    assert_told(run_asd("score", path, "--task", "vqav2", "--gold", gold), "named pipe")
