"""What each format's loader expects, by its documented contract: marks, keys, types, files beside."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

import asd
from asd.export.run import Exported, ExportOptions, export
from asd.export.table import FORMATS
from tests.asd import sources_made
from tests.asd.export.conftest import Datasets

MARK = "<image>"
KEEP_THE_MARK = ("llava", "coin", "llama-factory", "ms-swift", "internvl", "mcitlib", "prism", "smolora", "gcltuner")


def run(data: Path, out: Path, form: str, **options: Any) -> Exported:
    return export([data], ExportOptions(form, out, **options))


def records(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    text = path.read_text("utf-8")
    return list(json.loads(text)) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


def train_records(done: Exported) -> list[dict[str, Any]]:
    return next(records(one.path) for one in done.data if one.part.split == "train")


def asked(record: dict[str, Any]) -> str:
    """The text of the first question, whatever the format."""
    turns = record.get("conversations") or record.get("prompt") or record["messages"]
    first = next(turn for turn in turns if (turn.get("from") or turn.get("role")) in ("human", "user"))
    content = first.get("value") or first["content"]
    return content if isinstance(content, str) else content[-1]["text"]


@pytest.mark.parametrize("form", [name for name in FORMATS if name not in ("parquet", "webdataset")])
def test_one_mark_per_image_or_none_at_all(form: str, data: Datasets, tmp_path: Path) -> None:
    """Kept for LLaVA-type loaders, absent where the loader puts its own; a literal mark in a question never counts."""
    made = train_records(run(data.splits, tmp_path, form))
    kept = form in KEEP_THE_MARK
    assert [asked(record).count(MARK) for record in made] == [kept, 0, kept]
    assert (
        asked(made[0]).removeprefix(f"{MARK}\n")
        == "Who wrote this?\nAnswer the question using a single word or phrase."
    )
    assert "< image >" in asked(made[2])


@pytest.mark.parametrize("form", KEEP_THE_MARK)
def test_text_only_records_have_no_image_key_and_ids_are_strings(form: str, data: Datasets, tmp_path: Path) -> None:
    made = train_records(run(data.splits, tmp_path, form))
    assert [bool(record.keys() & {"image", "images"}) for record in made] == [True, False, True]
    assert [record["id"] for record in made] == ["t0", "t1", "t2"]


def test_llava_turns_together_and_apart(data: Datasets, tmp_path: Path) -> None:
    apart = train_records(run(data.vqa, tmp_path / "a", "llava"))
    together = train_records(run(data.vqa, tmp_path / "b", "llava", group_turns=True))
    assert (len(apart), len(together)) == (60, 20)
    assert all(isinstance(record["style"], str) for record in apart)
    assert all(len(record["styles"]) == 3 for record in together)
    for record in together:
        texts = [turn["value"] for turn in record["conversations"]]
        assert [text.count(MARK) for text in texts] == [1, 0, 0, 0, 0, 0]


def test_llama_factory_names_the_columns_that_occur(data: Datasets, tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text('{"theirs": {"file_name": "x.json"}}')
    run(data.splits, tmp_path, "llama-factory")
    run(data.tools, tmp_path, "llama-factory")
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    assert list(info) == ["theirs", "asd_textvqa_test", "asd_textvqa", "asd_llava_conversation"]
    assert info["asd_textvqa"]["columns"] == {"messages": "conversations", "images": "images"}
    assert info["asd_llava_conversation"]["columns"] == {
        "messages": "conversations",
        "system": "system",
        "tools": "tools",
    }
    first, second = records(tmp_path / "llava_conversation_train.json")
    assert [turn["from"] for turn in first["conversations"]] == ["human", "function_call", "observation", "gpt"]
    assert (first["tools"], second["system"]) == ('[{"name": "look_up"}]', "Be short.")


def test_ms_swift_names_tool_turns_its_own_way(data: Datasets, tmp_path: Path) -> None:
    first = records(run(data.tools, tmp_path, "ms-swift").data[0].path)[0]
    assert [message["role"] for message in first["messages"]] == ["user", "tool_call", "tool_response", "assistant"]
    assert first["channel"] == "free_form"


@pytest.mark.parametrize("form", ["trl-sdft", "axolotl", "unsloth", "openai", "internvl", "mcitlib", "coin"])
def test_tool_calls_are_left_out_by_name_where_there_is_no_place_for_them(
    form: str, data: Datasets, tmp_path: Path
) -> None:
    done = run(data.tools, tmp_path, form)
    assert dict(done.data[0].part.left_out) == {"tool calls, which this format cannot hold": 1}
    assert done.data[0].records == (2 if form == "trl-sdft" else 1)


def test_trl_trains_every_answer_with_what_was_said_before(data: Datasets, tmp_path: Path) -> None:
    rows = records(run(data.vqa, tmp_path, "trl", group_turns=True).data[0].path)
    assert len(rows) == 60
    assert [len(row["prompt"]) for row in rows[:3]] == [1, 3, 5]
    assert rows[2]["prompt"][1] == rows[0]["completion"][0]
    assert len({row["id"] for row in rows}) == 60


def test_trl_sdft_has_what_the_trainer_reads(data: Datasets, tmp_path: Path) -> None:
    """TRL puts `privileged_context` behind the text of the prompt's last message, which has to be a user's; a None raises."""
    plain = records(run(data.vqa, tmp_path / "a", "trl", group_turns=True).data[0].path)
    rows = records(run(data.vqa, tmp_path / "b", "trl-sdft", group_turns=True).data[0].path)
    assert list(rows[0]) == ["prompt", "privileged_context", *list(plain[0])[1:]]
    assert [{key: value for key, value in row.items() if key != "privileged_context"} for row in rows] == plain
    for row in rows:
        assert row["prompt"][-1]["role"] == "user" and isinstance(row["prompt"][-1]["content"], str)
        teacher = f"{row['prompt'][-1]['content']}\n\n{row['privileged_context']}"
        assert f": {row['completion'][0]['content']}\n" in teacher and MARK not in teacher


def test_trl_images_open_by_themselves(data: Datasets, tmp_path: Path) -> None:
    import datasets

    for mode in ("paths", "embed"):
        path = run(data.drawn, tmp_path / mode, "trl", images=mode).data[0].path
        loaded = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "c"))
        assert loaded.features["images"] == datasets.List(datasets.Image())
        with_image = [row for row in loaded if row["images"]]
        assert 0 < len(with_image) < 120
        assert all(row["images"][0].size[0] > 10 for row in with_image)


@pytest.mark.parametrize(("form", "key"), [("axolotl", "path"), ("unsloth", "image")])
def test_messages_of_parts(form: str, key: str, data: Datasets, tmp_path: Path) -> None:
    made = records(run(data.drawn, tmp_path, form).data[0].path)
    for record in made:
        assert all(isinstance(message["content"], list) for message in record["messages"])
        pictures = [part for part in record["messages"][0]["content"] if part["type"] == "image"]
        assert all(Path(part[key]).is_file() for part in pictures)
    assert any(len(record["messages"][0]["content"]) == 2 for record in made)


def test_openai_addresses_and_data(data: Datasets, tmp_path: Path) -> None:
    def urls(done: Exported) -> list[str]:
        contents = [record["messages"][0]["content"] for record in records(done.data[0].path)]
        return [part["image_url"]["url"] for content in contents if isinstance(content, list) for part in content[:-1]]

    near = urls(run(data.drawn, tmp_path / "a", "openai"))
    far = urls(run(data.drawn, tmp_path / "b", "openai", image_root="https://example.org/im/"))
    inside = urls(run(data.drawn, tmp_path / "c", "openai", images="embed"))
    assert all(url.startswith("file:///") for url in near)
    assert far[0] == "https://example.org/im/ScienceQA/images/train/0/image.png"
    assert all(url.startswith("data:image/png;base64,iVBOR") for url in inside)


def test_internvl_meta(data: Datasets, tmp_path: Path) -> None:
    (root := tmp_path / "pictures").mkdir()
    run(data.vqa, tmp_path, "internvl", image_root=str(root), group_turns=True)
    meta = json.loads((tmp_path / "meta.json").read_text())["vqav2_train"]
    assert meta == {"root": f"{root}/", "annotation": str(tmp_path / "vqav2_train.jsonl"), "data_augment": False,
                    "repeat_time": 1, "length": 20}  # fmt: skip


def test_mcitlib_and_prism_know_train_and_test(data: Datasets, tmp_path: Path) -> None:
    (root := tmp_path / "pictures").mkdir()
    options = {"image_root": str(root)}
    export([data.splits, data.vqa], ExportOptions("mcitlib", tmp_path / "m", **options))
    config = json.loads((tmp_path / "m/data_configs/textvqa.json").read_text())
    assert config == {
        "train_path": str(tmp_path / "m/textvqa/train.json"), "test_path": str(tmp_path / "m/textvqa/test.json"),
        "image_folder": str(root), "train_folder": str(root), "test_folder": str(root),
    }  # fmt: skip
    assert records(tmp_path / "m/textvqa/test.json") == [
        {"question_id": "t0", "image": "images/t0.jpg", "answer": "Ann",
         "text": "Who wrote this?\nAnswer the question using a single word or phrase."},
        {"question_id": "t1", "text": "Who wrote it?\nAnswer the question using a single word or phrase.",
         "answer": "Bob"},
    ]  # fmt: skip
    export([data.splits, data.vqa], ExportOptions("prism", tmp_path / "p", **options))
    first, second = json.loads((tmp_path / "p/benchmark.json").read_text())
    assert (first["cur_task"], first["previous_task"], first["eval"]) == (0, None, True)
    assert (second["cur_task"], second["previous_task"], second["eval"]) == (1, "textvqa", False)


def test_converted_rows_never_stand_in_a_test_file(tmp_path: Path, data: Datasets) -> None:
    import asd
    from tests.asd.sources_made import vqa_records, write_lines

    source = write_lines(tmp_path / "test.jsonl", vqa_records(40))
    made = asd.convert("vqav2", source, out=tmp_path / "d", ratio=0.5)
    done = run(made.path, tmp_path / "o", "coin")
    assert done.data[0].records == 20
    assert sum(done.data[0].part.left_out.values()) == 20
    assert done.data[0].path == tmp_path / "o/VQAv2/test.json"


def test_smolora_numbers_every_instruction(data: Datasets, tmp_path: Path) -> None:
    done = run(data.vqa, tmp_path, "smolora")
    beside = json.loads((tmp_path / "instructions.json").read_text())
    made = train_records(done)
    for record in made:
        assert beside["instructions"][record["ins_type"]] in asked(record)
    assert sum(entry["records"] for entry in beside["tasks"]["vqav2"]) == 60
    assert len(set(beside["instructions"])) == len(beside["instructions"])


def test_coin_files_lie_in_place(data: Datasets, tmp_path: Path) -> None:
    done = run(data.vqa, tmp_path, "coin")
    assert [one.path for one in done.data] == [tmp_path / "VQAv2/train_x40.json"]
    made = records(done.data[0].path)
    assert [record["id"] for record in made] == [f"r{number}" for number in range(0, 60, 3)]
    assert made[0]["image"] == "COCO2014/train2014/images/q0.jpg"  # a bare name gets CoIN's folder
    drawn = records(run(data.drawn, tmp_path, "coin").data[0].path)
    images = [record["image"] for record in drawn if "image" in record]
    assert images[0] == "ScienceQA/images/train/0/image.png"  # and one that has it keeps it


def test_parquet_holds_every_column(data: Datasets, tmp_path: Path) -> None:
    import datasets

    import asd

    path = run(data.drawn, tmp_path, "parquet", images="embed").data[0].path
    loaded = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "c"))
    rows = asd.load(data.drawn).to_list()
    plain = loaded.remove_columns("images").to_list()
    assert plain == [{key: value for key, value in row.items() if key != "images"} for row in rows]
    assert loaded[0]["images"][0].size[0] > 10


def test_webdataset_keys_and_bytes(data: Datasets, tmp_path: Path) -> None:
    run(data.drawn, tmp_path, "webdataset")
    with tarfile.open(tmp_path / "scienceqa-sample/train-000000.tar") as tar:
        members = tar.getmembers()
        assert {member.mtime for member in members} == {0}
        keys = [member.name.split(".")[0] for member in members]
        assert keys == sorted(keys)
        first = json.load(tar.extractfile("000000000.json"))  # type: ignore[arg-type]
        picture = tar.extractfile(first["images"][0])
        assert picture is not None
        assert Image.open(io.BytesIO(picture.read())).size[0] > 10
    assert json.loads((tmp_path / "scienceqa-sample/train.json").read_text()) == {
        "samples": 120, "shards": 1, "urls": "train-000000.tar"
    }  # fmt: skip


def test_webdataset_starts_another_tar_when_one_is_full(
    data: Datasets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asd.export.webdataset.SHARD_BYTES", 10_000)
    run(data.drawn, tmp_path, "webdataset")
    index = json.loads((tmp_path / "scienceqa-sample/train.json").read_text())
    assert index["urls"] == f"train-{{000000..{index['shards'] - 1:06d}}}.tar"
    names = []
    for path in sorted((tmp_path / "scienceqa-sample").glob("*.tar")):
        with tarfile.open(path) as tar:
            names += [name for name in tar.getnames() if name.endswith(".json")]
    assert names == [f"{number:09d}.json" for number in range(120)]
    monkeypatch.undo()
    run(data.drawn, tmp_path, "webdataset")  # one tar now: those of the earlier export are gone
    assert [path.name for path in (tmp_path / "scienceqa-sample").glob("*.tar")] == ["train-000000.tar"]


def test_neighbours_of_one_id_stay_two_conversations(tmp_path: Path) -> None:
    """Each keeps its own image: a data set may number its records anew in every part."""
    rows = [
        {**sources_made.record("same", f"What is in picture {n}?", answer), "image": f"{n}.jpg"}
        for n, answer in enumerate("ab")
    ]
    done = asd.convert(
        task="vqav2", source=sources_made.write_lines(tmp_path / "d.jsonl", rows), ratio=0, out=tmp_path / "data"
    )
    found = train_records(run(done.path, tmp_path / "out", "llava", group_turns=True))
    assert [(one["image"], one["conversations"][-1]["value"]) for one in found] == [("0.jpg", "a"), ("1.jpg", "b")]
