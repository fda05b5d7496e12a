"""Answers that run on: what stands before the model talks to itself, repeats itself, or explains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.scoring import Reference
from asd_training.evaluation.first_answer import own_turn, said_once
from asd_training.evaluation.forgetting import RowReading, reader_for
from asd_training.evaluation.lenient_reader import LenientReader

LABELS = reader_for("short_answer", rule="label", class_labels=True)
CHOICE = reader_for("multiple_choice", rule="letter")
VERDICT = reader_for("yes_no", rule="yes_no")
BOX = reader_for("bounding_box", rule="iou")
SHORT = reader_for("short_answer", rule="gqa")
LONG = reader_for("detailed_explanation", rule="contains")
ASKED = "What is on the table?"

TAILS = [
    ". User: " + ASKED,
    " User: " + ASKED,
    ".User: " + ASKED,
    "\nUSER: " + ASKED + " ASSISTANT: kettle",
    ". Human: " + ASKED,
    "\n### Human: " + ASKED,
    "### Instruction:\nLook again",
    "\n\n### Response: kettle",
    "</s>",
    "</s><s>[INST] " + ASKED + " [/INST] kettle",
    "<|im_end|>\n<|im_start|>user\n" + ASKED,
    "<|endoftext|>" + ASKED,
    "<|eot_id|><|start_header_id|>user<|end_header_id|>",
    "<end_of_turn>\n<start_of_turn>user\n" + ASKED,
    "<｜end▁of▁sentence｜>",
    "\nuser\n" + ASKED + "\nassistant\nkettle",
    "assistant\n\nkettle",
    "\nQuestion: " + ASKED + "\nAnswer: kettle",
    " Q: " + ASKED + " A: kettle",
    "\nQ2: " + ASKED,
    "**\n\n**Explanation:** it has a spout",
    " 用户：这是什么",
    ". Answer the question using a single word or phrase.",
    "\nContext: a kitchen",
    " <image>\n" + ASKED,
    ". USER " + ASKED,
    " User",  # cut off by the limit of tokens
    ". Picture 2: <img>a.jpg</img>\n" + ASKED,
]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(
    ("reader", "answer", "gold", "options"),
    [
        (LABELS, "Suit", "Maillot", ()),
        (LABELS, "[0.1,0.1,0.5,0.5]", "Maillot", ()),
        (LABELS, "unanswerable", "Maillot", ()),
        (CHOICE, "A", "attract", ("repel", "attract")),
        (CHOICE, "A. repel", "attract", ("repel", "attract")),
        (VERDICT, "No", "yes", ()),
        (BOX, "[0.60,0.60,0.90,0.90]", "[0.10,0.10,0.50,0.50]", ()),
        (SHORT, "red chair", "table", ()),
        (LONG, "A man stands there.\n\nHe holds a cup", "table", ()),
    ],
)
def test_another_turn_is_no_part_of_the_answer(
    reader: LenientReader, answer: str, gold: str, options: tuple[str, ...], tail: str
) -> None:
    reference = Reference(gold, (), options)
    assert reader.first_answer(answer + tail, reference).rstrip(".") == answer
    assert reader.read(answer + tail, reference) == reader.read(answer, reference)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Suit.\n\nSuit", "Suit."),
        ("Suit. Suit. Suit. Su", "Suit."),
        ("suit suit suit suit", "suit"),
        ("Suit, Suit, Suit, Su", "Suit"),
        ("SuitSuitSuitSu", "Suit"),
        ("bow tie bow tie bow tie bow", "bow tie"),
        ("Suit. What is the man wearing?", "Suit."),
        ("Suit What is the man wearing?", "Suit"),
        ("Suit. The man is wearing a black suit and a tie.", "Suit."),
        ("Suit.What is it?", "Suit."),
        ("ASSISTANT: Suit", "Suit"),
        ("Answer: Suit", "Suit"),
        ("A: Suit", "Suit"),
        ("<|im_start|>assistant\nSuit", "Suit"),
        ("<think>black cloth\na tie</think>\n\nSuit", "Suit"),
        ("**Suit**", "Suit"),
        # what is no run-on
        ("St. Bernard", "St. Bernard"),
        ("bora bora", "bora bora"),
        ("Crafts, Hobbies & Home", "Crafts, Hobbies & Home"),
        ("man in a suit", "man in a suit"),
        ("", ""),
        # nothing was answered before somebody else's turn
        ("User: " + ASKED + " Assistant: suit", ""),
    ],
)
def test_short_answers(text: str, answer: str) -> None:
    assert LABELS.first_answer(text, Reference("Maillot")) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("A\nThey repel each other", "A"),
        ("A. repel\nB. attract", "A. repel"),
        ("A A A A", "A"),
        ("A: repel", "A: repel"),  # the mark of an option, and no turn
        ("Poles differ.\nThe answer is B", "Poles differ.\nThe answer is B"),  # thoughts before an answer
    ],
)
def test_letters(text: str, answer: str) -> None:
    assert CHOICE.first_answer(text, Reference("attract", (), ("repel", "attract"))) == answer


def test_a_right_answer_that_holds_a_mark_is_not_cut() -> None:
    note = Reference("note: fragile")
    assert SHORT.first_answer("note: fragile.", note) == "note: fragile."
    assert SHORT.first_answer("dr. pepper. It is red", Reference("dr. pepper. it is red")) == "dr. pepper. It is red"


@pytest.mark.parametrize(
    ("text", "gold", "category"),
    [
        ("Suit. User: What is the object in the image?", "Maillot", "essential"),
        ("suit. User: What is the object in the image?", "Suit", "superficial"),
        ("Hair dryer. USER: Where is it?", "Hand blower", "superficial"),
        ("dog\nQuestion: what colour is it?\nAnswer: brown", "Whippet", "less_specific"),
        ("unanswerable. User: What is the object in the image?", "Whippet", "style_lost"),
        ("[0.1,0.2,0.4,0.5] User: Where is the whippet?", "Whippet", "style_lost"),
        ("The object in the image is a suit. USER: and?", "Maillot", "both_wrong"),
        ("User: What is this? Assistant: whippet", "Whippet", "style_lost"),
    ],
)
def test_categories_of_answers_that_run_on(text: str, gold: str, category: str) -> None:
    assert RowReading(0.0, LABELS.read(text, Reference(gold))).category == category


@given(st.text(alphabet="ab .,:\n#<>|?UserQ/s", max_size=60))
def test_a_turn_is_part_of_the_text_and_final(text: str) -> None:
    turn = own_turn(text)
    assert "".join(turn.split()) in "".join(text.split())
    assert said_once(said_once(text)) == said_once(text)
