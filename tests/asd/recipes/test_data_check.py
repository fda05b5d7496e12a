"""What is there and what is missing, before anything runs; and what licences allow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asd.recipes.data_check import check_data
from asd.recipes.recipe import load_recipe
from asd.remote.licence_terms import licence_terms
from asd.tasks.registry import load_task
from asd.tasks.task_files import builtin_tasks
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with all of VQA v2 but one image, and nothing of TextVQA."""
    monkeypatch.setenv("ASD_DATA_ROOT", str(tmp_path / "root"))
    folder = tmp_path / "root/coin/VQAv2"
    folder.mkdir(parents=True)
    records = vqa_records(20)
    write_lines(folder / "train.jsonl", [*records, {"id": "odd", "image": "x.jpg", "conversations": []}])
    (tmp_path / "root/pictures/images").mkdir(parents=True)
    for item in records[1:]:
        (tmp_path / "root/pictures" / item["image"]).write_bytes(b"x")
    (tmp_path / "recipe.yaml").write_text(
        "name: two\nout: d\ntasks:\n"
        "  - task: vqav2\n    places: [{folder: coin/VQAv2, files: [train.jsonl], image_root: pictures,"
        " origin: 'https://example.org', licence: CC BY 4.0}]\n"
        "  - {task: textvqa}\n"
    )
    return tmp_path / "root"


def test_what_is_there_and_what_is_missing(root: Path) -> None:
    vqa, text = check_data(load_recipe(str(root.parent / "recipe.yaml")), root)
    assert (vqa.rows, vqa.unusable_rows, vqa.images, vqa.missing_images) == (20, 1, 20, 1)
    assert (vqa.layout, vqa.files, vqa.missing_image_names) == ("llava", ["train.jsonl"], ["images/q0.jpg"])
    assert not vqa.is_complete
    assert vqa.licence == "CC BY 4.0 (these files); CC BY 4.0 (annotations) (the data set)"
    assert text.missing == [
        f"its files (*_questions_vqa_format.json; TextVQA_*.json) in {root}/textvqa (from https://textvqa.org)"
    ]


def test_the_command_says_it_and_its_exit_code_too(root: Path) -> None:
    recipe = root.parent / "recipe.yaml"
    done = run_asd("data", "check", recipe, "--data-root", root)
    assert done.code == 4
    lines = done.out.splitlines()
    assert lines[0] == "MISSING vqav2: VQA v2"
    assert f"  images       19 of 20 in {root}/pictures" in lines
    assert "  missing      images/q0.jpg (from https://example.org)" in lines
    assert lines[-1] == "two: missing data of vqav2, textvqa"
    (root / "pictures/images/q0.jpg").write_bytes(b"x")
    recipe.write_text(recipe.read_text().replace("  - {task: textvqa}\n", ""))
    done = run_asd("data", "check", recipe, "--json")
    assert done.code == 0
    document = json.loads(done.out)
    assert (document["complete"], document["tasks"][0]["images"]) == (True, 20)


def test_images_need_not_be_looked_up(root: Path) -> None:
    vqa, _ = check_data(load_recipe(str(root.parent / "recipe.yaml")), root, images=False)
    assert (vqa.is_complete, vqa.images, vqa.rows) == (True, 0, 20)


def test_missing_folders_and_files_that_are_none(root: Path) -> None:
    recipe = load_recipe(str(root.parent / "recipe.yaml"))
    (root / "pictures").rename(root / "gone")
    vqa, _ = check_data(recipe, root)
    assert vqa.missing == [f"the folder of the images, {root}/pictures (from https://example.org)"]
    (root / "coin/VQAv2/train.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    vqa, _ = check_data(recipe, root)
    assert "nothing here fits task 'vqav2'" in vqa.missing[-1]


def test_a_data_root_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASD_DATA_ROOT", raising=False)
    monkeypatch.setattr("asd.sources.resolve.CONFIG_FILE", tmp_path / "none.yaml")
    done = run_asd("data", "check", "coin/asd")
    assert (done.code, done.err) == (2, "error: no data root is set: give --data-root DIR, or set ASD_DATA_ROOT.\n")
    done = run_asd("data", "check", "coin/asd", "--data-root", tmp_path / "none")
    assert (done.code, "is not a folder" in done.err) == (2, True)


def test_all_of_coin_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASD_DATA_ROOT", str(tmp_path))
    found = check_data(load_recipe("coin/asd"), tmp_path)
    assert len(found) == 8
    assert all(one.missing and one.homepage.startswith("https://") for one in found)
    assert "train.json in" in found[0].missing[0] and "problems.json in" in found[0].missing[1]


@pytest.mark.parametrize(
    ("licence", "may_share", "may_sell"),
    [
        ("CC BY 4.0", True, True),
        ("CC BY-NC-SA 4.0", True, False),
        ("CC BY 4.0 (these files); CC BY-NC-SA 4.0 (the data set)", True, False),
        ("CC BY-NC-ND 4.0", False, False),
        ("MIT (repository of the data set)", True, True),
        ("see homepage; cover listing: Apache-2.0", None, None),
        ("non-commercial research and education", None, False),
        ("see homepage (registration needed)", None, None),
        ("", None, None),
    ],
)
def test_the_strictest_licence_counts(licence: str, may_share: bool | None, may_sell: bool | None) -> None:
    terms = licence_terms(licence)
    assert (terms.may_share, terms.may_sell) == (may_share, may_sell)


def test_every_task_gets_a_sentence() -> None:
    assert all(licence_terms(load_task(name).licence).sentence for name in builtin_tasks())
