"""Every named version is a config of the card, and `datasets` opens it with typed images."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml
from PIL import Image

import asd
from asd.columns import REWRITTEN_SCHEMA, SHARD_SCHEMA
from asd.errors import UnknownNameError, UsageError
from asd.shards.card_configs import data_files_of, features_of, kept_configs
from asd.shards.manifest import Counts, FileEntry, Manifest
from asd.shards.store import Store
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import record, vqa_records, write_lines


def front_of(root: Path) -> dict[str, Any]:
    front: dict[str, Any] = yaml.safe_load((root / "README.md").read_text().split("---\n")[1])
    return front


def names_of(root: Path) -> list[str]:
    return [config["config_name"] for config in front_of(root)["configs"]]


def load(root: Path, *name: str, split: str = "train") -> Any:
    return datasets.load_dataset(str(root), *name, split=split, cache_dir=str(root.parent / "cache"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Rows of three splits with an image each, and one without."""
    folder = tmp_path / "source"
    for number, split in enumerate(("train", "val", "test")):
        records = vqa_records(8, seed=number)
        for item in records:
            item["id"] = f"{split}-{item['id']}"
            item["image"] = f"images/{item['id']}.png"
            (folder / "images").mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (3 + number, 2)).save(folder / item["image"])
        records.append(
            {key: value for key, value in record(f"{split}-bare", "What?", "that").items() if key != "image"}
        )
        records[-1]["conversations"][0]["value"] = "What?"
        write_lines(folder / f"{split}.jsonl", records)
    return folder


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize("schema", [SHARD_SCHEMA, REWRITTEN_SCHEMA])
def test_features_are_spelled_as_datasets_spells_them(schema: Any, decode: bool) -> None:
    features = datasets.Features._from_yaml_list(features_of(schema, decode=decode))
    assert features["images"] == datasets.List(datasets.Image(decode=decode))
    others = datasets.Features.from_arrow_schema(schema)
    assert {**features, "images": None} == {**others, "images": None}
    assert list(features) == schema.names


def test_versions_and_names_are_configs(tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", vqa_records(30))
    root = asd.convert("vqav2", rows, out=tmp_path / "data", ratio=0.2).path
    asd.convert("vqav2", rows, out=root, ratio=0.4, name="paper")
    assert names_of(root) == ["default", "v1", "v2", "paper"]
    converted = {name: sum(maker != "native" for maker in load(root, name)["maker"]) for name in ("v1", "v2", "paper")}
    assert converted == {"v1": 6, "v2": 12, "paper": 12}
    assert load(root).to_list() == asd.load(f"{root}@v2").to_list()
    asd.convert("vqav2", rows, out=root, ratio=0.2)  # the first again
    assert load(root).to_list() == asd.load(f"{root}@v1").to_list()


def test_names_that_are_gone_leave_the_card(tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", vqa_records(12))
    root = asd.convert("vqav2", rows, out=tmp_path / "data", ratio=0.2, name="paper").path
    asd.convert("vqav2", rows, out=root, ratio=0.4)
    (root / "refs" / "paper.json").unlink()
    asd.convert("vqav2", rows, out=root, ratio=0.4)  # there already: the card is put right all the same
    assert names_of(root) == ["default", "v1", "v2"]
    (root / "refs" / "v1.json").unlink()
    assert run_asd("versions", root, "--clean").code == 0
    assert names_of(root) == ["default", "v2"]


def test_a_damaged_version_leaves_the_others_readable(tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", vqa_records(12))
    first = asd.convert("vqav2", rows, out=tmp_path / "data", ratio=0.2)
    (first.path / "versions" / first.version / "manifest.json").write_text("{")
    asd.convert("vqav2", rows, out=first.path, ratio=0.4)
    assert names_of(first.path) == ["default", "v2"]
    assert len(load(first.path)) == 12


def test_splits_have_names_that_datasets_takes(tmp_path: Path, source: Path) -> None:
    root = asd.convert("vqav2", source, out=tmp_path / "data", ratio=0.4).path
    found = datasets.load_dataset(str(root), "v1", cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in found.items()} == {"train": 9, "validation": 9, "test": 9}


def test_a_split_takes_no_shards_of_one_whose_name_begins_alike() -> None:
    splits = ("val", "valid", "val-unseen", "val-1")
    files = [
        FileEntry(path=f"data/{split}-00000.arrow", split=split, rows=1, size_bytes=1, sha256="") for split in splits
    ]
    manifest = Manifest(
        version="aa11", task="toy", asd_version="0", config={}, spec={}, source={}, templates={}, code="", counts=Counts(),
        files=files,
    )  # fmt: skip
    found = data_files_of(manifest)
    assert found == [
        {"split": "validation", "path": [f"versions/aa11/data/{split}-?????.arrow" for split in ("val", "valid")]},
        {"split": "val_1", "path": ["versions/aa11/data/val-1-?????.arrow"]},
        {"split": "val_unseen", "path": ["versions/aa11/data/val-unseen-?????.arrow"]},
    ]
    patterns = [
        pattern for entry in found for pattern in ([entry["path"]] if isinstance(entry["path"], str) else entry["path"])
    ]
    for file in files:
        assert sum(fnmatch(f"versions/aa11/{file.path}", pattern) for pattern in patterns) == 1


def test_embedded_images_are_opened_when_a_row_is_read(tmp_path: Path, source: Path) -> None:
    done = asd.convert("vqav2", source, out=tmp_path / "data", ratio=0.4, image_root=source, embed_images=True)
    assert done.manifest.images is not None
    assert (done.manifest.images.named, done.manifest.images.embedded) == (24, 24)
    rows = load(done.path, split="validation")
    assert rows.features["images"] == datasets.List(datasets.Image())
    assert [[image.size for image in row["images"]] for row in rows] == [[(4, 2)]] * 8 + [[]]


def test_paths_stay_paths_where_nobody_knows_their_folder(tmp_path: Path, source: Path) -> None:
    done = asd.convert("vqav2", source, out=tmp_path / "data", ratio=0.4, image_root=source)
    rows = load(done.path)
    assert rows.features["images"] == datasets.List(datasets.Image(decode=False))
    assert rows[0]["images"] == [{"bytes": None, "path": "images/train-q0.png"}]
    with_folder = rows.map(lambda row: {"images": [str(source / one["path"]) for one in row["images"]]})
    pictures = with_folder.cast_column("images", datasets.List(datasets.Image()))
    assert pictures[0]["images"][0].size == (3, 2)


@pytest.mark.parametrize("embed", [True, False])
def test_load_decodes_below_the_noted_folder(tmp_path: Path, source: Path, embed: bool) -> None:
    root = asd.convert("vqav2", source, out=tmp_path / "data", ratio=0.4, image_root=source, embed_images=embed).path
    rows = asd.load(root, decode=True, split="val")
    assert rows.features["images"] == datasets.List(datasets.Image())
    assert [[image.size for image in row["images"]] for row in rows] == [[(4, 2)]] * 8 + [[]]
    plain = asd.load(root, split="val")
    assert plain[0]["images"][0]["path"] == "images/val-q0.png"
    assert rows.remove_columns("images").to_list() == plain.remove_columns("images").to_list()


def test_load_says_which_folder_lacks_the_images(tmp_path: Path, source: Path) -> None:
    root = asd.convert("vqav2", source, out=tmp_path / "data", ratio=0.4).path
    for ref in (root / "refs").glob("v*.json"):
        ref.write_text(json.dumps({**json.loads(ref.read_text()), "image_root": None}))
    with pytest.raises(
        UsageError, match=r"the folder of the images is not known\. Give it with image_root=\.\.\., or load"
    ):
        asd.load(root, decode=True)
    with pytest.raises(
        UsageError, match=r"image images/train-q0\.png is not in .*cache\. Give the folder of the images"
    ):
        asd.load(root, decode=True, split="train", image_root=tmp_path / "cache")
    assert asd.load(root, decode=True, image_root=source, split="train", columns=["images"])[0]["images"][0].size == (
        3,
        2,
    )
    assert asd.load(root, decode=True, columns=["id"]).column_names == ["id"]


def test_load_gives_the_columns_asked_for(tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", vqa_records(12))
    root = asd.convert("vqav2", rows, out=tmp_path / "data", ratio=0.5, styles=["yes_no"]).path
    found = asd.load(root, style="yes_no", columns=["response", "id"])
    assert found.column_names == ["response", "id"]
    assert found["id"] == [row["id"] for row in asd.load(root) if row["style"] == "yes_no"]
    with pytest.raises(UnknownNameError, match="no column named 'respons'; did you mean"):
        asd.load(root, columns=["respons"])
    with pytest.raises(UsageError, match="columns: 'id' is asked for twice"):
        asd.load(root, columns=["id", "id"])
    with pytest.raises(UsageError, match=r"columns: give a list of names, \['id'\]"):
        asd.load(root, columns="id")


def test_a_name_that_is_the_default_config_s_is_refused(tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", vqa_records(12))
    with pytest.raises(UsageError, match=r"'default' cannot name a version"):
        asd.convert("vqav2", rows, out=tmp_path / "data", name="default")


def test_configs_of_another_card_are_kept_by_name() -> None:
    card = "---\nconfigs:\n- {config_name: v1, data_files: [a]}\n- {config_name: v2, data_files: [b]}\n---\n# title\n"
    assert kept_configs(card, ["v2", "v3"]) == [{"config_name": "v2", "data_files": ["b"]}]
    for strange in (
        "",
        "# no front",
        "---\n- 1\n---\n",
        "---\nconfigs: 3\n---\n",
        "---\nconfigs: [1, {}]\n---\n",
        "---\n{\n---\n",
    ):
        assert kept_configs(strange, ["v1"]) == []


def test_a_task_without_title_licence_and_citation(tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", vqa_records(12))
    task = tmp_path / "mine.yaml"
    task.write_text(
        "name: mine\nfamily: vqa\nnative_style: short_answer\nstyles:\n  yes_no: [mined]\nscorer: exact_match\n"
    )
    root = asd.convert(task, rows, out=tmp_path / "data", ratio=0.3).path
    card = (root / "README.md").read_text()
    assert "- Licence of the underlying data: not given\n- Cite: not given\n" in card
    assert (front_of(root)["license"], "license_name" in front_of(root)) == ("unknown", False)
    assert "# mine: answer style diversification" in card
    told = run_asd("tasks", task).out
    assert told.startswith("mine\n")
    assert "licence        not given" in told
    refused = run_asd("push", root, "--to", "me/mine")
    assert refused.code == 2
    assert "the licence of mine's data is not given, so nobody knows whether you may share it" in refused.err
    assert Store(root).manifest(Store(root).resolve(None)).spec["licence"] is None
