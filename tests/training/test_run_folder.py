"""What a run folder records: the data it began with is found from any folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asd_training.checkpoint import RunFolder


def test_shards_named_by_relative_paths_are_found_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, run, other = tmp_path / "began", tmp_path / "run", tmp_path / "other"
    (began / "data/gqa").mkdir(parents=True)
    (other / "data/vqav2").mkdir(parents=True)
    run.mkdir()
    shards = {"gqa": {"train": "data/gqa@v1"}, "vqav2": {"train": "data/vqav2@v1"}, "gone": {"train": "data/gone@v1"}}
    facts = {"format_version": 1, "config": {}, "seed": 0, "began_in": str(began), "shards": shards}
    (run / "config.json").write_text(json.dumps(facts))
    monkeypatch.chdir(other)
    assert RunFolder(run).pinned_shards() == {
        "gqa": {"train": f"{began}/data/gqa@v1"},
        "vqav2": {"train": "data/vqav2@v1"},
        "gone": {"train": "data/gone@v1"},
    }
    del facts["began_in"]  # of runs that began before it was recorded
    (run / "config.json").write_text(json.dumps(facts))
    assert RunFolder(run).pinned_shards() == shards
