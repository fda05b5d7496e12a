"""Fixtures of the tests with a real vLLM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.real_vllm import prepare, serve, tiny_settings


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Folder of a random model; the environment is set for serving it on a small machine without a hub."""
    with pytest.MonkeyPatch.context() as patch:
        yield prepare(tmp_path_factory.mktemp("model"), patch)


@pytest.fixture(scope="session")
def tiny_server(tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of one server for all tests that do it no harm: starting one takes half a minute."""
    cache: Path = tmp_path_factory.mktemp("server") / "cache.sqlite"
    with serve(tiny_settings(tiny_model, cache)) as base_url:
        yield base_url
