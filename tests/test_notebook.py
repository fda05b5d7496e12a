"""The notebooks run from top to bottom; the tour shows what is committed, the story is run through with a random model."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from asd.probing.items import read_items
from tests.conftest import REPO

TOUR, STORY = REPO / "notebooks/tour.ipynb", REPO / "notebooks/story.ipynb"


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


def test_the_story_can_be_run_with_any_chat_model(
    refresh: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What does not depend on the model is as committed; of a random model nothing more can be said than that it is asked."""
    pytest.importorskip("torch")
    from tests.training.tiny_families import llama

    monkeypatch.syspath_prepend(REPO / "notebooks")
    monkeypatch.setenv("ASD_STORY_MODEL", str(llama(tmp_path / "model")))
    monkeypatch.setenv("ASD_STORY_SHORT", "1")
    monkeypatch.setenv("ASD_STORY_FOLDER", str(tmp_path))
    shown = texts(refresh.executed(STORY))
    committed = texts(json.loads(STORY.read_text("utf-8")))
    assert shown[2] == committed[2] and "A model tuned on this learns to answer everything so" in shown[2][0]
    assert [len(read_items(tmp_path / f"{name}.jsonl")) for name in ("before", "after", "cured")] == [8, 8, 8]
    for cell in (4, 6):
        assert shown[cell][0].splitlines()[0].split()[:2] == committed[cell][0].splitlines()[0].split()[:2]


@pytest.mark.parametrize("notebook", [TOUR, STORY], ids=["tour", "story"])
def test_a_notebook_stays_small_and_names_no_machine(notebook: Path) -> None:
    text = notebook.read_text("utf-8")
    assert len(text) < 100_000
    assert "/tmp/" not in text and "/home/" not in text
