"""`asd-train`: light help, one message and an exit code for every mistake, results as a table and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from asd.probing.items import read_items, write_items
from asd.probing.questions import drawn_questions
from asd_training.cli.main import COMMANDS
from tests.training.evaluation.command import run_asd_train
from tests.training.run_settings import make_settings


def test_help_lists_all_commands_and_imports_none() -> None:
    code = (
        "import sys; from asd_training.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(sorted({'torch', 'transformers', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str) -> None:
    assert run_asd_train(name, "--help").code == 0


def test_run_prints_the_matrix_and_json(workshop: Path) -> None:
    settings = make_settings(workshop, name="cli", method={"method": "seq-lora"}, train={"steps": 1})
    path = workshop / "cli.yaml"
    path.write_text(yaml.safe_dump(settings))
    done = run_asd_train("run", str(path), "--set", "train.lr=1e-3")
    assert done.code == 0, done.err
    assert "after scienceqa" in done.out
    assert "BWT (divisor T-1)" in done.out
    assert done.out.endswith(f"asd-train report {settings['out']}\n")
    assert "01-vqav2: training" in done.err
    results = json.loads(run_asd_train("run", str(path), "--set", "train.lr=1e-3", "--json").out)
    assert results == json.loads((Path(settings["out"]) / "results.json").read_text())
    again = run_asd_train("eval", settings["out"], "--after", "vqav2", "--task", "vqav2", "--json")
    assert json.loads(again.out)["scores"]["vqav2"]["strict"] == results["matrices"]["strict"][0][0]
    out = workshop / "answers.arrow"
    told = run_asd_train("predict", settings["out"], "--data", str(workshop / "asd/vqav2-test"), "--out", str(out))
    assert told.out.startswith("6 answers, mean score")
    other = run_asd_train("run", str(path))
    assert (other.code, other.out) == (1, "")
    assert "train.lr: 0.001, now 0.01" in other.err


def test_the_model_of_a_run_answers_a_probe_after_any_stage(workshop: Path) -> None:
    """Untouched as the model itself does; tuned otherwise, after each stage."""
    tuned = make_settings(workshop, name="probed", method={"method": "seq-lora"}, train={"steps": 1, "lr": 0.1})
    untouched = make_settings(workshop, name="untouched", method={"method": "zero-shot"})
    for settings in (tuned, untouched):
        (workshop / "run.yaml").write_text(yaml.safe_dump(settings))
        assert run_asd_train("run", str(workshop / "run.yaml")).code == 0
    asked = workshop / "probe.jsonl"
    write_items(asked, drawn_questions(2, workshop / "probe-images"))
    answers = {}
    for name, how in {
        "model": ["--model", tuned["model"]["name"]],
        "untouched": ["--run", untouched["out"]],
        "first": ["--run", tuned["out"], "--after", "01-vqav2"],
        "last": ["--run", tuned["out"]],
    }.items():
        done = run_asd_train("answer", str(asked), *how, "--max-new-tokens", "4", "--out", str(workshop / "told.jsonl"))
        assert done.code == 0, done.err
        answers[name] = [item.answer for item in read_items(workshop / "told.jsonl")]
    assert answers["model"] == answers["untouched"]
    assert len({tuple(texts) for texts in answers.values()}) == 3


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["run", "nowhere.yaml"], 2, "error: nowhere.yaml cannot be read"),
        (["run", "pocket/sefe", "--set", "train.lr=-1"], 2, "  train.lr: Input should be greater than 0, got -1"),
        (["eval", "."], 1, "error: . is no run folder (config.json is missing)"),
        (["pocket", "base", "--out", __file__], 1, "error: --out: the folder"),  # before a quarter of an hour of work
        (["predict", ".", "--data", "x", "--out", "y"], 1, "error: . is no run folder"),
        (
            ["answer", "x", "--out", "y"],
            2,
            "error: give --model NAME (and --adapter DIR, if there is one) or --run DIR",
        ),
        (["answer", "x", "--out", "y", "--model", "m", "--after", "s"], 2, "or --run DIR (and --after STAGE)"),
    ],
)
def test_mistakes_are_one_message(words: list[str], code: int, message: str) -> None:
    done = run_asd_train(*words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert "Traceback" not in done.err
