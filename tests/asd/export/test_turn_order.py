"""What trainers' readers demand of turns: the user first, in turn, an answer last, as many marks as images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import asd
from asd.export import turn_order
from asd.export.conversation import Conversation, Turn
from asd.export.run import ExportOptions, export
from asd.export.table import FORMATS
from asd.export.turn_order import in_turn
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines

SHORT = {"u": "user", "a": "assistant", "s": "system", "f": "function_call", "o": "observation", "t": "tools"}


def conversation(roles: str, images: int = 0) -> Conversation:
    turns = [Turn(SHORT[role], f"{role}{number}") for number, role in enumerate(roles)]
    if turns and images:
        turns[0].num_images = images
    return Conversation("1", "t", turns, [{"path": "a", "bytes": None}] * images, [])


@pytest.mark.parametrize(
    ("roles", "found", "reason"),
    [
        ("ua", "ua", ""),
        ("uaua", "uaua", ""),
        ("suaua", "suaua", ""),
        ("tsua", "tsua", ""),
        ("uua", "ua", ""),
        ("uuua", "ua", ""),
        ("uaa", "ua", ""),
        ("uuaaua", "uaua", ""),
        ("suuaa", "sua", ""),
        ("ufoa", "ufoa", ""),
        ("tufofoa", "tufofoa", ""),
        ("au", "", turn_order.BEGINS),
        ("aua", "", turn_order.BEGINS),
        ("saua", "", turn_order.BEGINS),
        ("", "", turn_order.BEGINS),
        ("s", "", turn_order.BEGINS),
        ("u", "", turn_order.UNANSWERED),
        ("uau", "", turn_order.UNANSWERED),
        ("uaus", "", turn_order.SYSTEM_AMID),
        ("usa", "", turn_order.SYSTEM_AMID),
        ("uffoa", "", turn_order.TOOLS_ASTRAY),
        ("uaoa", "uaoa", ""),
        ("uo", "", turn_order.TOOLS_ASTRAY),
    ],
)
def test_order(roles: str, found: str, reason: str) -> None:
    ordered, is_merged, disorder = in_turn(conversation(roles))
    assert disorder == reason
    if not reason:
        assert [turn.role for turn in ordered.turns] == [SHORT[role] for role in found]
        assert is_merged == (found != roles)


@pytest.mark.parametrize(
    ("roles", "is_in_order"),
    [("ufoa", True), ("uffooa", True), ("uafoa", True), ("uaffoof", True), ("uffoouafooa", False), ("ufua", True),
     ("uof", False), ("ufo", False), ("uooa", False)],
)  # fmt: skip
def test_several_calls_and_results_together(roles: str, is_in_order: bool) -> None:
    assert (in_turn(conversation(roles), many_results=True)[2] == "") == is_in_order


def test_merged_texts_and_the_places_of_images() -> None:
    one = conversation("uua", images=1)
    one.turns[1].num_images = 1
    one.images *= 2
    ordered, _, disorder = in_turn(one)
    assert (ordered.turns[0].text, ordered.turns[0].num_images, disorder) == ("u0\n<image>\nu1", 1, "")


def test_marks_that_are_no_images() -> None:
    one = conversation("ua")
    one.turns[0].text = "<image>"
    assert in_turn(one)[2] == turn_order.IMAGES_ASTRAY


ODD = [
    ("two", [("human", "<image>\nHello"), ("human", "What is it?"), ("gpt", "lamp")]),
    ("first", [("gpt", "Hi"), ("human", "<image>\nWhat is it?"), ("gpt", "lamp")]),
    ("answers", [("human", "<image>\nWhat is it?"), ("gpt", "lamp"), ("gpt", "or torch")]),
    ("open", [("human", "<image>\nWhat is it?"), ("gpt", "lamp"), ("human", "Sure?")]),
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    records = vqa_records(9) + [
        {"id": name, "image": "a.jpg", "conversations": [{"from": role, "value": text} for role, text in turns]}
        for name, turns in ODD
    ]
    return asd.convert("vqav2", write_lines(folder / "train.jsonl", records), out=folder / "d", ratio=0,
                       max_reject_rate=0.5).path  # fmt: skip


def turns_of(path: Path) -> list[list[str]]:
    """The roles of each record."""
    rows: list[dict[str, Any]]
    if path.suffix == ".parquet":
        rows = [{"messages": row["prompt"] + row["completion"]} for row in pq.read_table(path).to_pylist()]
    else:
        text = path.read_text()
        rows = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    turns = [row.get("conversations") or row["messages"] for row in rows]
    return [[turn.get("from") or turn["role"] for turn in some] for some in turns]


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("parquet", "webdataset")])
def test_every_format_has_turns_in_turn(form: str, odd: Path, tmp_path: Path) -> None:
    (one,) = export([odd], ExportOptions(form, tmp_path)).data
    assert one.part.noted[turn_order.MERGED] == 2
    assert one.part.left_out[turn_order.BEGINS] == 1
    for roles in turns_of(one.path):
        assert roles[::2] == [roles[0]] * len(roles[::2])
        assert roles[0] in ("human", "user")
        assert len(roles) % 2 == 0


def test_it_is_told(odd: Path, tmp_path: Path) -> None:
    done = run_asd("export", odd, "--to", "llama-factory", "--out", tmp_path)
    assert "left out: 1 records with turns that the assistant begins, which trainers refuse" in done.out
    assert "note: 2 records with turns of one speaker in a row, which were put together" in done.out
