"""A small dataset of two versions, converted once for all tests that only read."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import asd
from tests.asd.sources_made import vqa_records, write_lines


@dataclass(frozen=True)
class Made:
    source: Path
    data: Path
    versions: tuple[str, str]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Version v1, and v2 (latest) of three shards."""
    folder = tmp_path_factory.mktemp("cli")
    source = write_lines(folder / "source.jsonl", vqa_records(60))
    first = asd.convert("vqav2", source, out=folder / "data", ratio=0.3)
    second = asd.convert("vqav2", source, out=folder / "data", ratio=0.4, seed=1, shard_rows=20)
    return Made(source, folder / "data", (first.version, second.version))


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Path:
    """The dataset, to be damaged."""
    shutil.copytree(made.data, tmp_path / "data", symlinks=True)
    return tmp_path / "data"
