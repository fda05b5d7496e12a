from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from asd_training.errors import RunError
from asd_training.report.comparison import compare
from asd_training.report.comparison_page import render_comparison
from asd_training.report.comparison_text import to_csv
from tests.training.report.commands import call
from tests.training.report.pages import Page
from tests.training.report.run_folders import Answer, change, remembers, write_run

REGLORA = {"method": "reglora"}


def forgets(count: int) -> Answer:
    """The first `count` of the four questions of every earlier task: a box, which has no fact of theirs."""

    def answer(stage: int, task: str, number: int, gold: str) -> str:
        own = ("scienceqa", "vqav2", "imagenet").index(task)
        return "[0.1,0.2,0.5,0.6]" if stage > own and number < count else gold

    return answer


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Final accuracies: seq-lora 0.5 and 0.6667, reglora 0.8333 and 1."""
    root = tmp_path_factory.mktemp("runs")
    for seed, counts in ((0, (3, 1)), (1, (2, 0))):
        write_run(root / f"seq-{seed}", forgets(counts[0]), seed=seed)
        write_run(root / f"reg-{seed}", forgets(counts[1]), seed=seed, method=REGLORA, ratio=0.2)
    return root


def four(runs: Path) -> list[Path]:
    return [runs / name for name in ("seq-0", "seq-1", "reg-0", "reg-1")]


def figures(found: Any, place: int, part: str = "groups") -> dict[str, Any]:
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    chosen: dict[str, Any] = document[part][place]["figures"]
    return chosen


def test_groups_by_method_and_ratio_with_hand_worked_intervals(runs: Path) -> None:
    found = compare(four(runs))
    assert [(group.label, group.seeds) for group in found.groups] == [
        ("seq-lora", [0, 1]),
        ("reglora, ASD 20 %", [0, 1]),
    ]
    final = figures(found, 0)["MFN"]  # 1/2 and 2/3: mean 7/12, s = 1/6/sqrt(2), half = 12.706 / 12
    assert (final["n"], final["mean"]) == (2, pytest.approx(7 / 12))
    assert final["high"] - final["mean"] == pytest.approx(1.0588, abs=1e-4)
    assert figures(found, 0)["forgotten"]["mean"] == pytest.approx((6 / 8 + 4 / 8) / 2)
    assert figures(found, 0)["style_lost"]["mean"] == 1.0
    costs = ("train_s", "train_processor_s", "evaluate_processor_s", "steps")
    assert [figures(found, 0)[name]["mean"] for name in costs] == [90.0, 60.0, 12.0, 24.0]
    assert figures(found, 1)["superficial"]["n"] == 1  # where nothing was forgotten there are no shares


def test_differences_are_paired_by_seed(runs: Path) -> None:
    found = compare(four(runs))
    assert [(one.group.label, one.versus.label, one.seeds) for one in found.differences] == [
        ("reglora, ASD 20 %", "seq-lora", (0, 1))
    ]
    final = figures(found, 0, "differences")["MFN"]  # 1/3 with either seed, although both groups vary
    assert final["mean"] == pytest.approx(1 / 3)
    assert final["high"] - final["low"] == pytest.approx(0.0, abs=1e-9)


def test_seeds_that_do_not_match_are_not_paired(runs: Path) -> None:
    assert compare([runs / "seq-0", runs / "reg-1"]).differences == []


def test_one_seed_has_no_interval(runs: Path) -> None:
    assert figures(compare([runs / "seq-0"]), 0)["MFN"] == {"n": 1, "mean": 0.5, "low": None, "high": None}


def test_other_settings_are_another_group(runs: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", seed=5, train={"lr": 1e-3})
    assert [group.label for group in compare([runs / "seq-0", other]).groups] == [
        "seq-lora, train.lr=0.0002",
        "seq-lora, train.lr=0.001",
    ]


def test_an_unfinished_run_stands_alone(runs: Path, tmp_path: Path) -> None:
    part = write_run(tmp_path / "part", seed=2, stages=2)
    found = compare([runs / "seq-0", runs / "seq-1", part])
    assert [(group.label, group.seeds) for group in found.groups] == [
        ("seq-lora", [0, 1]),
        ("seq-lora, NOT FINISHED (2 of 3 tasks)", [2]),
    ]
    assert figures(found, 1)["MFN"] is None
    assert found.differences == []


def test_other_task_sequences_are_refused(runs: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "two", tasks=["vqav2", "scienceqa"])
    with pytest.raises(
        RunError, match=r"other task sequences cannot be compared:\n.*scienceqa, vqav2, imagenet\n.*vqav2, sc"
    ):
        compare([runs / "seq-0", other])


def test_the_same_run_twice(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"are the same run; give each run once"):
        compare([runs / "seq-0", runs / "../" / runs.name / "seq-0"])
    twin = write_run(tmp_path / "twin", seed=0)
    with pytest.raises(RunError, match=r"are both seq-lora with seed 0: two runs of one seed are no two samples"):
        compare([runs / "seq-0", twin])


def test_no_runs() -> None:
    with pytest.raises(RunError, match="there are no runs to compare"):
        compare([])


def test_what_was_not_evaluated_stays_out_of_means(runs: Path, tmp_path: Path) -> None:
    joint = write_run(tmp_path / "joint", method={"method": "joint"})
    nothing = [None] * 3
    change(joint / "results.json", matrices={"strict": [nothing, nothing, [0.75, math.nan, 1.0]]}, forgetting={})
    found = figures(compare([joint]), 0)
    assert "MAA" not in found  # no run has it
    assert found["final imagenet"]["mean"] == 1.0
    both = compare([joint, runs / "seq-0"])
    assert figures(both, 0)["MAA"] is None
    assert figures(both, 0)["final vqav2"] is None
    assert figures(both, 0)["forgotten"] is None


def test_other_test_questions_and_models_are_told(runs: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", method=REGLORA)
    facts = json.loads((other / "config.json").read_text())
    facts["shards"]["vqav2"]["test"] = "elsewhere@9"
    change(other / "config.json", **facts)
    change(other / "results.json", model="large")
    assert compare([runs / "seq-0", other]).notes == [
        "The runs start from different models: tiny, large.",
        "vqav2: the runs were tested on different questions (shard versions 2, 9).",
    ]


def test_other_training_shards_at_the_same_settings_are_told(runs: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", seed=9)
    facts = json.loads((other / "config.json").read_text())
    facts["shards"]["vqav2"]["train"] = "elsewhere@9"
    change(other / "config.json", **facts)
    found = compare([runs / "seq-0", other])
    assert found.notes == ["seq-lora, vqav2: trained on different shards (1, 9) at the same settings."]


def recipe(path: Path, tasks: list[str]) -> Path:
    rows = [
        {"method": "theirs", "start_model": "a large <b>model</b>", "source": "a paper", "certainty": "recalled",
         "metrics": {"BWT": -32.62, "MAA": 32.97}, "asd": True},
        {"method": "by scores", "start_model": "another", "source": "files", "certainty": "read",
         "matrix": [[80.0, None, None], [40.0, 60.0, None], [20.0, 30.0, 70.0]]},
        {"method": "at the end", "start_model": "another", "source": "files", "certainty": "read",
         "after_last_task": dict.fromkeys(tasks, 50.0)},
    ]  # fmt: skip
    benchmark = {"name": "b", "title": "b", "paper": "b", "backward_transfer_divisor": "T"}
    path.write_text(
        yaml.safe_dump({"name": "b", "out": "x", "tasks": tasks and [{"task": task} for task in tasks],
                        "benchmark": benchmark, "published": rows})
    )  # fmt: skip
    return path


def test_published_results_stand_apart(runs: Path, tmp_path: Path) -> None:
    file = recipe(tmp_path / "recipe.yaml", ["scienceqa", "vqav2", "imagenet"])
    part = write_run(tmp_path / "part", seed=2, stages=2)
    found = compare([runs / "seq-0", part], [str(file)])
    theirs, scores, end = found.published
    assert theirs.figures == {"BWT (divisor T)": pytest.approx(-0.3262), "MAA": pytest.approx(0.3297)}
    assert theirs.to_json()["comparable"] is False
    assert scores.figures["BWT (divisor T)"] == pytest.approx((20 - 80 + 30 - 60) / 3 / 100)
    assert "BWT (divisor T)" in scores.computed and theirs.computed == ()
    assert end.figures["MFN"] == 0.5
    text = Page(render_comparison(found)).text
    assert "of other models, starts and test draws: for orientation, not for comparison" in text
    assert "a large <b>model</b>" in text
    assert "averaged with no other run" in text
    assert len(found.groups) == 2


def test_a_run_names_its_recipe(tmp_path: Path) -> None:
    file = recipe(tmp_path / "recipe.yaml", ["scienceqa", "vqav2", "imagenet"])
    run = write_run(tmp_path / "named", published=str(file))
    assert len(compare([run]).published) == 3


def test_published_results_of_other_sequences_are_left_out(runs: Path) -> None:
    found = compare([runs / "seq-0"], ["coin/asd"])
    assert found.published == []
    assert found.notes[0].startswith(
        "Published results of coin/asd are not shown: they are of another task sequence (sci"
    )


def test_csv_has_a_line_a_figure(runs: Path) -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(compare(four(runs))))))
    final = next(
        line for line in lines if (line["kind"], line["label"], line["figure"]) == ("group", "seq-lora", "MFN")
    )
    assert float(final["mean"]) == pytest.approx(7 / 12)
    assert (final["n"], final["unit"], final["seeds"]) == ("2", "share", "0 1")
    assert {line["kind"] for line in lines} == {"group", "difference"}
    one = list(csv.DictReader(io.StringIO(to_csv(compare([runs / "seq-0"])))))
    assert {(line["low"], line["high"]) for line in one} == {("", "")}


def test_the_command_line(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [str(path) for path in four(runs)]
    assert call("compare", *given, "--html", str(tmp_path / "page.html")) == 0
    told = capsys.readouterr()
    assert "58.3 ± 105.9" in told.out
    assert "Differences to seq-lora, paired by seed" in told.out
    assert "no ± : one seed" in told.out
    page = Page((tmp_path / "page.html").read_text("utf-8"))
    assert all(source.startswith("data:image/svg") for source in page.sources)
    assert "58.3 ± 105.9" in page.text
    assert "+33.3 ± 0.0" in page.text
    assert call("compare", *given, "--json") == 0
    assert json.loads(capsys.readouterr().out)["groups"][1]["seeds"] == [0, 1]
    assert call("compare", *given[:1], "--csv") == 0
    assert capsys.readouterr().out.startswith("kind,label,versus,figure,unit,n,mean,low,high,seeds\n")


def test_json_and_csv_exclude_each_other(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", str(runs / "seq-0"), "--json", "--csv") == 2
    assert "--json and --csv exclude each other" in capsys.readouterr().err


def test_nothing_forgotten_at_all(tmp_path: Path) -> None:
    found = compare([write_run(tmp_path / "run", remembers)])
    assert figures(found, 0)["forgotten"]["mean"] == 0.0
    assert "superficial" not in figures(found, 0)
