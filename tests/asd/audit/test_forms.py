"""Which form an answer has and which one a prompt asks for, on texts as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.audit.forms import FITS, MEANING, Form, contradicts, count_sentences, form_of_answer, read_prompt
from asd.word_count import count_words

ANSWERS = {
    Form.YES_NO: ["Yes", "no", "No.", "YES!", "是", "不是。", "Ja", "True"],
    Form.MULTIPLE_CHOICE: ["B", "(C)", "A.", "B. the blue one", "(D) on the table"],
    Form.SHORT_ANSWER: [
        "red",
        "12",
        "3.5 kg",
        "10:30 a.m.",
        "New York City",
        "the man on the left in a red coat",
        "unanswerable",
        "蓝色",
    ],
    Form.BRIEF_EXPLANATION: [
        "It is red.",
        "The man wears a red coat because it is cold.",
        "The sign says STOP. It is red and has eight sides.",
        "A man riding a wave on top of a surfboard near the beach",
        "The temperature is 95°F.",
        "她穿着红色的外套。",
        "Hello! I am an assistant. How can I help you today?",
        "抱歉，我不是他，我是另一个人工智能助手，旨在为用户提供回答和帮助。",
    ],
    Form.DETAILED_EXPLANATION: [
        "The picture shows a kitchen. A woman stands at the stove. Behind her a child sets the table. So it is evening.",
        "He sold 48/2 = <<48/2=24>>24 clips in May.\nAltogether he sold 48+24 = <<48+24=72>>72 clips.\n#### 72",
    ],
    Form.BOUNDING_BOX: [
        "[0.12,0.30,0.58,0.71]",
        "[12, 30, 58, 71]",
        "(12,30),(58,71)",
        "<box>(12,30),(58,71)</box>",
        "[[0.1,0.2,0.3,0.4],[0.5,0.6,0.7,0.8]]",
    ],
    Form.LIST: [
        "1. bread\n2. milk\n3. eggs",
        "- bread\n- milk",
        "Here they are:\n* bread\n* milk\n* eggs",
        "red, white, and blue",
    ],
    Form.JSON: ['{"name": "Ann", "age": 3}', '```json\n{"a": 1}\n```', '[{"a": 1}, {"a": 2}]'],
    Form.CODE: ["```python\nprint(1)\n```", "def f(x):\n    return x + 1", "SELECT * FROM t WHERE a = 1;\nSELECT 2;"],
    Form.REFUSAL: [
        "I'm sorry, but I can't help with that.",
        "I cannot see the image you mention.",
        "As an AI language model, I have no opinion.",
        "很抱歉，我无法回答这个问题。",
    ],
    Form.FREE_FORM: [
        "# A day at sea\nIt was a calm day.\n\nWe left early.",
        "\n\n".join(["It was a calm day, and we left early."] * 5),
    ],
}


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, texts in ANSWERS.items() for text in texts])
def test_the_form_of_an_answer(form: Form, text: str) -> None:
    assert form_of_answer(text) is form


def test_every_form_has_a_meaning_and_an_example() -> None:
    assert set(MEANING) == set(Form) == set(ANSWERS)


def test_an_option_of_the_prompt_is_a_choice_and_without_options_a_phrase() -> None:
    assert form_of_answer("the blue one", ("the red one", "the blue one")) is Form.MULTIPLE_CHOICE
    assert form_of_answer("b", ("red", "blue")) is Form.MULTIPLE_CHOICE
    assert form_of_answer("the blue one") is Form.SHORT_ANSWER
    assert form_of_answer("b") is Form.SHORT_ANSWER


def test_a_tool_call_is_json_whatever_it_says() -> None:
    assert form_of_answer("search(query)", is_call=True) is Form.JSON


PROMPTS = [
    ("Is it red?\nAnswer Yes or No.", Form.YES_NO),
    ("Is it red? Say just Yes, or just No.", Form.YES_NO),
    ("Is it red? (yes/no)", Form.YES_NO),
    ("这是红色的吗？请回答是或否。", Form.YES_NO),
    (
        "Which one?\nA. red\nB. blue\nAnswer with the option's letter from the given choices directly.",
        Form.MULTIPLE_CHOICE,
    ),
    ("Which one?\nA. red\nB. blue", Form.MULTIPLE_CHOICE),
    ("What is it?\nAnswer the question using a single word or phrase.", Form.SHORT_ANSWER),
    ("What is it?\nGive a short answer, no full sentence.", Form.SHORT_ANSWER),
    ("What is it? Answer with one word.", Form.SHORT_ANSWER),
    ("What is it?\nAnswer in one short sentence.", Form.BRIEF_EXPLANATION),
    ("What is it? Answer briefly and explain why.", Form.BRIEF_EXPLANATION),
    ("Describe the image in detail.", Form.DETAILED_EXPLANATION),
    ("How much is it?\nThink step by step.", Form.DETAILED_EXPLANATION),
    ("Please provide the bounding box coordinate of the region this sentence describes: a red hat", Form.BOUNDING_BOX),
    ("Who is on it? Return the names as JSON.", Form.JSON),
    ("Write a Python function that adds two numbers.", Form.CODE),
    ("List the planets.", Form.LIST),
    ("Give me five names for a cat.", Form.LIST),
    ("生成五个数据科学家的职业选择列表。", Form.LIST),
    ("Create a 5-step to-do list for tomorrow.", Form.LIST),
    ("Construct an SQL query that returns the names.", Form.CODE),
    ("Write a poem about the sea.", Form.DETAILED_EXPLANATION),
    ("What is in the image?", None),
    ("Do you see a box of tissues?", None),
    ("What is on the grocery list?", None),
    ("How does a linked list differ from an array?", None),
    ("He wrote 5 letters a day. How many did he write in a week?", None),
]


@pytest.mark.parametrize(("prompt", "asked"), PROMPTS)
def test_the_form_that_a_prompt_asks_for(prompt: str, asked: Form | None) -> None:
    assert read_prompt(prompt)[0] is asked


def test_what_contradicts_a_prompt() -> None:
    assert contradicts(Form.SHORT_ANSWER, Form.BRIEF_EXPLANATION)
    assert contradicts(Form.YES_NO, Form.BRIEF_EXPLANATION)
    assert not contradicts(Form.SHORT_ANSWER, Form.YES_NO)
    assert not contradicts(Form.MULTIPLE_CHOICE, Form.REFUSAL), "a refusal is counted apart"
    assert not contradicts(None, Form.BOUNDING_BOX)
    assert all(form in fits for form, fits in FITS.items())


def test_words_and_sentences() -> None:
    assert count_words("It's a well-known fact, isn't it?") == 6
    assert count_words("sales of 3.5 and/or more") == 5
    assert count_words("她穿着红色的外套") == 4, "two characters count as a word"
    assert count_sentences("Mr. Smith met Dr. Brown. They left.") == 2
    assert count_sentences("no end") == 1


@given(st.text(max_size=400), st.text(max_size=400), st.lists(st.text(max_size=20), max_size=4))
def test_any_text_has_a_form(prompt: str, answer: str, options: list[str]) -> None:
    asked, shown, _ = read_prompt(prompt)
    assert asked is None or asked in FITS
    assert form_of_answer(answer, options) in Form
    assert form_of_answer(answer, shown) in Form
