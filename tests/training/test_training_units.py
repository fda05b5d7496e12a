"""`train.unit`: each turn by itself, or the turns of one source record as one conversation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import asd
from asd_training.config import DataConfig, ModelConfig, RunConfig, build_config
from asd_training.data import TaskData, load_tasks
from asd_training.encoding import Collator, Encoder
from asd_training.errors import SettingError
from asd_training.inputs import RunInputs
from asd_training.loop import run
from asd_training.models import load_processor
from asd_training.prompt_format import PromptFormat
from asd_training.training_units import TrainingUnits, Unit, as_one_row
from tests.training.run_settings import make_settings
from tests.training.tiny_models import BUILDERS

SHORT = "Reply with a single word or a short phrase."
TURNS = (1, 2, 3, 4, 1, 2, 2)
"""Questions of each record; the sixth has the id of the fifth."""
THINGS = ("car", "door", "hat", "sign")


def write_records(folder: Path) -> Path:
    folder.mkdir()
    records: list[dict[str, Any]] = []
    for number, count in enumerate(TURNS):
        name = f"{number}.png"
        Image.new("RGB", (20, 16), (number * 30, 90, 90)).save(folder / name)
        turns = []
        for turn in range(count):
            asked = ("<image>\n" if turn == 0 else "") + f"What colour is the {THINGS[turn]}?\n{SHORT}"
            turns += [
                {"from": "human", "value": asked},
                {"from": "gpt", "value": ("red", "blue", "white", "green")[turn]},
            ]
        records.append({"id": f"r{4 if number == 5 else number}", "image": name, "conversations": turns})
    (folder / "train.json").write_text(json.dumps(records))
    (folder / "test.json").write_text(json.dumps(records[:2]))
    return folder


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("records")
    source = write_records(root / "source")
    for split, ratio in (("train", 0.3), ("test", 0.0)):
        asd.convert(
            task="vqav2", source=source, split=split, ratio=ratio, out=root / split, workers=1, image_root=source
        )
    return root


def load(shards: Path, unit: Unit, **more: Any) -> TaskData:
    entry = {"task": "vqav2", "train": str(shards / "train"), "test": str(shards / "test")}
    config = DataConfig.model_validate({"root": str(shards), "tasks": [entry], **more})
    return load_tasks(config, unit=unit)[0]


def settings_of(shards: Path, workshop: Path, name: str, **sections: Any) -> RunConfig:
    given = make_settings(workshop, name=name, **sections)
    entry = {"task": "vqav2", "train": str(shards / "train"), "test": str(shards / "test")}
    return build_config({**given, "data": {**given["data"], "tasks": [entry]}})


def test_turns_are_rows_and_records_are_whole(shards: Path) -> None:
    turns, records = load(shards, "turn"), load(shards, "record")
    assert len(turns.examples) == sum(TURNS)
    assert [turns.examples[n] for n in range(sum(TURNS))] == list(turns.train)
    assert len(records.examples) == len(TURNS)
    found = [records.examples[n] for n in range(len(TURNS))]
    assert [len(row["messages"]) // 2 for row in found] == list(TURNS)
    answers = [m["content"] for row in found for m in row["messages"] if m["role"] == "assistant"]
    assert answers == turns.train.table["response"].to_pylist(), "converted turns stay where they were"
    assert records.train.num_converted() > 0


def test_a_record_shows_its_image_once(shards: Path) -> None:
    records = load(shards, "record").examples
    for number in range(len(TURNS)):
        asked = [m["content"] for m in records[number]["messages"] if m["role"] == "user"]
        assert [text.count("<image>") for text in asked] == [1] + [0] * (TURNS[number] - 1)
        assert [image["path"] for image in records[number]["images"]] == [f"{number}.png"]
    single = records[0]
    assert "answer_styles" not in single, "a record of one turn is the row as it is"


def test_records_are_what_an_export_for_the_released_scripts_holds(shards: Path, tmp_path: Path) -> None:
    asd.export_version(shards / "train", "coin", tmp_path / "coin")
    written = json.loads(next((tmp_path / "coin").rglob("*.json")).read_text())
    examples = load(shards, "record").examples
    records = {row["group"]: row for row in map(examples.__getitem__, range(len(examples)))}
    roles = {"human": "user", "gpt": "assistant"}
    compared = [record for record in written if record["id"] != "r4"]  # an id of two records
    for record in compared:
        said = [{"role": roles[turn["from"]], "content": turn["value"]} for turn in record["conversations"]]
        assert records[record["id"]]["messages"] == said
    assert len(compared) == len(TURNS) - 2


def test_at_most_so_many_records(shards: Path) -> None:
    few, more = (load(shards, "record", max_train=count) for count in (2, 4))
    assert (len(few.examples), len(more.examples), len(load(shards, "record", max_train=99).examples)) == (2, 4, 7)
    assert {row["id"] for row in few.train} < {row["id"] for row in more.train}
    whole = {row["id"]: row for row in load(shards, "turn").train}
    kept = [row["id"] for row in more.train]
    assert kept == [row_id for row_id in whole if row_id in kept]
    assert len(load(shards, "turn", max_train=2).train) == 2


def test_turns_with_other_images_bring_their_own() -> None:
    def row(image: str, style: str, *messages: tuple[str, str]) -> dict[str, Any]:
        said = [{"role": role, "content": content} for role, content in messages]
        return {"id": "r", "images": [{"path": image, "bytes": None}], "messages": said, "style": style}

    one = as_one_row(
        [
            row("a", "short_answer", ("system", "s"), ("user", "<image>\nq"), ("assistant", "x")),
            row("a", "yes_no", ("system", "s"), ("user", "<image>\nsame?"), ("assistant", "yes")),
            row("b", "short_answer", ("user", "<image>\nother"), ("assistant", "y")),
            row("a", "short_answer", ("user", "and <image> here?"), ("assistant", "z")),
        ]
    )
    assert [image["path"] for image in one["images"]] == ["a", "b", "a"]
    assert [m["content"] for m in one["messages"][:5]] == ["s", "<image>\nq", "x", "same?", "yes"]
    assert [m["content"] for m in one["messages"][5:]] == ["<image>\nother", "y", "and <image> here?", "z"]
    assert one["answer_styles"] == ["short_answer", "yes_no", "short_answer", "short_answer"]


@pytest.mark.parametrize("model", ["llava", "qwen2_vl", "smolvlm"])
def test_every_answer_is_learnt_with_its_end_and_counted_by_its_style(shards: Path, tmp_path: Path, model: str) -> None:
    processor = load_processor(ModelConfig(name=str(BUILDERS[model](tmp_path / model))))
    encoder = Encoder(processor, PromptFormat(processor), image_root=shards / "source")
    task = load(shards, "record")
    row = task.examples[3]
    encoded = encoder.example(row)
    encoded.answer_styles = ("yes_no", "short_answer", "short_answer", "yes_no")
    batch = Collator(processor.tokenizer.pad_token_id, styles=["short_answer", "yes_no"]).training([encoded])
    begins = encoded.mask & ~torch.cat([torch.zeros(1, dtype=torch.bool), encoded.mask[:-1]])
    parts = torch.tensor_split(encoded.ids[encoded.mask], (begins[encoded.mask].nonzero()[1:, 0]).tolist())
    said = [processor.tokenizer.decode(part).strip() for part in parts]
    assert said == [m["content"] + "</s>" for m in row["messages"] if m["role"] == "assistant"]
    styles = batch["style"][0][encoded.mask].tolist()
    assert styles == [kind for part, kind in zip(parts, (1, 0, 0, 1), strict=True) for _ in part]


def test_steps_of_a_run(shards: Path, workshop: Path) -> None:
    """Seven records of 15 turns, two a step: 4 steps an epoch in place of 8."""
    told: list[str] = []
    steps, learnt = {}, {}
    for unit in ("turn", "record"):
        train = {"unit": unit, "batch": 2, "epochs": 1, "log_steps": 1}
        config = settings_of(shards, workshop, f"unit-{unit}", train=train, method={"method": "seq-lora"})
        steps[unit] = run(config, told.append)["steps"]["01-vqav2"]
        lines = [json.loads(line) for line in (config.run_dir / "tasks/01-vqav2/log.jsonl").read_text().splitlines()]
        learnt[unit] = (
            sum(line["answer_tokens"] for line in lines),
            {style for line in lines for style in line["loss_by_style"]},
        )
    assert steps == {"turn": 8, "record": 4}
    assert learnt["turn"] == learnt["record"], "the same answer tokens, of the same styles"
    assert any("15 rows of" in text for text in told)
    assert any("on 7 records" in text for text in told)


@pytest.mark.parametrize("method", [{"method": "ewc"}, {"method": "replay"}, {"method": "moelora", "experts": 2}])
def test_methods_take_records(shards: Path, workshop: Path, method: dict[str, Any]) -> None:
    name = f"records-{method['method']}"
    lora = {"r": 4, "alpha": 8, "dropout": 0.0}
    given = make_settings(workshop, name=name, train={"unit": "record", "steps": 1, "lora": lora}, method=method)
    first = {"task": "vqav2", "train": str(shards / "train"), "test": str(shards / "test")}
    tasks = [first, given["data"]["tasks"][1]]
    results = run(build_config({**given, "data": {**given["data"], "tasks": tasks}}), lambda text: None)
    assert results["finished"]


def test_a_method_that_reads_instructions_wants_turns(shards: Path, workshop: Path) -> None:
    method = {"method": "continual-llava", "encoder": "hashed-words"}
    config = settings_of(shards, workshop, "instructions", train={"unit": "record"}, method=method)
    with pytest.raises(SettingError, match=r"'continual-llava' chooses .* a record has several; set train.unit: turn"):
        RunInputs(config, [load(shards, "record")])


def test_no_rows_are_no_records(shards: Path) -> None:
    table = load(shards, "turn").train.table.slice(0, 0)
    units = TrainingUnits(table, "record")
    assert (len(units), units.ids()) == (0, [])
