"""Fixtures of the tests with a real vLLM."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.real_vllm import prepare, serve, small_settings


@pytest.fixture(scope="session")
def small_llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Folder of a small language model; the environment is set for serving it on a small machine without a hub."""
    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        yield prepare(folder, patch)
    shutil.rmtree(folder)  # 270 MB, which pytest would keep for three sessions


@pytest.fixture(scope="session")
def small_server(small_llm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of one server for all tests that do it no harm: starting one takes half a minute."""
    cache: Path = tmp_path_factory.mktemp("server") / "cache.sqlite"
    with serve(small_settings(small_llm, cache)) as base_url:
        yield base_url
