"""Constrained decoding: every answer is one of the style, and the likeliest of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asd.schemas.boxes import format_box, read_answer
from asd.schemas.styles import AnswerStyle
from asd.tasks.registry import load_task
from asd_training.config import ModelConfig
from asd_training.encoding import Collator, Encoder
from asd_training.evaluation.allowed_tokens import Trie, box_can_start
from asd_training.evaluation.constrained import Constraint, closed_labels
from asd_training.evaluation.generate import Generation, generate
from asd_training.models import load_model, load_processor
from asd_training.prompt_format import PromptFormat
from tests.training.tiny_models import llava


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llava(tmp_path_factory.mktemp("constrained") / "llava")


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    processor = load_processor(ModelConfig(name=str(folder)))
    return Encoder(processor, PromptFormat(processor))


def question(text: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
    said = [{"role": "user", "content": text}, {"role": "assistant", "content": "?"}]
    return {"id": text, "images": [], "messages": said, "style": "short_answer", "options": list(options)}


def answers(folder: Path, encoder: Encoder, constraint: Constraint | None, **settings: Any) -> list[str]:
    rows = [question(f"Question {number}?", ("a", "b", "c")[: 2 + number % 2]) for number in range(6)]
    model = load_model(ModelConfig(name=str(folder)))
    limits = [constraint.of(row) for row in rows] if constraint else None
    encoded = [encoder.question(row) for row in rows]
    return generate(model, encoder.tokenizer, Collator(3), encoded, Generation(batch=4, **settings), limits)


def test_answers_in_the_order_asked_whatever_the_batches(folder: Path, encoder: Encoder) -> None:
    rows = [question("x" * length) for length in (9, 1, 5, 3, 20)]
    model = load_model(ModelConfig(name=str(folder)))
    encoded = [encoder.question(row) for row in rows]
    by_batch = [
        generate(model, encoder.tokenizer, Collator(3), encoded, Generation(batch=size, max_new_tokens=6))
        for size in (1, 2, 5)
    ]
    assert by_batch[0] == by_batch[1] == by_batch[2]
    assert len(set(by_batch[0])) > 1


@pytest.mark.parametrize(
    ("style", "responses", "allowed"),
    [
        (AnswerStyle.MULTIPLE_CHOICE, ["B"], {"A", "B", "C"}),
        (AnswerStyle.YES_NO, ["yes", "no", "yes"], {"yes", "no"}),
        (AnswerStyle.YES_NO, ["maybe"], {"Yes", "No"}),
    ],
)
def test_letters_and_verdicts(
    folder: Path, encoder: Encoder, style: AnswerStyle, responses: list[str], allowed: set[str]
) -> None:
    found = answers(folder, encoder, Constraint(style, encoder, responses))
    assert set(found) <= allowed
    if style is AnswerStyle.MULTIPLE_CHOICE:
        assert "C" not in found[::2]  # these have two options


def test_a_closed_set_of_labels(folder: Path, encoder: Encoder) -> None:
    labels = ["Tea pot.", "Tea.", "Zebra."]
    found = answers(folder, encoder, Constraint(AnswerStyle.SHORT_ANSWER, encoder, labels, labels))
    assert set(found) <= set(labels)
    assert closed_labels(load_task("imagenet"), ["Tea."], ["Zebra"]) == ["Tea.", "Zebra"]
    assert closed_labels(load_task("gqa"), ["tea"], ["zebra"]) is None


def test_boxes_are_boxes(folder: Path, encoder: Encoder) -> None:
    found = answers(folder, encoder, Constraint(AnswerStyle.BOUNDING_BOX, encoder, []), max_new_tokens=60)
    for text in found:
        assert text.startswith("[")
        assert text.endswith("]")
        assert len(text.split(",")) == 4
        assert all(re.fullmatch(r" ?(0\.\d\d|1\.00) ?", number) for number in text[1:-1].split(","))
    found = answers(
        folder, encoder, Constraint(AnswerStyle.BOUNDING_BOX, encoder, ["[0.1,0.2,0.3,1.0]"]), max_new_tokens=60
    )
    assert all(re.fullmatch(r" ?(0\.\d|1\.0) ?", number) for text in found for number in text[1:-1].split(","))


def test_short_answers_keep_to_letters_and_length(folder: Path, encoder: Encoder) -> None:
    found = answers(
        folder, encoder, Constraint(AnswerStyle.SHORT_ANSWER, encoder, ["tea pot", "no"]), max_new_tokens=40
    )
    for text in found:
        assert text
        assert set(text.lower()) <= set("tea pot no")  # in either case
        assert len(text) <= 8  # the longest training answer and its leading blank


def test_the_likeliest_allowed_answer_is_taken(folder: Path, encoder: Encoder) -> None:
    row = question("Which?", ("a", "b", "c"))
    model = load_model(ModelConfig(name=str(folder)))
    batch = Collator(3).generation([encoder.question(row)])
    blank, *letters = (encoder.continuation("Q: x A:", text)[-1] for text in (" ", "A", "B", "C"))
    batch["input_ids"] = torch.cat([batch["input_ids"], torch.tensor([[blank]])], 1)
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    with torch.inference_mode():
        scores = model(**batch).logits[0, -1, letters]
    constraint = Constraint(AnswerStyle.MULTIPLE_CHOICE, encoder, [])
    found = generate(model, encoder.tokenizer, Collator(3), [encoder.question(row)], Generation(), [constraint.of(row)])
    assert found == ["ABC"[int(scores.argmax())]]


def test_a_trie_by_hand() -> None:
    trie = Trie([[1, 2, 9], [1, 9], [3, 9]])
    assert trie(()) == [1, 3]
    assert trie((1,)) == [2, 9]
    assert trie((1, 2)) == [9]


corner = st.integers(0, 49)


@given(corner, corner, st.integers(1, 51), st.integers(1, 51))
def test_every_beginning_of_a_box_can_start_one(x: int, y: int, width: int, height: int) -> None:
    box = format_box((x / 100, y / 100, (x + width) / 100, (y + height) / 100))
    assert read_answer(box) is not None
    assert all(box_can_start(box[:length]) for length in range(len(box) + 1))
    assert box_can_start(box.replace(",", ", "))


@pytest.mark.parametrize(
    "text",
    ["(", "0.10", "[a", "[0.10,0.20,0.30]", "[,", "[0.10,,", "[0.10 0.20", "[0.10,0.20,0.30,0.40,",
     "[0.10,0.20,0.30,0.40]x", "[0.2.3", "[1.97", "[1.1", "[2", "[00", "[10", "[0.123", "[0.1,", "[1,", "[.5",
     "[ .5", "  ", "[  "],
)  # fmt: skip
def test_what_cannot_start_a_box(text: str) -> None:
    assert not box_can_start(text)
