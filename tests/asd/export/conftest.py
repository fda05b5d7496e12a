"""Datasets with turns, text-only rows, tool calls, several splits; made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import asd
from tests.asd.sources_made import record, vqa_records, write_lines


@dataclass(frozen=True)
class Datasets:
    vqa: Path
    """60 samples in 20 records of three turns, 40 % converted."""
    splits: Path
    """train and test, one sample of each without picture, one with a literal mark in its question."""
    tools: Path
    """A dialogue with tool calls and a plain one."""
    drawn: Path
    """The embedded sample of ScienceQA, with real images."""


def turns_of_three() -> list[dict[str, object]]:
    singles = vqa_records(60)
    records = []
    for number in range(0, 60, 3):
        turns = [turn for one in singles[number : number + 3] for turn in one["conversations"]]
        for turn in turns[2::2]:
            turn["value"] = turn["value"].removeprefix("<image>\n")
        records.append({"id": f"r{number}", "image": singles[number]["image"], "conversations": turns})
    return records


def _splits(folder: Path) -> Path:
    plain = record("t0", "Who wrote this?", "Ann")
    no_image = record("t1", "Who wrote it?", "Bob")
    del no_image["image"]
    no_image["conversations"][0]["value"] = no_image["conversations"][0]["value"].removeprefix("<image>\n")
    literal = record("t2", "What does the tag <image> mean?", "a picture")
    write_lines(folder / "train.jsonl", [plain, no_image, literal])
    write_lines(folder / "test.jsonl", [plain, no_image])
    return folder


TOOL_RECORDS = [
    {"id": "d0", "tools": '[{"name": "look_up"}]', "conversations": [
        {"from": "human", "value": "How far is it?"}, {"from": "function_call", "value": '{"name": "look_up"}'},
        {"from": "observation", "value": '{"km": 3}'}, {"from": "gpt", "value": "Three kilometres."}]},
    {"id": "d1", "system": "Be short.", "conversations": [
        {"from": "human", "value": "Hello?"}, {"from": "gpt", "value": "Hello."},
        {"from": "human", "value": "And you?"}, {"from": "gpt", "value": "Well."}]},
]  # fmt: skip


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Datasets:
    folder = tmp_path_factory.mktemp("export")
    source = write_lines(folder / "turns.jsonl", turns_of_three())
    vqa = asd.convert("vqav2", source, out=folder / "vqa", ratio=0.4)
    (folder / "in").mkdir()
    splits = asd.convert("textvqa", _splits(folder / "in"), out=folder / "splits", ratio=0)
    tools = asd.convert(
        "llava_conversation", write_lines(folder / "tools.jsonl", TOOL_RECORDS), out=folder / "tools", ratio=0
    )
    drawn = asd.convert("scienceqa", out=folder / "drawn", ratio=0.4)
    return Datasets(vqa.path, splits.path, tools.path, drawn.path)
