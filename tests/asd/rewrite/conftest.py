"""Fixtures of the tests with a real vLLM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.real_vllm import prepare


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Folder of a random model; the environment is set for serving it on a small machine without a hub."""
    with pytest.MonkeyPatch.context() as patch:
        yield prepare(tmp_path_factory.mktemp("model"), patch)
