"""The tasks of a run: which rows, from where, and what is told when they cannot be used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from asd_training.config import DataConfig
from asd_training.data import load_tasks, missing_images, require_images
from asd_training.errors import TaskDataError
from tests.training.run_settings import make_settings
from tests.training.tiny_tasks import two_tasks


@pytest.fixture(scope="module")
def data(workshop: Path) -> dict[str, Any]:
    return make_settings(workshop)["data"]


def load(data: dict[str, Any], **changes: Any) -> Any:
    """The first task alone."""
    entry = {**data["tasks"][0], **changes.pop("entry", {})}
    return load_tasks(DataConfig.model_validate({**data, "tasks": [entry], **changes}))[0]


def test_training_rows_are_diversified_and_test_rows_are_not(data: dict[str, Any]) -> None:
    task = load(data)
    assert (len(task.train), task.train.num_converted(), len(task.test)) == (24, 6, 6)
    assert task.test.styles() == {"short_answer": 6}
    assert task.native_responses() == ["blue", "green", "red", "white"]


def test_limits_choose_by_hash_and_keep_the_order(data: dict[str, Any]) -> None:
    few = [row["id"] for row in load(data, max_train=5).train]
    more = [row["id"] for row in load(data, max_train=9).train]
    whole = [row["id"] for row in load(data).train]
    assert len(few) == 5
    assert set(few) < set(more)
    assert more == [row_id for row_id in whole if row_id in set(more)]
    assert more != whole[:9]


def test_conversion_on_the_fly_makes_the_same_rows(data: dict[str, Any], workshop: Path, tmp_path: Path) -> None:
    given = two_tasks(workshop / "data") | {"root": str(tmp_path)}
    made = load_tasks(DataConfig.model_validate({**given, "tasks": given["tasks"][:1]}))[0]
    assert [{**row, "location": ""} for row in made.train] == [{**row, "location": ""} for row in load(data).train]
    assert made.train_shards.source == given["tasks"][0]["source"]


def test_unknown_datasets_and_versions(data: dict[str, Any], workshop: Path) -> None:
    with pytest.raises(TaskDataError, match=r"task 'vqav2': .*nowhere does not exist"):
        load(data, entry={"train": str(workshop / "nowhere")})
    with pytest.raises(TaskDataError, match=r"nowhere/gqa does not exist.* below data.root, now nowhere\."):
        load_tasks(DataConfig.model_validate({"root": "nowhere", "tasks": ["gqa"]}))
    with pytest.raises(TaskDataError, match=r"task 'vqav2': no version named 'v9'"):
        load(data, entry={"train": f"{workshop}/asd/vqav2@v9"})


def test_a_shard_format_that_is_too_new(data: dict[str, Any], workshop: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(workshop / "asd/vqav2", tmp_path / "vqav2", symlinks=True)
    manifest = next(copy.glob("versions/*/manifest.json"))
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format_version": 99}))
    with pytest.raises(TaskDataError, match=r"task 'vqav2': .*format 99"):
        load(data, entry={"train": str(copy)})


def test_a_task_without_rows(data: dict[str, Any]) -> None:
    with pytest.raises(TaskDataError, match=r"task 'vqav2': no split named 'val'"):
        load(data, test_split="val")
    with pytest.raises(TaskDataError, match=r"split 'train', has no test rows of the native style 'multiple_choice'"):
        load(data, entry={"test": data["tasks"][0]["train"], "task": "vqav2"} | _other_style(data))


def _other_style(data: dict[str, Any]) -> dict[str, Any]:
    """Point the test questions at a dataset none of whose rows are native."""
    import asd

    source = Path(data["root"]).parent / "data/shades"
    done = asd.convert(
        task="scienceqa", source=source, split="train", ratio_per_style={"yes_no": 1.0}, workers=1,
        out=Path(data["root"]) / "all-converted", image_root=source,
    )  # fmt: skip
    return {"test": f"{done.path}@{done.version}", "test_split": "train", "scorer": "exact_match"}


def test_a_task_without_scorer(data: dict[str, Any]) -> None:
    with pytest.raises(TaskDataError, match=r"task 'vqav2' has no scorer: no .*'taste'.* Name one in its entry"):
        load(data, entry={"scorer": "taste"})


def test_images_that_are_missing_are_counted_before_training(data: dict[str, Any], tmp_path: Path) -> None:
    require_images([load(data)])
    task = load(data, image_root=str(tmp_path))
    assert len(missing_images(task)) == 20 + 5  # every sixth question is of text alone
    with pytest.raises(
        TaskDataError, match=r"task 'vqav2': 25 image\(s\) do not exist, e.g. vqav2/train/c0: .*train/0.png"
    ):
        require_images([task])


def test_bytes_of_messages_by_hand(data: dict[str, Any]) -> None:
    rows = load(data).train
    expected = [sum(len(message["content"].encode()) for message in row["messages"]) for row in rows]
    assert rows.message_bytes().tolist() == expected
