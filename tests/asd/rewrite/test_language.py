"""Same language or another: by script, and by function words where both are Latin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.rewrite.language import is_other_language, latin_language_of, script_of
from asd.word_count import count_words

ENGLISH = "What is the colour of the car that stands next to the house?"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH, "en"),
        ("Der Bus ist rot und steht auf der Straße.", "de"),
        ("Le bus est rouge et il est dans la rue.", "fr"),
        ("El autobús es rojo y está en la calle.", "es"),
        ("Brand?", ""),
    ],
)
def test_languages_by_their_function_words(text: str, code: str) -> None:
    assert latin_language_of(text) == code


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("The car is red because the paint shines in the sun.", False),
        ("Das Auto ist rot, denn die Farbe ist auf der Seite zu sehen.", True),
        ("La voiture est rouge, car la peinture est visible dans la rue.", True),
        ("Машина красная, потому что краска блестит на солнце.", True),
        ("车是红色的，因为油漆在阳光下闪闪发光。", True),
        ("42", False),
        ("Coca Cola", False),
    ],
)
def test_other_languages_than_that_of_the_question(text: str, other: bool) -> None:
    assert is_other_language(text, ENGLISH) is other


def test_scripts_and_words_without_spaces() -> None:
    assert (script_of("Привет, мир"), script_of("東京タワー"), script_of("7 %")) == ("CYRILLIC", "HAN", "")
    assert count_words("one two three") == 3
    assert 8 <= count_words("这辆公共汽车的车身和车门都是红色的。") <= 12


@given(st.text(max_size=80))
def test_no_text_is_in_another_language_than_itself(text: str) -> None:
    assert not is_other_language(text, text)
    assert count_words(text) >= 0
