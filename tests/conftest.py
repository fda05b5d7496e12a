"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No deadlines (machines are shared and slow at times); fixed examples, so that a red run can be repeated.
settings.register_profile("asd", deadline=None, derandomize=True)
settings.load_profile("asd")

REPO = Path(__file__).resolve().parent.parent


def shared_data_dir() -> Path | None:
    """Folder of real annotation rows: $ASD_TEST_DATA, or ../shared/data beside the checkout; None where absent."""
    candidates = [Path(os.environ["ASD_TEST_DATA"])] if "ASD_TEST_DATA" in os.environ else []
    candidates.append(REPO.parent / "shared" / "data")
    return next((path for path in candidates if path.is_dir()), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    found = shared_data_dir()
    if found is None:
        pytest.skip("real annotation rows not found: set ASD_TEST_DATA or put them in ../shared/data")
    return found
