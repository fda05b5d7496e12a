"""TRL exports of rows that call tools: columns of JSON, opened by `datasets`, and read again with nothing lost."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import asd
from asd.export.conversation import Turn
from asd.export.run import Exported, ExportOptions, export
from asd.export.tool_calls import messages_of, tools_of
from asd.export.trl import NO_FUNCTION
from asd.sources.json_columns import records_of
from tests.asd.cli_runner import run_asd
from tests.asd.export.conftest import Datasets
from tests.asd.sources_made import vqa_records, write_lines

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo", "days": 2}'}},
    {"id": "call_2", "type": "function", "function": {"name": "weather", "arguments": '{"at": {"lat": 59.9}}'}},
]
CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "How will it be in Oslo?"},
    {"role": "assistant", "content": "I look it up.", "tool_calls": CALLS},
    {"role": "tool", "content": "rain"},
    {"role": "tool", "content": "snow"},
    {"role": "assistant", "content": "Rain, then snow."},
]
"""Two calls behind a text, with their two results: as the OpenAI API has them."""
PLAIN = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]


def made(tmp_path: Path, *records: dict[str, Any], task: str = "llava_conversation") -> Path:
    source = write_lines(tmp_path / "source.jsonl", list(records))
    return asd.convert(task, source, out=tmp_path / "data", ratio=0).path


def exported(data: Path, tmp_path: Path, form: str = "trl") -> Exported:
    return export([data], ExportOptions(form, tmp_path / "out"))


def loaded(done: Exported, tmp_path: Path) -> datasets.Dataset:
    path = str(done.data[0].path)
    return datasets.load_dataset("parquet", data_files=path, split="train", cache_dir=str(tmp_path / "cache"))


def test_a_chat_with_parallel_calls_reaches_a_trainer_whole(tmp_path: Path) -> None:
    done = exported(made(tmp_path, {"id": "a", "tools": [WEATHER], "messages": CHAT}), tmp_path)
    rows = loaded(done, tmp_path)
    assert rows.features["prompt"] == datasets.List(datasets.Json())
    assert "images" not in rows.column_names
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo", "days": 2}}},
        {"id": "call_2", "type": "function", "function": {"name": "weather", "arguments": {"at": {"lat": 59.9}}}},
    ]
    asked = {"role": "assistant", "content": "I look it up.", "tool_calls": calls}
    assert [row["completion"] for row in rows] == [[asked], [CHAT[-1]]]
    assert rows[1]["prompt"] == [*CHAT[:2], asked, *CHAT[3:5]]
    assert rows[0]["tools"] == [WEATHER]
    assert dict(done.data[0].part.left_out) == {}


def test_messages_have_no_keys_of_others(tmp_path: Path) -> None:
    """A null `tool_calls` makes chat templates fail, and so does an argument of another call."""
    data = made(tmp_path, {"id": "a", "tools": [WEATHER], "messages": CHAT}, {"id": "b", "messages": PLAIN})
    *_, plain = loaded(exported(data, tmp_path), tmp_path)
    assert (plain["prompt"], plain["completion"], plain["tools"]) == (PLAIN[:1], PLAIN[1:], None)


def test_nothing_is_lost_on_the_way_back(data: Datasets, tmp_path: Path) -> None:
    """Texts of tools and calls come back as the source spells them, whatever TRL's spelling."""
    chat = {"id": "a", "tools": json.dumps([WEATHER["function"]], indent=1), "messages": CHAT}
    bare = {"id": "b", "conversations": [
        {"from": "human", "value": "Weather?"}, {"from": "function_call", "value": '{ "name" : "weather" }'},
        {"from": "observation", "value": "sun"}, {"from": "gpt", "value": "Sunny."}]}  # fmt: skip
    before = made(tmp_path, chat, bare, {"id": "c", "messages": PLAIN})
    done = exported(before, tmp_path)
    again = asd.convert("llava_conversation", done.data[0].path, out=tmp_path / "again", ratio=0)
    whole = [row["messages"] for row in asd.load(before)]
    assert [row["messages"] for row in asd.load(again.path)] == [
        whole[0][:5], whole[0], whole[1][:2], whole[1], whole[2],
    ]  # fmt: skip
    assert whole[0][0] == {"role": "tools", "content": chat["tools"]}
    assert whole[1][1]["content"] == '{ "name" : "weather" }'
    assert asd.verify(again.path).problems == []


def test_styles_counts_the_calls_of_an_export(tmp_path: Path) -> None:
    done = exported(made(tmp_path, {"id": "a", "tools": [WEATHER], "messages": CHAT}), tmp_path)
    whole = json.loads(run_asd("styles", done.data[0].path, "--json").out)["all"]
    assert whole["answers"] == {"json": 1, "brief_explanation": 2}


@pytest.mark.parametrize("form", ["messages", "prompt"])
@pytest.mark.parametrize("as_list", [True, False])
def test_columns_of_json_that_others_write_are_read(form: str, as_list: bool, tmp_path: Path) -> None:
    """`datasets` writes them with Arrow's own type; one column may hold the whole list."""
    of = datasets.List(datasets.Json()) if as_list else datasets.Json()
    columns = {"messages": [CHAT]} if form == "messages" else {"prompt": [CHAT[:5]], "completion": [CHAT[5:]]}
    rows = datasets.Dataset.from_dict(
        {"tools": [[WEATHER]], **columns},
        features=datasets.Features({"tools": of, **dict.fromkeys(columns, of)}),
    )
    rows.to_parquet(str(tmp_path / "rows.parquet"))
    rows.save_to_disk(str(tmp_path / "saved"))
    expected = [row["messages"] for row in asd.load(made(tmp_path, {"tools": [WEATHER], "messages": CHAT}))]
    turns = 3 if form == "messages" else 1  # of a prompt, nothing is trained on
    for name in ("rows.parquet", "saved"):
        again = asd.convert("llava_conversation", tmp_path / name, out=tmp_path / f"{name}.out", ratio=0)
        assert [row["messages"] for row in asd.load(again.path)] == expected
        assert json.loads(run_asd("styles", tmp_path / name, "--json").out)["all"]["turns"] == turns


def test_columns_of_arrows_own_json_are_read_whoever_wrote_them(tmp_path: Path) -> None:
    """Without the notes of `datasets`."""
    table = pa.table(
        {name: pa.array([json.dumps(value)], pa.json_()) for name, value in (("messages", CHAT), ("tools", [WEATHER]))}
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    assert records_of(table) == [{"messages": CHAT, "tools": [WEATHER]}]
    again = asd.convert("llava_conversation", tmp_path / "rows.parquet", out=tmp_path / "again", ratio=0)
    expected = [row["messages"] for row in asd.load(made(tmp_path, {"tools": [WEATHER], "messages": CHAT}))]
    assert [row["messages"] for row in asd.load(again.path)] == expected


def test_a_conversation_that_ends_with_its_call_is_a_sample(tmp_path: Path) -> None:
    data = made(
        tmp_path, {"id": "a", "tools": [WEATHER], "messages": [CHAT[1], {"role": "assistant", "tool_calls": CALLS[:1]}]}
    )
    assert [json.loads(row["response"])[0]["id"] for row in asd.load(data)] == ["call_1"]
    (row,) = loaded(exported(data, tmp_path), tmp_path)
    assert row["completion"][0]["tool_calls"][0]["function"]["arguments"] == {"city": "Oslo", "days": 2}


class TestLeftOut:
    def test_calls_that_name_no_function(self, tmp_path: Path) -> None:
        turns = [("human", "Weather?"), ("function_call", "look it up"), ("observation", "sun"), ("gpt", "Sunny.")]
        record = {"conversations": [{"from": role, "value": text} for role, text in turns]}
        done = exported(made(tmp_path, record, {"messages": PLAIN}), tmp_path)
        assert dict(done.data[0].part.left_out) == {
            "tools or tool calls that are not JSON with a function's name and arguments, which chat templates need": 1
        }
        assert done.data[0].records == 1

    @pytest.mark.parametrize("place", ["tools", "arguments"])
    def test_what_nests_too_deeply_to_be_written(self, place: str, tmp_path: Path) -> None:
        deep = '{"name": "f", "a": ' + "[" * 300 + "]" * 300 + "}"
        call = {"type": "function", "function": {"name": "f", "arguments": deep if place == "arguments" else "{}"}}
        turns = [CHAT[1], {"role": "assistant", "tool_calls": [call]}]
        record = {"messages": turns, "tools": deep if place == "tools" else [WEATHER]}
        done = exported(made(tmp_path, record, {"messages": PLAIN}), tmp_path)
        assert (done.data[0].records, dict(done.data[0].part.left_out)) == (1, {NO_FUNCTION: 1})

    def test_tools_beside_images(self, tmp_path: Path) -> None:
        pictured = vqa_records(1)[0]
        data = made(tmp_path, pictured, {"tools": [WEATHER], "messages": CHAT})
        said = run_asd("export", data, "--to", "trl", "--out", tmp_path / "out", "--image-root", tmp_path).out
        assert "left out: 1 records with tool calls in a file that has images, where TRL 1.16 shows no tools" in said
        assert pq.read_schema(tmp_path / "out" / "llava_conversation" / "train.parquet").names[:3] == [
            "prompt", "completion", "images"]  # fmt: skip

    def test_self_distillation_has_no_place_for_them(self, data: Datasets, tmp_path: Path) -> None:
        done = exported(data.tools, tmp_path, "trl-sdft")
        assert dict(done.data[0].part.left_out) == {"tool calls, which this format cannot hold": 1}

    def test_an_older_datasets_keeps_the_file_readable(
        self, data: Datasets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A package of that version is put before the installed one; it is asked for its number alone."""
        info = tmp_path / "site" / "datasets-4.6.1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: datasets\nVersion: 4.6.1\n")
        monkeypatch.setattr(sys, "path", [str(info.parent), *sys.path])
        done = exported(data.tools, tmp_path)
        assert dict(done.data[0].part.left_out) == {
            "tool calls, which datasets 4.6.1 cannot read (4.7 and later can: pip install -U datasets)": 1
        }
        assert "Json" not in str(pq.read_schema(done.data[0].path).metadata)
        assert done.data[0].records == 2


@pytest.mark.parametrize(
    "text", ['{"calls": [["a"]]}', '{"tools": "", "calls": ["a"]}', '{"tools": "", "calls": []}', "{"]
)
def test_a_changed_note_on_calls_is_a_reject(text: str, tmp_path: Path) -> None:
    record = {"tools": [WEATHER], "messages": CHAT, "asd": text}
    source = write_lines(tmp_path / "source.jsonl", [record, {"messages": PLAIN}])
    again = asd.convert("llava_conversation", source, out=tmp_path / "d", ratio=0, max_reject_rate=0.5)
    assert again.manifest.counts.rejects == {"bad_asd": 1}


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"name": "f"}', {}),
        ('[{"name": "f", "parameters": {"a": 1}}]', {"a": 1}),
        ('{"function": {"name": "f", "arguments": "{\\"a\\": null}"}}', {"a": None}),
        ('{"name": "f", "arguments": null}', {}),
        ('{"name": "f", "arguments": "a"}', None),
        ('{"name": "f", "arguments": [1]}', None),
        ('{"name": ""}', None),
        ('{"function": "f"}', None),
        ("[]", None),
        ("[3]", None),
        ("f(1)", None),
    ],
)
def test_calls_by_their_spellings(text: str, arguments: dict[str, Any] | None) -> None:
    messages = messages_of([Turn("user", "?"), Turn("function_call", text)])
    called = messages and messages[1][0]["tool_calls"][0]["function"]
    assert called == (None if arguments is None else {"name": "f", "arguments": arguments})


def test_tools_by_their_spellings() -> None:
    bare = {"name": "f", "parameters": {}}
    whole = {"type": "function", "function": bare}
    for text, tools in ((bare, [whole]), ([bare, whole], [whole, whole]), ([], []), ([{"f": 1}], None), ("f", None)):
        assert tools_of([Turn("tools", json.dumps(text)), Turn("user", "?")]) == tools
    assert tools_of([Turn("user", "?")]) == []


def test_files_without_images_have_no_column_of_them(data: Datasets, tmp_path: Path) -> None:
    """TRL refuses to train a text model on a file that has one."""
    for form in ("trl", "trl-sdft"):
        done = exported(made(tmp_path, {"id": "a", "messages": PLAIN}), tmp_path, form)
        assert "images" not in pq.read_schema(done.data[0].path).names
        done = export([data.splits], ExportOptions(form, tmp_path / "mixed", split="train"))
        assert pq.read_table(done.data[0].path)["images"].to_pylist()[1] == []
