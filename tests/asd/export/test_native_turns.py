"""A native turn goes byte for byte through `asd export --to coin`, in every spelling that its source may have.

docs/trainers.md lists what reading mends, and so does not come out as it came in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.export.run import ExportOptions, export
from asd.schemas.boxes import read_answer
from asd.schemas.styles import LETTERS
from asd.sources.open import open_source
from asd.tasks.registry import load_task
from asd.tasks.task_files import builtin_tasks
from tests.asd.sources_made import write_lines

Turns = list[tuple[str, str]]
WORD = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."
VERDICT = "Answer the question with yes or no."
BOX = "Please provide the bounding box coordinate of the region this sentence describes"
HAND_MADE: dict[str, Sequence[Turns]] = {
    "multiple_choice": [
        [(f"Which is solid?\nA. rain\nB. a rock\n{LETTER}", "B")],
        [(f"Context: N/A\nWhich is solid?\nA. rain\nB. a rock\n{LETTER}", "B")],
        [(f"Context: Stones are hard.\nWhich is solid?\n(A) rain\n(B) a rock\n{LETTER}", "B")],
        [(f"Which is solid?\nOptions:\nA. rain\nB. a rock\n{LETTER}", "B")],
        [(f"Which is solid?\n(A) rain (B) a rock\n{LETTER}", "B")],
        [("Which is solid?\nA. rain\nB. a rock", "B")],
    ],
    "yes_no": [[(f"Is it a dog? {VERDICT}", "yes")], [(f"Is it a dog?\n{VERDICT}", "no"), (f"A cat?\n{VERDICT}", "yes")]],
    "short_answer": [
        [(f"What is it?\n{WORD}", "teapot")],
        [(f"What is it? {WORD}", "teapot")],
        [(f"What is it?\n{WORD}", "teapot"), ("And its colour?", "red"), (f"Is it full?\n{WORD}", "no")],
        [(f"What is written there?\nReference OCR token: TEA, POT\n{WORD}", "tea")],
        [("What is it?  Two  blanks stay.\nTell me shortly, friend.", "teapot")],
    ],
    "bounding_box": [
        [(f"{BOX}: left bowl", "[0.10,0.21,0.45,0.67]")],
        [(f"{BOX}: left bowl.", "[0.10,0.21,0.45,0.67]"), (f"{BOX}: a man: the tall one", "[0.20,0.21,0.45,0.67]")],
        [(f"left bowl\n{BOX}.", "[0.10,0.21,0.45,0.67]")],
        [("left bowl", "[0.10,0.21,0.45,0.67]")],
    ],
    "brief_explanation": [
        [("What is happening in the image?\nGenerate a brief caption for the image.", "A man walks a dog.")],
        [("Describe the picture in one sentence.", "A man walks a dog.")],
    ],
    "detailed_explanation": [[("Describe the picture in detail.", "A man walks a dog. It barks. The sun is low.")]],
    "free_form": [[("Hello?", "Hello."), ("And you?", "Well, thank you.")]],
}  # fmt: skip


def records(conversations: Sequence[Turns]) -> list[dict[str, Any]]:
    """In CoIN's layout; only the first turn has the image's mark."""
    return [
        {
            "id": f"r{number}",
            "image": f"a/{number}.jpg",
            "conversations": [
                {"from": role, "value": ("<image>\n" if role == "human" and not turn else "") + text}
                for turn, pair in enumerate(turns)
                for role, text in zip(("human", "gpt"), pair, strict=True)
            ],
        }
        for number, turns in enumerate(conversations)
    ]


def turns_of(record: dict[str, Any]) -> list[str]:
    return [turn["value"] for turn in record["conversations"]]


def changed(task: str, given: Sequence[dict[str, Any]], folder: Path, ratio: float = 0.0) -> list[tuple[Any, Any]]:
    """Native turns that came out otherwise, each with what it was. At ratio 0 every turn must come out."""
    folder.mkdir(exist_ok=True)
    source = folder / "train.json"
    source.write_text(json.dumps(list(given)), encoding="utf-8")
    made = asd.convert(task, source, out=folder / "data", ratio=ratio, workers=1)
    done = export([made.path], ExportOptions("coin", folder / "coin"))
    found = {one["id"]: one for one in json.loads(Path(done.data[0].path).read_text("utf-8"))}
    native = load_task(task).native_style.value
    if ratio == 0.0:
        assert set(found) == {record["id"] for record in given}
    return [
        (now[2 * turn : 2 * turn + 2], was[2 * turn : 2 * turn + 2])
        for record in given
        if record["id"] in found
        for now, was in [(turns_of(found[record["id"]]), turns_of(record))]
        for turn, style in enumerate(found[record["id"]]["styles"])
        if style == native and now[2 * turn : 2 * turn + 2] != was[2 * turn : 2 * turn + 2]
    ]


@pytest.mark.parametrize("task", builtin_tasks())
def test_hand_made_turns_of_every_task(task: str, tmp_path: Path) -> None:
    assert changed(task, records(HAND_MADE[load_task(task).native_style.value]), tmp_path) == []


@pytest.mark.parametrize("task", ["grounding", "scienceqa", "vqav2"])
def test_native_turns_beside_converted_ones(task: str, tmp_path: Path) -> None:
    given = records([turns for turns in HAND_MADE[load_task(task).native_style.value] for _ in range(10)])
    assert changed(task, given, tmp_path, ratio=0.4) == []


def test_an_instruction_that_the_settings_word_is_added_where_there_is_none(tmp_path: Path) -> None:
    source = write_lines(
        tmp_path / "train.jsonl", records([[("What is it?", "teapot")], [(f"Its colour?\n{WORD}", "red")]])
    )
    made = asd.convert("vqav2", source, out=tmp_path / "d", ratio=0, rfps={"short_answer": ["In a word."]})
    assert [row["prompt"] for row in asd.load(made.path).to_list()] == [
        "<image>\nWhat is it?\nIn a word.", f"<image>\nIts colour?\n{WORD}",
    ]  # fmt: skip


MOST = 300
FOLDERS = {"grounding": "refcocos", "ocrvqa": "bookcover30", "coco_caps": "coco_caps_boxes"} | dict.fromkeys(
    ("gsm8k", "alpaca", "glaive", "identity", "seed_tasks"), "text_only"
)


@pytest.mark.shared_data
@pytest.mark.parametrize("task", builtin_tasks())
def test_real_rows_of_every_task(task: str, shared_data: Path, tmp_path: Path) -> None:
    """Real questions, options and answers as CoIN's layout asks them, one after the other in two spellings."""
    spec = load_task(task)
    folder = shared_data / FOLDERS.get(task, task)
    if not folder.is_dir():
        pytest.skip(f"no real rows of {task} are here")
    batches = open_source(spec, str(folder)).batches()
    rows = [row for batch in islice(batches, 4) for row in batch.table.to_pylist() if not row["passthrough"]][:MOST]
    if spec.native_style == "bounding_box":  # a box thinner than a hundredth is none once it is written
        rows = [row for row in rows if read_answer(row["response"])]
    if not rows:
        pytest.skip(f"{task} keeps its conversations as they are")
    assert changed(task, records([[as_coin_asks(row, n)] for n, row in enumerate(rows)]), tmp_path) == []


def as_coin_asks(row: dict[str, Any], number: int) -> tuple[str, str]:
    if row["asked"]:
        return row["asked"], row["response"]
    form = "{}. {}" if number % 2 else "({}) {}"
    options = [form.format(letter, option) for letter, option in zip(LETTERS, row["options"], strict=False)]
    question = " ".join(row["question"].split())
    instruction = LETTER if options else WORD if len(row["gold"]) < 30 else "Describe it in one sentence."
    return "\n".join([question, *options, instruction]), row["response"]


@pytest.mark.shared_data
def test_published_prompts_come_out_as_they_are(shared_data: Path, tmp_path: Path) -> None:
    published = json.loads((shared_data / "refcocos/refcocos_test.json").read_text("utf-8"))
    boxes = [(one["problem"], "[0.10,0.21,0.45,0.67]") for one in published if one["solution"]]
    assert len(boxes) == 376
    assert changed("grounding", records([[pair] for pair in boxes]), tmp_path / "boxes") == []
    science = json.loads((shared_data / "scienceqa/llava_test_CQM-A.json").read_text("utf-8"))[:MOST]
    assert changed("scienceqa", science, tmp_path / "science") == []
    made = asd.convert("grounding", shared_data / "refcocos", out=tmp_path / "d", ratio=0, max_reject_rate=0.1)
    done = export([made.path], ExportOptions("coin", tmp_path / "coin"))
    [path] = [one.path for one in done.data]
    asked = {"<image>\n" + one["problem"] for one in published}
    assert {
        (one["text"] if "text" in one else turns_of(one)[0]).removeprefix("<image>\n")
        for one in json.loads(Path(path).read_text("utf-8"))
    } <= {text.removeprefix("<image>\n") for text in asked}
