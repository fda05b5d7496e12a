"""A whole benchmark in one command: side by side the same bytes, failures told, a table over all tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    for number, task in enumerate(("vqav2", "gqa", "textvqa")):
        write_lines(tmp_path / f"{task}.jsonl", vqa_records(30, seed=number))
    path = tmp_path / "mine.yaml"
    tasks = "".join(f"  - {{task: {task}, source: {tmp_path}/{task}.jsonl}}\n" for task in ("vqav2", "gqa", "textvqa"))
    path.write_text(f"name: mine\nout: {tmp_path}/out\nsettings: {{ratio: 0.4}}\ntasks:\n{tasks}")
    return path


def shards(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("versions/*/data/*.arrow")}


def test_side_by_side_and_one_by_one_give_the_same_bytes(recipe: Path, tmp_path: Path) -> None:
    one = run_asd("convert", "--recipe", recipe, "--out", tmp_path / "a")
    two = run_asd("convert", "--recipe", recipe, "--out", tmp_path / "b", "--jobs", "2")
    assert (one.code, two.code) == (0, 0)
    assert len(shards(tmp_path / "a")) == 3
    assert shards(tmp_path / "a") == shards(tmp_path / "b")
    assert one.out.replace(f"{tmp_path}/a", f"{tmp_path}/b") == two.out
    rows = [line.split() for line in two.out.splitlines()[-6:-2]]
    assert rows[0][:5] == ["vqav2", "30", "12", "40.0", "%"]
    assert rows[-1][:5] == ["all", "90", "36", "40.0", "%"]


def test_a_task_that_fails_does_not_stop_the_others(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "gqa.jsonl").write_text("{")
    done = run_asd("convert", "--recipe", recipe, "--jobs", "3")
    assert done.code == 1
    assert "error: 1 of 3 tasks failed (gqa); the others are done. First: " in done.err
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"vqav2", "textvqa"}
    assert done.out.splitlines()[-3].split()[:2] == ["all", "60"]


def test_jobs_are_for_pipelines(recipe: Path) -> None:
    for words in (["--task", "gqa"], ["--recipe", recipe, "--dry-run"]):
        done = run_asd("convert", *words, "--jobs", "2")
        assert (done.code, "--jobs is for converting a --recipe" in done.err) == (2, True)
