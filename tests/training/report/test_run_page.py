from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from asd_training.loop import run as run_training
from asd_training.report.error_examples import pick_examples
from asd_training.report.run_page import render_run
from asd_training.report.run_record import load_record
from tests.training.report.commands import call
from tests.training.report.pages import Page
from tests.training.report.run_folders import change, remembers, write_run
from tests.training.run_settings import make_config

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e$\\frac{1}{2}$ {{ 7*7 }}"


def forgets(stage: int, task: str, number: int, gold: str) -> str:
    """After a later task: a wrong fact in the right style, a right fact in another, a lost style, a broader class."""
    if number == 3 or stage == ("scienceqa", "vqav2", "imagenet").index(task):
        return gold
    if task == "vqav2":
        return ["blue", "It is two.", "[0.1,0.2,0.5,0.6]"][number]
    return ["The picture looks dark to me.", "A", HOSTILE][number]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "run", forgets)


@pytest.fixture(scope="module")
def source(record: Path) -> str:
    return render_run(load_record(record))


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


def test_the_page_needs_nothing_from_elsewhere(page: Page) -> None:
    assert all(source.startswith(("data:image/", "#")) for source in page.sources)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    policy = next(given["content"] for tag, given in page.tags if given.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_hostile_answers_are_shown_as_text(page: Page) -> None:
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>\ufffd$\\frac{1}{2}$ {{ 7*7 }}" in page.text
    assert not [given for _, given in page.tags if "onerror" in given]


def test_the_figures_are_the_runs(page: Page) -> None:
    assert "50.0 % final accuracy (MFN)" in page.text  # 25 %, 25 % and 100 %
    assert "mean over i of A[T-1, i]" in page.text
    assert "-50.00" in page.text  # BWT (divisor T): (0.25 - 1 + 0.25 - 1) / 3
    assert "seed 0" in page.text
    assert "torch 2.13.0" in page.text
    assert "gone/vqav2-test@2" in page.text
    assert "1.00 GiB peak memory (process)" in page.text


def test_questions_that_turned_wrong_or_right(page: Page) -> None:
    """scienceqa: 4 of 4 right, then 1: by chance 4 * 0 / 1 * 3/4 = 0. vqav2 is open."""
    assert "scienceqa 75.0 0.0 75.0 0.0" in page.text
    assert "vqav2 75.0 0.0 – –" in page.text
    assert "mean 75.0 0.0 75.0 0.0" in page.text


def test_not_evaluated_is_a_dash_and_never_zero(page: Page) -> None:
    void = [given for _, given in page.tags if given.get("title") == "not evaluated"]
    assert len(void) == 3 * 3  # above the diagonal, in three read-outs
    assert "after scienceqa 100.0 – –" in page.text


def test_examples_of_every_kind_that_occurs(record: Path) -> None:
    examples, notes = pick_examples(load_record(record), 4)
    assert {kind: {one.task for one in found} for kind, found in examples.items()} == {
        "superficial": {"vqav2", "scienceqa"},
        "style_lost": {"vqav2", "scienceqa"},
        "essential": {"vqav2", "scienceqa"},
    }
    assert all(one.before is not None and one.constrained_right for found in examples.values() for one in found)
    assert len(notes) == 3
    assert notes[0].startswith("scienceqa: its test questions are no longer at gone/scienceqa-test@2")


def test_no_question_is_shown_twice_for_one_kind(record: Path) -> None:
    examples, _ = pick_examples(load_record(record), 50)
    for found in examples.values():
        assert len({one.row_id for one in found}) == len(found)


def test_pictures_come_from_the_image_folder_and_not_from_outside(record: Path) -> None:
    examples, _ = pick_examples(load_record(record), 9)
    pictures = {one.row_id.partition("/")[2]: one.picture for found in examples.values() for one in found}
    assert pictures["0"] is not None and pictures["0"].uri is not None
    assert pictures["1"] is not None and (pictures["1"].uri, pictures["1"].note) == (None, "not found")


def test_the_number_of_examples_is_bounded(record: Path) -> None:
    examples, _ = pick_examples(load_record(record), 1)
    assert [len(found) for found in examples.values()] == [1, 1, 1]
    assert pick_examples(load_record(record), 0)[0] == {}


def test_predictions_that_are_gone_are_told(tmp_path: Path) -> None:
    run = write_run(tmp_path / "gone", forgets)
    shutil.rmtree(run / "predictions" / "03-after-imagenet")
    examples, notes = pick_examples(load_record(run), 4)
    assert {one.stage for found in examples.values() for one in found} == {"vqav2"}
    told = "scienceqa after imagenet: no examples, as the predictions are not there, and of 2 more evaluations"
    assert notes[-1] == told


def test_long_answers_are_cut(tmp_path: Path) -> None:
    run = write_run(tmp_path / "long", lambda stage, task, number, gold: "x" * 5000, tasks=["vqav2"])
    examples, _ = pick_examples(load_record(run), 1)
    (shown,) = (one for found in examples.values() for one in found)
    assert shown.now == "x" * 300 + "… (4,700 more characters)"


def test_the_same_run_gives_the_same_page(record: Path, source: str) -> None:
    assert render_run(load_record(record)) == source


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "part", forgets, stages=2)
    change(run / "results.json", tasks=["$\\alpha<b>", "vqav2", "imagenet"])  # names are no mathematics and no markup
    text = Page(render_run(load_record(run))).text
    assert "$\\alpha<b>" in text
    assert "Not finished: 2 of 3 tasks are done." in text
    assert "– % final accuracy (MFN)" in text


def test_a_run_that_forgot_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path / "whole", remembers, tasks=["vqav2"])
    assert "No wrong answer was found" in Page(render_run(load_record(run))).text


def test_questions_in_other_formats(tmp_path: Path) -> None:
    run = write_run(tmp_path / "formats", tasks=["vqav2"])
    accuracy = {"short_answer": {"questions": 4, "score": 1.0}, "yes_no": {"questions": 0, "score": None}}
    several = {"questions": 4, "all_right": 1, "all_wrong": 2, "mixed": 1}
    change(run / "results.json", cross_format={"vqav2": {"accuracy": accuracy, "consistency": several}})
    assert "vqav2 100.0 (4) – 25.0 25.0 50.0 4" in Page(render_run(load_record(run))).text


def test_a_real_run_from_the_command_line(workshop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_config(workshop, name="reported", train={"steps": 2, "log_steps": 1}, eval={"constrained": True})
    run_training(config, lambda text: None)
    out = workshop / "report.html"
    assert call("report", str(config.run_dir), "--html", str(out), "--examples", "2") == 0
    assert capsys.readouterr().out == f"written to {out}\n"
    page = Page(out.read_text("utf-8"))
    assert "reglora, ASD 25 %" in page.text
    assert [source for source in page.sources if source.startswith("data:image/jpeg")]
    assert load_record(config.run_dir).peak_memory["process"] > 2**20


def test_a_report_needs_no_deep_learning_library() -> None:
    code = "import sys, asd_training.report.run_page, asd_training.report.comparison_page as c; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_errors_are_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", str(tmp_path)) == 1
    assert "is no run folder" in capsys.readouterr().err
