"""The tour runs from top to bottom and shows what the committed notebook shows."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import REPO

TOUR = REPO / "notebooks/tour.ipynb"


@pytest.fixture(scope="module")
def refresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refresh", REPO / "notebooks/refresh.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(notebook: dict[str, Any]) -> list[list[str]]:
    """What each code cell prints, and the plain form of what it shows."""
    return [
        ["".join(output.get("text") or output["data"]["text/plain"]) for output in cell["outputs"]]
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def test_the_tour_shows_what_it_says(refresh: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASD_DATA_ROOT", raising=False)
    committed = json.loads(TOUR.read_text("utf-8"))
    assert sum(map(len, texts(committed))) >= 8
    assert texts(refresh.executed(TOUR)) == texts(committed), "run: python notebooks/refresh.py"


def test_the_tour_stays_small_and_names_no_machine() -> None:
    text = TOUR.read_text("utf-8")
    assert len(text) < 100_000
    assert "/tmp/" not in text and "/home/" not in text
