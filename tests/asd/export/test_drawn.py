"""A sample that this package drew says so in the names of its files and in what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asd.export.run import ExportOptions, export
from asd.export.table import FORMATS
from tests.asd.cli_runner import run_asd
from tests.asd.export.conftest import Datasets


@pytest.mark.parametrize("form", FORMATS)
def test_file_names_say_it(form: str, data: Datasets, tmp_path: Path) -> None:
    (one,) = export([data.drawn], ExportOptions(form, tmp_path)).data
    assert "-sample" in str(one.path.relative_to(tmp_path))
    assert one.part.is_drawn
    (other,) = export([data.vqa], ExportOptions(form, tmp_path / "other", missing_images="keep")).data
    assert "sample" not in str(other.path.relative_to(tmp_path))


def test_side_files_say_it(data: Datasets, tmp_path: Path) -> None:
    export([data.drawn], ExportOptions("llama-factory", tmp_path))
    assert list(json.loads((tmp_path / "dataset_info.json").read_text())) == ["asd_scienceqa_sample"]
    export([data.drawn], ExportOptions("mcitlib", tmp_path))
    assert (tmp_path / "data_configs/scienceqa-sample.json").is_file()
    export([data.drawn], ExportOptions("prism", tmp_path))
    assert json.loads((tmp_path / "benchmark.json").read_text())[0]["name"] == "scienceqa-sample"


def test_a_recipe_of_samples_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = tmp_path / "r.yaml"
    recipe.write_text("name: r\nout: made\nsettings: {ratio: 0}\ntasks:\n- task: vqav2\n- task: gqa\n")
    assert run_asd("convert", "--recipe", recipe).code == 0
    done = run_asd("export", "--recipe", recipe, "--to", "coin", "--out", "out")
    assert done.code == 0
    assert "note: vqav2, gqa: drawn by this package as a sample; this is not the data set of that name" in done.out
    assert sorted(path.name for path in Path("out").iterdir()) == ["GQA-sample", "VQAv2-sample"]
