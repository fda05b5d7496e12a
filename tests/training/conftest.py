"""What the tests of the loop share: tiny models and converted tasks, built once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for tiny models, shards and runs; runs in it need names of their own."""
    return tmp_path_factory.mktemp("workshop")
