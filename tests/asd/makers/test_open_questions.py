"""Questions that several answers fit are told from those that exclude each other's answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers.distractors import DistractorIndex
from asd.makers.open_questions import is_open


@pytest.mark.parametrize(
    ("question", "gold"),
    [
        ("Who is wearing jeans?", "skateboarder"),
        ("Who is riding on the skateboard?", "skater"),
        ("What is the man wearing?", "shirt"),
        ("What's the man wearing?", "pants"),
        ("How is the weather?", "cold"),
        ("Can you describe this shirt?", "grey"),
        ("What color is this and what is it?", "brown teddy bear"),
        ("what word is spelled by the last three letters?", "let"),
        ("Find missing value - 2.9, 2.9, 3.5", "4.1"),
        ("What is worn on the person?", "shorts"),
        ("What is the man doing?", "standing"),
        ("What is on the table?", "plate"),
        ("What is in the background?", "trees"),
        ("What is there behind the sofa?", "lamp"),
        ("What surrounds the hydrant?", "grass"),
        ("Which kind of furniture is not wooden?", "couch"),
        ("Which kind of clothing is black?", "shirt"),
        ("What is the item of furniture that is not brown?", "shelf"),
        ("What do you see?", "window"),
        ("Where is the man?", "road"),
        ("what is a letter on the keyboard?", "a"),
        ("what number are any of these players?", "10"),
        ("What kind of food isn't yellow?", "strawberry"),
    ],
)
def test_open(question: str, gold: str) -> None:
    assert is_open(question, gold)


@pytest.mark.parametrize(
    ("question", "gold"),
    [
        ("What color is the car?", "red"),
        ("What color shirt is she wearing?", "blue"),
        ("How is the weather?", "stormy"),
        ("How many people are wearing hats?", "3"),
        ("What is the man doing?", "surfing"),
        ("What sport is this?", "tennis"),
        ("What is this?", "cat"),
        ("What room is this?", "kitchen"),
        ("What is written on the sign?", "stop"),
        ("What word is on the top of this monitor?", "webconverge"),
        ("Who is the author of this book?", "Clive Cussler"),
        ("What is the weather like?", "sunny"),
        ("What animal is on the bed?", "dog"),
    ],
)
def test_answers_that_exclude_each_other(question: str, gold: str) -> None:
    assert not is_open(question, gold)


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_is_judged(question: str, gold: str) -> None:
    assert is_open(question, gold) in (True, False)


def test_a_square_of_a_town_is_no_shape() -> None:
    places = ["beach", "street", "square", "airport", "zoo", "farm", "park", "forest", "lake"]
    rows = [(number, "What place is this?", places[number % 9], None) for number in range(45)]
    rows += [(100 + number, "What shape is the pillow?", "square", None) for number in range(3)]
    index = DistractorIndex.build(rows, seed=0)
    assert list(index.buckets("What shape is the pillow?", "square")) == []
    assert not any(index.levels("What shape is the pillow?", "square")[12:])
    assert list(index.buckets("What place is this?", "square"))
