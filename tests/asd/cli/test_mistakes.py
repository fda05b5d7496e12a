"""Mistakes that newcomers make: the message names what was probably meant, and the next step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines

TASK = """name: parts
family: vqa
native_style: short_answer
styles: {yes_no: [field, mined]}
layouts: [{name: rows, columns: {question: ask, gold: reply}}]
scorer: exact_match
"""


@pytest.fixture(autouse=True)
def _in_a_folder_with_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("ASD_DATA_ROOT", raising=False)
    write_lines(tmp_path / "rows.jsonl", [{"ask": "What is it?", "reply": "a bolt"}, {"ask": "Who?", "reply": "me"}])
    (tmp_path / "parts.yaml").write_text(TASK)
    (tmp_path / "photos").mkdir()
    (tmp_path / "empty").mkdir()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("convert vqav2 --source empty", "empty: nothing here fits task 'vqav2'"),
        ("convert vqav2 --source nowhere", "nowhere: there is no such file or folder"),
        (
            "convert parts.yaml --source rows.jsonl --image-root phots",
            "phots is not a folder; did you mean 'photos'? Give the",
        ),
        ("convert scienceqaa", "did you mean 'scienceqa' or 'iconqa'? (known: 43, too many to list here)"),
        ("convert part.yaml --source rows.jsonl", "part.yaml: there is no such task file; did you mean parts.yaml?"),
        ("convert x/y.yaml", "x/y.yaml: there is no such task file; `asd init` writes one for data of your own"),
        ("convert coin/asd", "coin/asd is no task but a recipe, or a run of asd-train: asd convert --recipe coin/asd."),
        ("convert --recipe coin", "no recipe named 'coin'; did you mean 'coin/asd'"),
        ("convert scienceqa --styles yesno", "no answer style named 'yesno'; did you mean 'yes_no'?"),
        ("convert parts.yaml", "task 'parts' needs a source"),
        ("inspect empty", "empty is not a dataset written by `asd convert`"),
        ("export data --to lava --out o", "no export format named 'lava'; did you mean 'llava'?"),
        ("convret scienceqa", "No such command 'convret'. Did you mean 'convert'"),
        ("convert scienceqa --ratoi 0.2", "No such option: --ratoi"),
    ],
)
def test_what_is_said(words: str, message: str) -> None:
    done = run_asd(*words.split())
    assert done.code in (1, 2)
    assert message in done.err
    assert "Traceback" not in done.err


def test_own_files_with_mistakes(tmp_path: Path) -> None:
    (tmp_path / "columns.yaml").write_text(TASK.replace("question: ask", "question: aks"))
    assert (
        "no field 'aks' in the first record; did you mean 'ask'?"
        in run_asd("convert", "columns.yaml", "--source", "rows.jsonl").err
    )
    (tmp_path / "style.yaml").write_text(TASK.replace("short_answer", "short_answr"))
    done = run_asd("convert", "style.yaml", "--source", "rows.jsonl")
    assert "style.yaml:3: key 'native_style': " in done.err
    assert "got 'short_answr'; did you mean 'short_answer'?" in done.err
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert "empty.jsonl: the file is empty" in run_asd("convert", "parts.yaml", "--source", "empty.jsonl").err


def test_a_share_of_few_rows_that_is_none_is_told(tmp_path: Path) -> None:
    done = run_asd("convert", "parts.yaml", "--source", "rows.jsonl")
    assert "note: a share of 0.2 of 2 samples is none; give a larger --ratio, e.g. 1." in done.out
    assert "is none" not in run_asd("convert", "parts.yaml", "--source", "rows.jsonl", "--ratio", 0).out


def test_versions_that_are_not_there(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "some.jsonl", vqa_records(20))
    assert run_asd("convert", "vqav2", "--source", source, "--out", "data", "--name", "paper").code == 0
    assert "no version named 'v3'; did you mean 'v1'?" in run_asd("inspect", "data@v3").err
    assert "no version named 'papr'; did you mean 'paper'?" in run_asd("verify", "data/papr").err
    assert json.loads(run_asd("verify", "data/paper", "--json").out)["problems"] == []
