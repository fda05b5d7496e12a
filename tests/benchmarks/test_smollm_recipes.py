"""Every recipe of pipelines/smollm, on rows drawn here and with a model of random weights: rows, conversion, two steps a task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import smollm_rows

pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")
from asd_training.config import load_config
from tests.asd.cli_runner import run_asd
from tests.conftest import REPO
from tests.servers.tiny_llm import save_model, save_tokenizer
from tests.training.evaluation.command import run_asd_train

FOLDER = REPO / "pipelines" / "smollm"
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if not path.name.startswith("_"))
RUNS = [path for path in FILES if path.read_text("utf-8").startswith("# asd-train run ")]
ROWS = [path for path in FILES if path not in RUNS]
COLOURS = ("red", "blue", "green", "white", "black", "brown")
pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)  # asked by PEFT


def release(folder: Path, count: int = 24) -> None:
    """Files as ScienceQA, TabMWP and GSM8K are released."""
    science, tables, sums = {}, {}, []
    for n in range(count):
        colour, other = COLOURS[n % 6], COLOURS[(n + 1) % 6]
        lecture = f"Paint number {n} is {colour}. A wall takes the colour of its paint. So the wall is {colour}."
        science[str(n)] = {
            "question": f"Which colour does a wall have under paint number {n}, which is {colour}?", "hint": "",
            "choices": [other, colour], "answer": 1, "image": None, "lecture": "", "solution": lecture, "subject": "art",
        }  # fmt: skip
        tables[str(n)] = {
            "question": f"How many {colour} tins are there?", "choices": None, "answer": str(n + 3), "unit": None,
            "table_title": "Tins", "table": f"{colour} | {n + 3}\n{other} | {n + 40}", "ques_type": "free_text",
            "ans_type": "integer_number", "solution": f"Find {colour} in the table. There are {n + 3} tins.",
        }  # fmt: skip
        working = (
            f"A shop has {n} {colour} tins at first.\nThen {n + 2} more {colour} tins are put beside them on the shelf.\n"
            f"{n} + {n + 2} = <<{n}+{n + 2}={2 * n + 2}>>{2 * n + 2}, so the shop has {2 * n + 2} {colour} tins."
        )
        question = f"A shop has {n} {colour} tins and gets {n + 2} more. How many?"
        sums.append(json.dumps({"question": question, "answer": f"{working}\n#### {2 * n + 2}"}) + "\n")
    for task, name, text in (
        ("scienceqa", "problems.json", json.dumps(science)),
        ("tabmwp", "problems_train.json", json.dumps(tables)),
        ("gsm8k", "train.jsonl", "".join(sums)),
    ):
        (folder / task).mkdir(parents=True)
        (folder / task / name).write_text(text)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the rows of every recipe, converted, and a model."""
    folder = tmp_path_factory.mktemp("smollm")
    release(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "sys.argv", ["smollm_rows", "--data", str(folder / "data"), "--out", str(folder / "rows"), "--test", "4"]
        )
        smollm_rows.main()
        patch.setenv("ASD_DATA_ROOT", str(folder / "rows"))
        patch.chdir(folder)
        for path in ROWS:
            name = path.relative_to(FOLDER.parent).with_suffix("").as_posix()
            done = run_asd("convert", "--recipe", name)
            assert done.code == 0, done.err
    save_tokenizer(folder / "model", [(folder / "data/gsm8k/train.jsonl").read_text(), "Answer the question."], 512)
    save_model(folder / "model", 512, seed=0)
    return folder


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_recipe_runs(path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    changes = [
        "model.name=model",
        "train.steps=2",
        "train.batch=2",
        "data.max_test=2",
        "eval.max_new_tokens=2",
        "seed=1",
    ]
    done = run_asd_train("run", path, *(word for change in changes for word in ("--set", change)))
    assert done.code == 0, done.err
    results = json.loads((place / load_config(path).run_dir / "results.json").read_text())
    assert results["finished"] and len(results["matrices"]["strict"]) == 2


def styles(place: Path, recipe: str, task: str) -> dict[str, int]:
    manifest: dict[str, Any] = json.loads((place / f"asd-data/smollm-{recipe}/{task}/latest/manifest.json").read_text())
    by_style: dict[str, int] = manifest["counts"]["by_style"]
    return by_style


def test_what_the_rows_are(place: Path) -> None:
    """Of 24 rows, 4 are for testing and stay as they are; a fifth of 20 is converted."""
    for recipe in ("shared", "named"):
        assert styles(place, recipe, "scienceqa") == {"multiple_choice": 24}
        assert styles(place, recipe, "tabmwp") == {"short_answer": 24}
    assert styles(place, "asd", "scienceqa")["multiple_choice"] == styles(place, "asd", "tabmwp")["short_answer"] == 16
    assert styles(place, "gsm8k-numbers", "gsm8k") == {"short_answer": 24}
    assert styles(place, "gsm8k-worked", "gsm8k") == {"detailed_explanation": 20}
