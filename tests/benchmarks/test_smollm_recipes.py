"""Every recipe of pipelines/smollm, on rows drawn here and with a model of random weights: rows, conversion, two steps a task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import smollm
import smollm_rows

pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")
from asd.probing.items import ProbeItem, write_items
from asd.schemas.styles import AnswerStyle
from asd_training.config import load_config
from tests.asd.cli_runner import run_asd
from tests.conftest import REPO
from tests.servers.tiny_llm import save_model, save_tokenizer
from tests.training.evaluation.command import run_asd_train

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'asd-mcit[train]'")
from smollm_plot import draw

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
    run = place / load_config(path).run_dir
    results = json.loads((run / "results.json").read_text())
    assert results["finished"] and len(results["matrices"]["strict"]) == 2
    figures = smollm.figures_of_run(run)
    last = results["tasks"][-1]
    assert figures[f"{last} right after {last}"] == results["matrices"]["strict"][1][1]
    assert figures["letters after scienceqa"] == 0 < figures["train_processor_s"], "a model of noise writes no letter"


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


def test_the_text_of_an_option_is_no_letter() -> None:
    options = ("no", "yes", "a plant")
    assert [smollm.is_letter(text, options) for text in ("B", "b.", "no", "D", "12")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_arms_are_put_side_by_side_seed_by_seed(tmp_path: Path) -> None:
    """seq-lora keeps 20, 40, 60 % of its letters, ASD 30 points more with each seed; 4.303 is t for two degrees of freedom."""
    runs = {
        "seq-lora": {str(seed): {"letters after tabmwp": seed / 5} for seed in (1, 2, 3)},
        "seq-lora-asd": {str(seed): {"letters after tabmwp": seed / 5 + 0.3} for seed in (1, 2, 3, 4)},
        "sefe": {"1": {"letters after tabmwp": 0.5}},
    }
    summed = smollm.over_seeds(runs)
    kept = summed["seq-lora"]["letters after tabmwp"]
    assert kept["mean"] == pytest.approx(0.4)
    assert kept["high"] - kept["mean"] == pytest.approx(4.302653 * 0.2 / 3**0.5)
    more = summed["seq-lora-asd - seq-lora"]["letters after tabmwp"]
    assert (more["n"], more["low"], more["high"]) == (3, pytest.approx(0.3), pytest.approx(0.3))
    text = smollm.table(summed, {"shared: letters after zero-shot": 0.1})
    assert "| letters after tabmwp | 10 | 40 ± 50 | 80 ± 41 | 50 | 30 ± 0 | 30 |" in text
    draw({"base": {}, "runs": runs}, tmp_path / "kept.svg")
    assert "SEFE" in (tmp_path / "kept.svg").read_text()


def test_a_probe_is_read_by_style(tmp_path: Path) -> None:
    runs, probes = tmp_path / "runs", tmp_path / "probes"
    for folder in (runs, probes):
        folder.mkdir()
    item = ProbeItem(
        id="1", style=AnswerStyle.YES_NO, question="Is it?", prompt="Is it?", response="Yes", accepted=("yes",)
    )
    answers = [
        item.model_copy(update={"id": str(n), "answer": text}) for n, text in enumerate(("Yes", "No", "7", "Yes"))
    ]
    write_items(probes / "base.jsonl", answers)
    write_items(probes / "seq-lora-1-02-tabmwp.jsonl", answers[:3])
    assert smollm.gather(runs, probes) == {
        "base": {"yes_no in style": 0.75, "yes_no right leniently": 0.5}, "runs": {},
    }  # fmt: skip
