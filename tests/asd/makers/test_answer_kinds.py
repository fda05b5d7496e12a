"""Answer kinds, question parts and the alternatives a question states."""

from __future__ import annotations

import pytest

from asd.makers.answer_kinds import answer_kind, parse_question, stated_alternatives


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Yes", ("yes_no", "yes_no")),
        ("nope", ("yes_no", "yes_no")),
        ("3", ("integer/1", "number")),
        ("1,200", ("integer/4", "number")),
        ("three", ("integer/word", "number")),
        ("2015", ("year", "number")),
        ("3.5", ("decimal/1.1", "number")),
        ("50%", ("percent", "number")),
        ("$5.00", ("money", "number")),
        ("5 dollars", ("money", "number")),
        ("1/2", ("ratio", "number")),
        ("25th", ("ordinal", "number")),
        ("10:10", ("time", "time")),
        ("3:45 PM", ("time", "time")),
        ("12/03/2014", ("date", "date")),
        ("January 21, 2014", ("date", "date")),
        ("5 miles", ("quantity", "quantity")),
        ("B52", ("code", "code")),
        ("[0.1,0.2,0.3,0.4]", ("box", "box")),
        ("", ("empty", "empty")),
        ("grey", ("colour", "text")),
        ("A", ("letter", "text")),
        ("www.example.org", ("url", "url")),
        ("Nokia", ("1/title", "text")),
        ("NOKIA", ("1/upper", "text")),
        ("riding a bike", ("3-4/ing-lower", "text")),
        ("on the table", ("3-4/place-lower", "text")),
        ("A man stands there.", ("3-4/sentence", "text")),
    ],
)
def test_answer_kind(text: str, kind: tuple[str, str]) -> None:
    assert answer_kind(text) == kind


def test_question_parts() -> None:
    asked = parse_question("What color is the man's shirt?")
    assert (asked.asking, asked.head) == ("what", "what color")
    assert asked.content == ("what color|man", "what color|shirt")
    assert parse_question("what's this?").head == "what is"
    assert parse_question("In what year was it made?").head == "what year"
    assert parse_question("").full == ""


@pytest.mark.parametrize(
    ("question", "gold", "others"),
    [
        ("Is it a cat or a dog?", "dog", ["cat"]),
        ("Is it a cat or a dog?", "cat", ["dog"]),
        ("Is the man to the left or to the right of the car?", "left", ["right"]),
        ("On which side is the car, the left or the right?", "right", ["left"]),
        ("Is the door open or closed?", "closed", ["open"]),
        ("Is the light on or off?", "off", ["on"]),
        ("Is it red, white or blue?", "white", ["red", "blue"]),
        ("Which is larger, Zambia or New Zealand?", "New Zealand", ["Zambia"]),
        ("Do you see cats or dogs?", "yes", []),
        ("What color is the door?", "red", []),
    ],
)
def test_stated_alternatives(question: str, gold: str, others: list[str]) -> None:
    assert stated_alternatives(question, gold) == others
