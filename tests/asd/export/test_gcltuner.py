"""UCIT, converted and exported, read as GCLTuner's configuration and XTuner's reader of LLaVA files do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.asd.cli_runner import run_asd

SEQUENCE = (
    ("ImageNet-R/train.json", "train.json", "What is it?\nAnswer the question using a single word or phrase.", "goldfish"),
    ("ArxivQA/train_4w.json", "train_4w.json", "What grows?\nA. red\nB. blue\nAnswer with the option's letter from the given "
     "choices directly.", "A"),
    ("VizWiz/train.json", "train.json", "What is happening in the image?\nGenerate a brief caption for the image.",
     "A dog sits on a red chair."),
    ("IconQA/train.json", "train.json", "How many are red?\nAnswer the question using a single word or phrase.", "3"),
    ("CLEVR-Math/train_4w.json", "train_4w.json", "How many are left?\nAnswer the question using a single word or phrase.", "4"),
    ("Flickr30k/train_brief_4w.json", "train_brief_4w.json", "What is happening in the image?\nGenerate a brief caption for the "
     "image.", "Two men cook in a small kitchen."),
)  # fmt: skip
"""What `train_dataset` of its configurations names, in its order, and a record of each task."""


@pytest.fixture
def ucit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The release's folder, with a test file of each task."""
    folder = tmp_path / "data" / "UCIT"
    for place, name, asked, answer in SEQUENCE:
        task = folder / Path(place).parent
        (task / "train").mkdir(parents=True)
        rows = []
        for number in range(10):
            image = f"{task.name}/train/{number}.png"
            Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / image)
            said = [{"from": "human", "value": f"<image>\n{number}: {asked}"}, {"from": "gpt", "value": answer}]
            rows.append({"id": number, "image": image, "conversations": said})
        (task / name).write_text(json.dumps(rows))
        (task / "test_3000.json").write_text("[]")
    monkeypatch.setenv("ASD_DATA_ROOT", str(folder.parent))
    monkeypatch.chdir(tmp_path)
    return folder


def load(data_root: Path, name: str) -> Any:
    """The rows of a training file, as its reader makes them: one table of one type a column."""
    datasets = pytest.importorskip("datasets")
    records = json.loads((data_root / name).read_text("utf-8"))
    return datasets.Dataset.from_list([record | {"id": str(record["id"])} for record in records])


def test_the_sequence_lies_where_its_configuration_looks(ucit: Path, tmp_path: Path) -> None:
    assert run_asd("convert", "--recipe", "ucit/asd").code == 0
    root = shutil.copytree(ucit, tmp_path / "UCIT-asd")
    done = run_asd("export", "--recipe", "ucit/asd", "--to", "gcltuner", "--out", root)
    assert done.code == 0, done.err
    styles = set()
    for name, _, _, _ in SEQUENCE:
        rows = load(root, name)
        assert len(rows) == 10, name
        for row in rows:
            assert (ucit / row["image"]).is_file(), "below `image_folder`"
            assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt"]
            assert row["conversations"][0]["value"].startswith("<image>\n")
            assert row["conversations"][0]["value"].count("<image>") == 1
        styles |= set(rows["style"])
        assert json.loads((root / Path(name).parent / "test_3000.json").read_text()) == [], "left as it is"
    assert {"short_answer", "multiple_choice", "brief_explanation", "yes_no"} <= styles
