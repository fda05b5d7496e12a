"""Taking prompts apart: each decision by example, and the columnar form against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.schemas.image_marks import strip_marks
from asd.sources.instructions import is_instruction
from asd.sources.option_lines import split_options
from asd.sources.prompt_columns import take_apart_columns
from asd.sources.prompt_text import (
    PromptParts,
    make_rules,
    take_apart,
)

WORD = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."
BOX = "Give the bounding box coordinate of the region that this sentence describes"
RULES = make_rules()
BOX_RULES = make_rules(is_grounding=True)


@pytest.mark.parametrize(
    "line",
    [
        WORD,
        LETTER,
        "Please respond with yes or no.",
        "Keep it to one word: reply with a single word.",
        "Answer in one sentence.",
        "Using a single word or phrase, answer the question.",
        "If it cannot be seen, reply with 'unanswerable'.",
        "Provide a short answer.",
        "Give the corners of the bounding box as [x1,y1,x2,y2].",
        "Short answer:",
    ],
)
def test_instructions_are_recognised(line: str) -> None:
    assert is_instruction(line)


@pytest.mark.parametrize(
    "line",
    [
        "What is the single word on the sign?",
        "Select the estuary ecosystem.",
        "Complete the statement.",
        "The answer is above the door",
        "Use of flash is not allowed here",
        "B. Answer in one word",
        "",
    ],
)
def test_questions_are_not_instructions(line: str) -> None:
    assert not is_instruction(line)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (f"<image>\nWhat is red?\n{WORD}", PromptParts("What is red?", rfp=WORD, placeholders=1)),
        (f"What is red?\n{WORD}\n<image>", PromptParts("What is red?", rfp=WORD, placeholders=1)),
        ("<image>What is red?", PromptParts("What is red?", placeholders=1)),
        ("<image>\n<image>\nSame?", PromptParts("Same?", placeholders=2)),
        ("What does <image> mean in HTML?", PromptParts("What does <image> mean in HTML?")),
        ("What is red? Answer in one word.", PromptParts("What is red?", rfp="Answer in one word.")),
        ("First.\nWhat is red?", PromptParts("First.\nWhat is red?")),
        (WORD, PromptParts(WORD)),
        ("", PromptParts("")),
        (
            f"What?\nIf it is hidden, reply with 'unanswerable'.\n{WORD}",
            PromptParts("What?", rfp=f"If it is hidden, reply with 'unanswerable'.\n{WORD}"),
        ),
        (
            f"<image>\nContext: Two lines\nof a hint.\nWhich one?\nA. a cat\nB. a dog\n{LETTER}",
            PromptParts("Which one?", "Two lines\nof a hint.", ("a cat", "a dog"), LETTER, placeholders=1),
        ),
        ("Context: N/A\nWhich?\n(A) x\n(B) y", PromptParts("Which?", "", ("x", "y"))),
        ("Which?\nOptions:\nA) x\nB) y\nC) z", PromptParts("Which?", "", ("x", "y", "z"))),
        (
            f"Which?\nPick one option.\n{LETTER}\nA. x\nB. y",
            PromptParts("Which?\nPick one option.", "", ("x", "y"), LETTER),
        ),
        (f"Which? {LETTER}\nA. x\nB. y\nAnswer:", PromptParts("Which?", "", ("x", "y"), f"{LETTER}\nAnswer:")),
        (f"{LETTER}\nA. x\nB. y", PromptParts(LETTER, "", ("x", "y"))),
        ("Which?\nOptions: (A) x (B) y z", PromptParts("Which?", "", ("x", "y z"))),
        (
            f"What brand?\nReference OCR token: NOVA, 12, mm\n{WORD}",
            PromptParts("What brand?", rfp=WORD, ocr_tokens=("NOVA", "12", "mm")),
        ),
        (
            "Reference OCR token: NOVA\nGive a short answer.",
            PromptParts("Give a short answer.", ocr_tokens=("NOVA",)),
        ),
    ],
)
def test_take_apart(prompt: str, expected: PromptParts) -> None:
    assert take_apart(prompt, RULES) == expected


def test_known_instruction_is_taken_whatever_it_says() -> None:
    rules = make_rules(["Which one fits?", "Be a pirate"])
    assert take_apart("Who?\nWhich one fits?", rules).rfp == "Which one fits?"
    assert take_apart("who is it Be a pirate", rules) == PromptParts("who is it", rfp="Be a pirate")


@pytest.mark.parametrize(
    ("prompt", "question", "rfp"),
    [
        (f"<image>\n{BOX}: left bowl", "left bowl", BOX),
        (f"<image>\n{BOX}:\nleft bowl", "left bowl", BOX),
        ("left bowl\nGive its bounding box.", "left bowl", "Give its bounding box."),
        ("the sign that says: stop", "the sign that says: stop", None),
    ],
)
def test_grounding_prompts(prompt: str, question: str, rfp: str | None) -> None:
    parts = take_apart(prompt, BOX_RULES)
    assert (parts.question, parts.rfp) == (question, rfp)


def test_an_option_keeps_its_further_lines() -> None:
    text = "Which closing is right?\nA. see you soon,\nJo\nB. See you soon,\nJo"
    assert split_options(text) == ("Which closing is right?", ("see you soon,\nJo", "See you soon,\nJo"), "")


def test_a_single_lettered_line_is_no_list_of_options() -> None:
    assert split_options("Who wrote this?\nA. Miller") == ("Who wrote this?\nA. Miller", (), "")


def test_placeholder_in_the_last_line_of_text_stays() -> None:
    assert strip_marks("Explain the tag <image>") == ("Explain the tag <image>", 0, 0, 1)


fragments = st.sampled_from(
    [
        "<image>",
        "\n",
        "\n\n",
        " ",
        "\t",
        WORD,
        LETTER,
        BOX,
        ": ",
        ":",
        "What is it?",
        "A red cat. ",
        "is it? ",
        "x",
        "Context: ",
        "A. one",
        "\nB. two",
        "(A) ",
        "Reference OCR token: a, b",
        "é",
        "日本",
        "Be brief",
        "Which?",
        "Answer in one word.",
        "OCR",
        "next. ",
        ". ",
        "a ",
        "\r\n",
        "? ",
        "Answer:",
        "答案：",
        "请用一个词回答。",
        "(yes/no)",
        "Answer briefly. ",
        "Yes or No",
        "The choices are listed below:",
        "The answer is",
        " <image> ",
    ]
)
prompts = st.one_of(st.lists(fragments, max_size=8).map("".join), st.text(max_size=20))


@settings(max_examples=300, deadline=None)
@given(st.lists(prompts, min_size=1, max_size=6), st.booleans())
def test_columns_agree_with_the_definition(texts: list[str], is_grounding: bool) -> None:
    rules = make_rules(["Be brief", "Which?", WORD], is_grounding=is_grounding)
    encoded = [text.encode("utf-8", "replace") for text in texts]
    ends = np.cumsum([len(text) + 1 for text in encoded])  # one byte between the prompts
    starts = ends - [len(text) + 1 for text in encoded]
    data = np.frombuffer(b"\x00".join([*encoded, b""]), np.uint8)
    columns = take_apart_columns(data, starts, ends - 1, rules)
    questions, rfps = columns.question.to_pylist(), columns.rfp.to_pylist()
    for number, text in enumerate(encoded):
        if not columns.is_other[number]:
            expected = take_apart(text.decode(), rules)
            assert not strip_marks(text.decode()).inside
            found = PromptParts(questions[number], rfp=rfps[number], placeholders=int(columns.placeholders[number]))
            assert found == expected, text


def test_plain_prompts_take_the_columnar_form() -> None:
    texts = [
        f"<image>\nWhat is red?\n{WORD}",
        "What is it? Answer in one word.",
        "Is it red?",
        f"q\n{WORD}\n<image>",
    ]
    data = np.frombuffer("".join(texts).encode(), np.uint8)
    ends = np.cumsum([len(text) for text in texts])
    columns = take_apart_columns(data, ends - [len(text) for text in texts], ends, RULES)
    assert not columns.is_other.any()
    assert columns.rfp.to_pylist() == [WORD, "Answer in one word.", None, WORD]
    assert columns.placeholders.tolist() == [1, 0, 0, 1]
