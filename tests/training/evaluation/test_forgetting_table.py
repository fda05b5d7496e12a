"""The report over released outputs (only wrong answers stored) and over our own run folders."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from asd.tasks.registry import load_task
from asd_training.errors import PredictionError
from asd_training.evaluation.forgetting_table import find_runs, forgetting_table
from asd_training.evaluation.prediction_rows import write_predictions
from asd_training.evaluation.stage_order import read_order
from asd_training.evaluation.wrong_answer_files import count_questions, read_wrong_answers
from tests.training.evaluation.command import run_asd_train

IMAGENET = load_task("imagenet")
LABELS = ("Teapot", "Banjo", "Whippet", "Koala", "Desk")


def store(folder: Path, stage: str, accuracy: str, wrong: dict[str, tuple[str, str]]) -> Path:
    """wrong: id -> (answer, label)."""
    rows = [
        {"question_id": name, "prompt": "?", "text": text, "ground_truth": label}
        for name, (text, label) in wrong.items()
    ]
    path = folder / f"ImageNet_after_{stage}_acc{accuracy}.wrong.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return path


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Five questions; after ImageNet one is wrong, after GQA three, after Grounding all."""
    folder = tmp_path / "run-a"
    store(folder, "Finetune", "80.00", {"1": ("Kettle.", "Teapot")})
    store(folder, "GQA", "40.00", {"2": ("banjo", "Banjo"), "3": ("Dog", "Whippet"), "4": ("Hog", "Koala")})
    boxes = {str(number): ("[0.1,0.1,0.9,0.9]", label) for number, label in enumerate(LABELS, start=1)}
    store(folder, "Grounding", "0.00", boxes)
    return folder


def test_released_outputs(released: Path) -> None:
    table = forgetting_table(find_runs([released], IMAGENET), IMAGENET)
    (run,) = table["runs"]
    assert (table["rule"], run["run"], run["questions"]) == ("label:legacy", "run-a", 5)
    assert run["own"]["reproduced"]
    gqa, grounding = run["later"]
    assert [stage["stage"] for stage in run["later"]] == ["GQA", "Grounding"]
    assert (gqa["accuracy_percent"], gqa["published_percent"], gqa["reproduced"]) == (40.0, 40.0, True)
    assert gqa["fixed_percent_at_most"] == 60.0  # "banjo" is right by the fixed rule
    assert (gqa["forgetting"]["forgotten"], gqa["forgetting"]["gained"]) == (3, 1)
    assert gqa["forgetting"]["counts"] == {
        "superficial": 1, "less_specific": 1, "style_lost": 0, "both_wrong": 0, "essential": 1,
    }  # fmt: skip
    assert grounding["forgetting"]["counts"]["style_lost"] == 4
    assert grounding["wrong_by_category"]["style_lost"] == 5
    assert "text" not in json.dumps(table), "figures only, no answers"


def test_what_was_known_but_for_its_style(tmp_path: Path) -> None:
    folder = tmp_path / "run-d"
    store(folder, "Finetune", "50.00", {"1": ("teapot", "Teapot")})
    store(folder, "GQA", "0.00", {"1": ("Hog", "Teapot"), "2": ("Hog", "Koala")})
    forgotten = {}
    for known in ("strict", "recovered"):
        (run,) = forgetting_table(find_runs([folder], IMAGENET), IMAGENET, known=known)["runs"]  # type: ignore[arg-type]
        forgotten[known] = run["later"][0]["forgetting"]["forgotten"]
    assert forgotten == {"strict": 1, "recovered": 2}


def test_right_answers_that_may_be_a_part_of_the_label(tmp_path: Path) -> None:
    """Not stored, called right, and elsewhere the model answers "Leaf": perhaps here, too."""
    folder = tmp_path / "run-c"
    store(folder, "Finetune", "75.00", {"1": ("Leaf.", "Mantis")})
    store(folder, "GQA", "25.00", {"1": ("Leaf", "Mantis"), "2": ("Leaf", "Koala"), "3": ("Hog", "Desk")})
    labels = {"1": "Mantis", "2": "Koala", "3": "Desk", "4": "Leafhopper"}
    store(folder, "Grounding", "0.00", {name: ("[0,0,1,1]", label) for name, label in labels.items()})
    for clipped, doubtful in (([], 1), (["run-c"], None)):
        (run,) = forgetting_table(find_runs([folder], IMAGENET), IMAGENET, clipped=clipped)["runs"]
        assert run["later"][0]["right_in_doubt"] == doubtful


def test_order_of_the_arguments_does_not_matter(released: Path) -> None:
    files = sorted(released.iterdir())
    tables = [
        forgetting_table(find_runs(paths, IMAGENET), IMAGENET) for paths in (files, files[::-1], [released.parent])
    ]
    assert tables[0] == tables[1] == tables[2]


def test_joint_training_stands_beside_the_sequence(released: Path) -> None:
    store(released, "Multitask", "60.00", {"3": ("Dog", "Whippet"), "4": ("[0,0,1,1]", "Koala")})
    (run,) = forgetting_table(find_runs([released], IMAGENET), IMAGENET)["runs"]
    assert [stage["stage"] for stage in run["later"]] == ["GQA", "Grounding"]
    (joint,) = run["beside_the_sequence"]
    assert (joint["wrong"], joint["wrong_by_category"]["less_specific"]) == (2, 1)


def test_size_of_the_test_set_follows_from_the_files(tmp_path: Path) -> None:
    labels = {str(number): ("x", "Teapot") for number in range(3300)}
    many = store(tmp_path, "GQA", "17.50", labels)
    few = store(tmp_path, "VizWiz", "92.50", dict(list(labels.items())[:300]))  # 3,998 to 4,002 would do
    assert count_questions([read_wrong_answers(many), read_wrong_answers(few)]) == 4000
    with pytest.raises(PredictionError, match=r"whose size follows from them; got \[3998, 3999, 4000, 4001, 4002\]"):
        count_questions([read_wrong_answers(few)])
    other = store(tmp_path, "VQAv2", "92.51", dict(list(labels.items())[:310]))
    with pytest.raises(PredictionError, match=r"whose size follows from them; got \[\]"):
        count_questions([read_wrong_answers(many), read_wrong_answers(other)])


@pytest.mark.parametrize(
    ("stage", "accuracy", "wrong", "message"),
    [
        ("GQA", "80.00", {"1": ("Teapot.", "Teapot")}, r"label:legacy calls 'Teapot.' right for 'Teapot' \(1\)"),
        ("Somewhere", "80.00", {"1": ("x", "Teapot")}, r"CoIN's order, .* does not name the stage 'Somewhere'; give"),
        ("finetune", "80.00", {"1": ("x", "Teapot")}, "the stage '[Ff]inetune' stands twice"),
        ("GQA", "80.00", {"1": ("x", "Banjo")}, "the gold answer of '1' differs from another file's"),
    ],
)
def test_files_that_do_not_fit(released: Path, stage: str, accuracy: str, wrong: dict[str, Any], message: str) -> None:
    for path in released.glob("*GQA*"):
        path.unlink()
    store(released, stage, accuracy, wrong)
    with pytest.raises(PredictionError, match=message):
        find_runs([released], IMAGENET)


def test_no_own_stage(tmp_path: Path) -> None:
    for stage in ("GQA", "VizWiz"):
        store(tmp_path, stage, "0.00", {"1": ("x", "Teapot")})
    with pytest.raises(
        PredictionError, match=r"task's own training \(a stage named imagenet, or Finetune\); there are GQA"
    ):
        find_runs([tmp_path], IMAGENET)


def test_one_file_alone(tmp_path: Path) -> None:
    path = store(tmp_path, "GQA", "0.00", {"1": ("x", "Teapot")})
    for given in (path, tmp_path):
        with pytest.raises(PredictionError, match=f"asd-train classify {re.escape(str(path))} --task imagenet"):
            find_runs([given], IMAGENET)
    other = tmp_path / "answers.jsonl"
    other.write_text("{}")
    done = run_asd_train("forgetting", other, "--task", "imagenet")
    assert (done.code, done.out) == (1, "")
    assert "is one evaluation, and what was forgotten lies between two" in done.err


def test_stages_in_any_order_and_case(released: Path) -> None:
    """Another sequence than CoIN's, with the task's own name for its own stage."""
    for old, new in (("Finetune", "imagenet"), ("GQA", "ocr-vqa"), ("Grounding", "GROUNDING")):
        next(released.glob(f"*{old}*")).rename(released / next(released.glob(f"*{old}*")).name.replace(old, new))
    store(released, "text_vqa", "0.00", {str(n): ("no", label) for n, label in enumerate(LABELS, start=1)})
    order = read_order("Grounding, TextVQA,ImageNet,OCRVQA")
    (run,) = find_runs([released], IMAGENET, order)
    assert [stage.name for stage in run.later] == ["ocr-vqa"]
    assert [stage.name for stage in run.beside] == ["GROUNDING", "text_vqa"]  # trained before the task
    (coin,) = find_runs([released], IMAGENET)
    assert [stage.name for stage in coin.later] == ["GROUNDING", "ocr-vqa"]
    assert [stage.name for stage in coin.beside] == ["text_vqa"]
    with pytest.raises(PredictionError, match=r"--order \(gqa, grounding\) does not name the task 'imagenet'"):
        find_runs([released], IMAGENET, ("gqa", "grounding"))
    with pytest.raises(PredictionError, match=r"--order \(imagenet, grounding\) does not name the stage 'ocr-vqa'"):
        find_runs([released], IMAGENET, ("imagenet", "grounding"))
    told = run_asd_train("forgetting", released, "--task", "imagenet", "--order", "GQA,gqa")
    assert (told.code, "'gqa' stands twice" in told.err) == (1, True)


def test_files_of_several_tasks_in_one_folder(released: Path) -> None:
    store(released, "GQA", "0.00", {"x": ("a", "b")}).rename(released / "VizWiz_after_GQA_acc0.00.wrong.jsonl.gz")
    store(released, "GQA", "40.00", {"2": ("banjo", "Banjo"), "3": ("Dog", "Whippet"), "4": ("Hog", "Koala")})
    (run,) = find_runs([released], IMAGENET)
    assert [stage.name for stage in run.later] == ["GQA", "Grounding"]


def test_damaged_files(tmp_path: Path) -> None:
    path = store(tmp_path, "GQA", "0.00", {"1": ("x", "Teapot")})
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    with pytest.raises(PredictionError, match="cannot be read as JSON Lines"):
        read_wrong_answers(path)
    path.write_bytes(gzip.compress(b'{"question_id": "1", "text": 3, "ground_truth": "x"}'))
    with pytest.raises(
        PredictionError, match=r":1: expected the texts question_id, text, ground_truth; text is missing"
    ):
        read_wrong_answers(path)
    path.write_bytes(gzip.compress(gzip.decompress(whole) * 2))
    with pytest.raises(PredictionError, match="the id '1' stands twice"):
        read_wrong_answers(path)
    with pytest.raises(PredictionError, match=r"expected a name like ImageNet_after_GQA_acc8\.30"):
        read_wrong_answers(tmp_path / "merge.jsonl")


def prediction(name: str, text: str, score: float) -> dict[str, Any]:
    return {
        "id": name, "task": "scienceqa", "style": "multiple_choice", "native": True, "prompt": "?", "image": None, "text": text,
        "parsed": None, "gold": "sun", "accepted": ["sun"], "options": ["moon", "sun"], "score": score,
        "constrained_text": "B", "constrained_score": 1.0,
    }  # fmt: skip


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run-b"
    places = {
        "01-after-scienceqa": ("B", 1.0),
        "02-after-vqav2": ("sun", 0.0),
        "03-after-grounding": ("[0,0,1,1]", 0.0),
    }
    for place, (text, score) in places.items():
        write_predictions(folder / "predictions" / place / "scienceqa.arrow", [prediction("q", text, score)])
    return folder


def test_our_own_runs(run_folder: Path) -> None:
    spec = load_task("scienceqa")
    (run,) = forgetting_table(find_runs([run_folder], spec), spec)["runs"]
    vqa, boxes = (stage["forgetting"] for stage in run["later"])
    assert (vqa["counts"]["superficial"], vqa["constrained"]["both"]) == (1, 1)
    assert (boxes["counts"]["style_lost"], boxes["constrained"]["constrained_only"]) == (1, 1)
    assert "published_percent" not in run["own"]


def test_our_own_runs_in_another_order(run_folder: Path) -> None:
    """Stages stand in the order of their numbers, and what was trained before the task is not later."""
    spec = load_task("scienceqa")
    write_predictions(run_folder / "predictions/100-after-GQA/scienceqa.arrow", [prediction("q", "A", 0.0)])
    write_predictions(run_folder / "predictions/00-after-textvqa/scienceqa.arrow", [prediction("q", "A", 0.0)])
    (run,) = find_runs([run_folder], spec)
    assert [stage.name for stage in run.later] == ["vqav2", "grounding", "GQA"]
    assert [stage.name for stage in run.beside] == ["textvqa"]
    (told,) = find_runs([run_folder], spec, read_order("GQA,Grounding,TextVQA,ScienceQA,VQAv2"))
    assert [stage.name for stage in told.later] == ["vqav2"]


def test_answers_that_ran_on_are_counted(released: Path) -> None:
    wrong = {"2": ("banjo\nUser: and?", "Banjo"), "3": ("Dog. User: ?", "Whippet"), "4": ("Hog", "Koala")}
    store(released, "GQA", "40.00", wrong)
    (run,) = forgetting_table(find_runs([released], IMAGENET), IMAGENET)["runs"]
    assert run["later"][0]["ran_on"] == 2
    assert run["later"][0]["forgetting"]["counts"]["style_lost"] == 0
    told = run_asd_train("forgetting", released, "--task", "imagenet").out
    assert "wrong answers that ran on, read up to there: GQA 2" in told


def test_runs_without_predictions(tmp_path: Path, run_folder: Path) -> None:
    with pytest.raises(PredictionError, match="stages that have some: none; tasks with predictions: scienceqa"):
        find_runs([run_folder], IMAGENET)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PredictionError, match="expected a run folder with predictions/, or files named"):
        find_runs([tmp_path / "empty"], IMAGENET)
    with pytest.raises(PredictionError, match="does not exist"):
        find_runs([tmp_path / "nowhere"], IMAGENET)


def test_command(released: Path) -> None:
    done = run_asd_train("forgetting", released, "--task", "imagenet")
    assert done.code == 0, done.err
    assert "run-a: 5 questions" in done.out
    assert done.out.splitlines()[4].split() == "GQA 40.00 3 33.3 33.3 0.0 0.0 33.3 60.00 80.00".split()
    as_json = run_asd_train("forgetting", released, "--task", "imagenet", "--json")
    assert json.loads(as_json.out) == forgetting_table(find_runs([released], IMAGENET), IMAGENET)
    unknown = run_asd_train("forgetting", released, "--task", "imagenet", "--known", "all")
    assert (unknown.code, unknown.err[:46]) == (2, "error: no way to count what was known named 'a")
    absent = run_asd_train("forgetting", released, "--task", "imagenet", "--clipped", "run-x")
    assert (absent.code, absent.err) == (1, "error: no run named 'run-x'; there are run-a\n")
    refused = run_asd_train("forgetting", released / "none", "--task", "imagenet")
    assert (refused.code, refused.err) == (1, f"error: {released / 'none'} does not exist\n")


@pytest.mark.shared_data
def test_the_released_rule_gives_the_published_accuracy_of_every_file(shared_data: Path) -> None:
    table = forgetting_table(
        find_runs([shared_data / "coin_predictions"], IMAGENET), IMAGENET, clipped=["qwen-vl-chat"]
    )
    stages = [stage for run in table["runs"] for stage in [run["own"], *run["later"], *run["beside_the_sequence"]]]
    assert len(stages) == 19
    assert all(stage["reproduced"] for stage in stages)
    assert {run["questions"] for run in table["runs"]} == {4000}
    committed = Path(__file__).parents[3] / "benchmarks" / "results" / "coin_imagenet_forgetting.json"
    assert json.loads(committed.read_text(encoding="utf-8")) == json.loads(json.dumps(table))
