"""The spellings of a conversation: each is read as LLaVA's own is, or refused by name."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from asd.errors import SourceError
from asd.sources.llava_columns import read_block, read_block_by_record
from asd.sources.llava_record import make_record_rules
from asd.sources.messages import looks_like, read_messages
from asd.sources.open import open_source
from asd.sources.record_blocks import Block
from tests.asd.sources.test_llava import make_record, make_spec, read, read_one, reject_of, write

ASKED = ("<image>\nWhat is it?", "a lamp")


def png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(out, "PNG")
    return out.getvalue()


def chat(user: Any, assistant: Any, **fields: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return {"id": "7", "messages": turns, **fields}


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


SPELLINGS: dict[str, dict[str, Any]] = {
    "TRL, the hub": chat([{"type": "image"}, text("What is it?")], [text("a lamp")], images=["a/7.jpg"]),
    "hub, numbered": chat([{"type": "image", "index": 0, "text": None}, {"index": None, **text("What is it?")}],
                          [text("a lamp")], images=["a/7.jpg"]),
    "Unsloth": chat([{"type": "image", "image": "a/7.jpg"}, text("What is it?")], [text("a lamp")]),
    "Axolotl": chat([{"type": "image", "path": "a/7.jpg"}, text("What is it?")], [text("a lamp")]),
    "url part": chat([{"type": "image", "url": "a/7.jpg"}, text("What is it?")], [text("a lamp")]),
    "OpenAI": chat([{"type": "image_url", "image_url": {"url": "a/7.jpg"}}, text("What is it?")], "a lamp"),
    "OpenAI, short": chat([{"type": "image_url", "image_url": "a/7.jpg"}, text("What is it?")], "a lamp"),
    "responses": chat([{"type": "input_image", "image_url": "a/7.jpg"}, {"type": "input_text", "text": "What is it?"}],
                      [{"type": "output_text", "text": "a lamp"}]),
    "Qwen parts": chat([{"image": "a/7.jpg"}, {"text": "What is it?"}], [{"text": "a lamp"}]),
    "parts of texts": chat(["<image>\nWhat is it?"], ["a lamp"], image="a/7.jpg"),
    "mark and part": chat([{"type": "image"}, text("<image>\nWhat is it?")], "a lamp", image="a/7.jpg"),
    "mark in a text part": chat([text("<image>\nWhat is it?")], "a lamp", images=["a/7.jpg"]),
    "Qwen-VL": {"id": "7", "conversations": [{"from": "user", "value": "Picture 1: <img>a/7.jpg</img>\nWhat is it?"},
                                              {"from": "assistant", "value": "a lamp"}]},
    "the Cauldron": {"id": "7", "images": ["a/7.jpg"], "texts": [{"user": "What is it?", "assistant": "a lamp", "source": "x"}]},
    "questions in pairs": {"id": "7", "images": ["a/7.jpg"], "texts": [{"question": "What is it?", "answer": "a lamp"}]},
    "pairs": {"id": "7", "image": "a/7.jpg", "conversations": [["What is it?", "a lamp"]]},
    "conversation": {"id": "7", "image": "a/7.jpg", "conversation": make_record(*ASKED)["conversations"]},
    "written roles": {"id": "7", "image": "a/7.jpg", "conversations": [{"from": "Human", "value": ASKED[0]},
                                                                        {"from": "GPT", "value": ASKED[1]}]},
    "model": {"id": "7", "image": "a/7.jpg", "messages": [{"role": "user", "content": ASKED[0]},
                                                           {"role": "model", "content": ASKED[1]}]},
    "from and content": {"id": "7", "image": "a/7.jpg", "conversations": [{"from": "human", "content": ASKED[0]},
                                                                           {"from": "bot", "content": ASKED[1]}]},
    "role and text": {"id": "7", "image": "a/7.jpg", "conversations": [{"role": "user", "text": ASKED[0]},
                                                                        {"role": "assistant", "text": ASKED[1]}]},
    "prompt and completion": {"id": "7", "images": ["a/7.jpg"], "prompt": [{"role": "user", "content": "What is it?"}],
                              "completion": [{"role": "assistant", "content": "a lamp"}]},
    "query and response": {"id": "7", "images": ["a/7.jpg"], "query": "<image>What is it?", "response": "a lamp"},
    "instruction and output": {"id": "7", "images": ["a/7.jpg"], "instruction": "<image>", "input": "What is it?",
                               "output": "a lamp"},
    "JSON in a text": {"id": "7", "image": "a/7.jpg", "conversations": json.dumps(make_record(*ASKED)["conversations"])},
    "object with a path": make_record(*ASKED, image={"path": "a/7.jpg", "bytes": None}),
    "list of one": make_record(*ASKED, image=["a/7.jpg"]),
    "no image but in the list": make_record(*ASKED, image=None, images=["a/7.jpg"]),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("form", ["array", "lines"])
def test_every_spelling_is_the_same_sample(spelling: str, form: str, tmp_path: Path) -> None:
    record = SPELLINGS[spelling]
    assert looks_like(record)
    plain = read(write(tmp_path / "train.json", [make_record(*ASKED)], form))[0]
    source = open_source(make_spec(), write(tmp_path / "train.json", [record, make_record(*ASKED, id=8)], form))
    rows = [row for batch in source.batches() for row in batch.table.to_pylist()]
    assert rows[0] == plain[0]
    assert rows[1] == plain[0] | {"source_id": "8", "group": "8", "source_row": 1}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_both_readers_agree(spelling: str) -> None:
    records = [make_record(*ASKED), SPELLINGS[spelling], make_record("q?", "a", id=3)]
    block = Block("lines", "".join(json.dumps(record) + "\n" for record in records).encode(), 0, 3)
    rules = make_record_rules(make_spec(), "f.json")
    assert read_block(block, rules) == read_block_by_record(block, rules)


def test_a_table_of_the_hub(tmp_path: Path) -> None:
    record = {"images": [{"bytes": png(), "path": "a.png"}], "texts": [{"user": "q?", "assistant": "a", "source": "s"}]}
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "train.parquet")
    (row,) = read(tmp_path / "train.parquet")[0]
    assert (row["question"], row["gold"]) == ("q?", "a")
    assert row["images"][0].startswith("data:image/png;name=a.png;base64,iVBOR")


def test_images_keep_their_places(tmp_path: Path) -> None:
    parts = [text("First"), {"type": "image", "image": "b.jpg"}, text("then"), {"type": "image"}]
    messages, images = read_messages(chat(parts, "x", images=["c.jpg", "d.jpg"]))
    assert messages[0] == ("user", "First\n<image>\nthen\n<image>")
    assert images == ["b.jpg", "c.jpg", "d.jpg"]


def test_a_mark_that_is_text_stays_text_beside_parts() -> None:
    messages, _ = read_messages(chat([{"type": "image", "image": "b.jpg"}, text("What does <image> mean?")], "x"))
    assert messages[0] == ("user", "<image>\nWhat does < image > mean?")


def test_tool_calls_are_kept(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "How far?"},
             {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]},
             {"role": "tool", "content": "3 km"}, {"role": "assistant", "content": "3 km."}]  # fmt: skip
    row = read_one(tmp_path, {"id": "1", "messages": turns}, make_spec("free_form"))
    assert [(m["role"], m["content"]) for m in json.loads(row["passthrough"])] == [
        ("user", "How far?"),
        ("function_call", '[{"id":"1","function":{"name":"f"}}]'),
        ("observation", "3 km"),
        ("assistant", "3 km."),
    ]


def test_what_was_said_before_comes_first() -> None:
    messages, _ = read_messages({"query": "c", "response": "d", "history": [["a", "b"]], "system": "s"})
    assert messages == [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        (chat([{"type": "video", "video": "a.mp4"}], "x"), "bad_part", "a part of type 'video': text and image are read"),
        (chat([{"type": "input_audio", "input_audio": {}}], "x"), "bad_part", "input_audio"),
        (chat([{"type": "text", "text": 3}], "x"), "bad_part", "type 'text'"),
        (chat([3], "x"), "bad_part", "neither text nor an object"),
        (chat([{"type": "image"}, text("q")], "x"), "image_count", "more images than the record has"),
        (chat([{"type": "image"}] * 2, "x", image="a.jpg"), "image_count", "turn 0"),
        ({"id": "1", "conversations": [{"who": "me", "what": "q"}]}, "bad_turn", "needs from/value or role/content"),
        ({"id": "1", "conversations": "[{"}, "no_turns", "a list with at least one turn"),
    ],
)  # fmt: skip
def test_other_forms_are_refused_by_name(record: Any, reason: str, detail: str, tmp_path: Path) -> None:
    reject = reject_of(tmp_path, record)
    assert reject.reason == reason
    assert detail in reject.detail


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, r"holds pairs of a chosen and a rejected answer"),
        ({"conversations": [{"who": "me", "what": "q"}]}, r"holds turns in a form that is not known: .*'who': 'me'"),
    ],
)
def test_a_file_of_another_form_is_named(record: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=told):
        open_source(make_spec(), write(tmp_path / "train.json", [record]))
