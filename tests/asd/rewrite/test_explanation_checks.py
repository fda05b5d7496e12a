"""Each check on explanations and descriptions by itself: what it catches and what it lets through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers.wording import contains_words
from asd.rewrite.explanation_checks import BANDS, EXPLANATION_CHECKS, ExplanationCase
from asd.rewrite.meaning_checks import find_problems
from asd.schemas.styles import AnswerStyle
from asd.word_count import count_words

BRIEF, DETAILED = AnswerStyle.BRIEF_EXPLANATION, AnswerStyle.DETAILED_EXPLANATION
QUESTION = "What colour is the bus in the street?"
GOOD = "The bus is red, as its bright sides and the matching doors show in full sunlight."
YES = "Is the man wearing a hat?"


def slugs(text: str, gold: str = "red", question: str = QUESTION, style: AnswerStyle = BRIEF, **more: Any) -> list[str]:
    case = ExplanationCase(text, gold, question, style, **more)
    return [problem.slug for problem in find_problems(case, EXPLANATION_CHECKS)]


@pytest.mark.parametrize(
    ("text", "gold", "question"),
    [
        (GOOD, "red", QUESTION),
        ("Yes, he has a wide straw hat on that keeps the sun off his face.", "yes", YES),
        ("No, there is no hat to be seen; the hair of the man is wet and short.", "no", YES),
        ("Three boats lie at the pier and a fourth sails off, so there are 4 boats.", "4", "How many boats are there?"),
        ("The price tag beside the loaf reads $1,200, which makes the answer $1,200.", "$1,200", "What does it cost?"),
        ("Der Bus ist rot, denn die Türen und die Seiten sind in dieser Farbe lackiert.", "rot", "Welche Farbe hat der Bus?"),
        ("这辆公共汽车的车身和车门都涂成了鲜艳的颜色，所以它是红色的。", "红色", "这辆公共汽车是什么颜色的？"),
    ],
)  # fmt: skip
def test_a_good_explanation_passes(text: str, gold: str, question: str) -> None:
    assert slugs(text, gold, question) == []


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("**Red** is the colour, as its bright sides and the matching doors show.", "markup"),
        ("- The bus is red, as its bright sides and the matching doors show.", "markup"),
        ("The bus is red. </s> Its bright sides and the matching doors show it.", "markup"),
        ('{"explanation": "The bus is red, as its sides and doors show."}', "markup"),
        ("The bus is red.\x00 Its bright sides and the matching doors show it.", "markup"),
        ("The bus is red \u202eas its bright sides and the matching doors show.", "markup"),
        ("The bus is red 🚌, as its bright sides and the matching doors show.", "markup"),
        ("The bus looks red.", "too_short"),
        ("The bus is red. Its " + ", its ".join(f"part{number}" for number in range(40)) + ".", "too_long"),
        ("The bus is red, as its bright sides and the matching doors show in full", "unfinished"),
        ("The bus is red red red red red and its doors shine in the sun.", "babble"),
        ("The bus is bright, as its sides and the matching doors show in full sunlight.", "gold_missing"),
        ("The bus is reddish, as its sides and the matching doors show in full sunlight.", "gold_missing"),
        ("The bus is painted so that the answer is blue, though the doors look red.", "other_answer"),
        ("The bus shows it: option B is right, since its doors and sides look red.", "option_letters"),
        ("The provided answer is red, which fits the sides and doors of this bus.", "self_talk"),
        ("As an AI, I take it that the bus is red because of its doors and sides.", "self_talk"),
        ("What colour is the bus in the street? It is red, as the doors show.", "copies_question"),
        ("The colour of the bus in the street is red, the bus is red in the street.", "nothing_new"),
        ("The bus that is in the street is clearly called red, as is stated.", "nothing_new"),
        ("The bus in the street is red, because it is an object that is typically red.", "nothing_new"),
        ("The answer is red, as the data clearly states that the bus looks like this.", "self_talk"),
        ("The bus is red, because the question asks for the colour of its sides and doors.", "self_talk"),
        ("Le bus est red, car les portes et les côtés sont dans cette couleur.", "other_language"),
        ("Автобус red, потому что двери и бока окрашены в этот яркий цвет.", "other_language"),
    ],
)
def test_a_bad_explanation_is_named(text: str, slug: str) -> None:
    assert slug in slugs(text)


@pytest.mark.parametrize(
    "text",
    [
        "No, he has a wide straw hat on that keeps the sun off his face.",
        "He wears a wide straw hat that keeps the sun off his face, so yes.",
        "Yes, he wears something on his head, but the answer is no after all.",
    ],
)
def test_a_verdict_opens_the_text_and_is_not_taken_back(text: str) -> None:
    assert "wrong_verdict" in slugs(text, "yes", YES)


def test_a_verdict_may_open_the_text_in_words_of_its_own() -> None:
    assert slugs("The answer is yes, because a wide straw hat keeps the sun off his face.", "yes", YES) == []
    assert "wrong_verdict" in slugs("The answer is no, though yes, a wide straw hat keeps the sun off.", "yes", YES)


def test_what_was_wrong_with_an_earlier_text_is_no_explanation() -> None:
    said = "The text has 86 words; write at most 40, about 20. The bus is red, as its doors show."
    assert "self_talk" in slugs(said)
    assert "self_talk" in slugs("The text is too long; it needs to be shorter. The bus is red, as its doors show.")
    echoed = "The text has 200 words; write at most 100; write shorter, whole sentences. It must hold 'red' exactly like this."
    assert "self_talk" in slugs(echoed), "SmolLM2 wrote this, and it was taken"
    assert "self_talk" not in slugs("The text on the sign says red, as do the painted doors of the bus.")


def test_another_option_as_the_right_one() -> None:
    others = ("blue", "dark green")
    for text in (
        "The doors might look red to some, but blue is the correct answer for this bus.",
        "The answer is dark green, since the red sides are in shadow and the doors shine.",
        "Some sides of the bus look red in this light. Therefore the bus must be blue.",
    ):
        assert "other_answer" in slugs(text, others=others), text
    for text in (
        "The bus is red and not blue, as its bright sides and the matching doors show.",
        "The correct answer is red, as the bus has bright sides and matching doors.",
        "The answer is clear from the doors and bright sides of the bus, which are red.",
        "The sky behind it is blue. Therefore the red sides of the bus stand out well.",
    ):
        assert slugs(text, others=others) == [], text


def test_an_answer_that_is_only_denied() -> None:
    for text in (
        "The bus is painted blue rather than red, as its bright sides and doors show.",
        "Looking at the sides and doors, one finds that the bus isn't really red at all.",
    ):
        assert "other_answer" in slugs(text), text
    assert slugs("It is not red like the others but a darker red, as its shining doors show.") == []
    asked = "What colour is the bus not?"
    assert slugs("The bus is plainly not red; its bright sides and doors are green instead.", question=asked) == []


def test_bands_of_both_styles() -> None:
    assert BANDS[BRIEF].least < BANDS[BRIEF].words == 20 < BANDS[BRIEF].most
    assert BANDS[DETAILED].least < BANDS[DETAILED].words == 50 < BANDS[DETAILED].most
    assert "too_short" in slugs(GOOD, style=DETAILED)


def test_a_long_answer_may_make_the_text_longer() -> None:
    gold = " ".join(f"word{number}" for number in range(20))
    text = f"It says {gold}, " + " ".join(f"more{number}" for number in range(30)) + "."
    assert "too_long" not in slugs(text, gold) and "too_long" in slugs(text, "word1")


def test_what_the_question_says_is_no_self_talk() -> None:
    text = "The paper trains a language model named Orca, whose name stands in its title."
    assert slugs(text, "Orca", "Which language model is named in the title?") == []


def describe(text: str, written: str = "the man in the long red coat", style: AnswerStyle = BRIEF) -> list[str]:
    return slugs(text, written, written, style, is_description=True)


def test_descriptions_name_what_they_are_of() -> None:
    assert describe("A man in a long red coat stands there with his hands in his pockets.") == []
    assert describe("A brown dog sits on the wet grass next to a wooden bench.") == ["object_missing"]
    assert describe("A man in a red coat stands in the bounding box at [0.1, 0.2, 0.3, 0.4].") == ["region_talk"]


@given(st.text(max_size=300), st.sampled_from(["red", "12", "yes", "a b"]))
def test_whatever_passes_holds_the_answer_within_the_band(text: str, gold: str) -> None:
    found = slugs(text, gold)
    if not found:
        assert contains_words(text, gold) and count_words(text) >= BANDS[BRIEF].least


@given(st.lists(st.sampled_from(["red", "the", "bus", "is", "answer", "option", "A", "no", "blue", "."]), max_size=40))
def test_checks_never_raise_and_always_say_why(words: list[str]) -> None:
    case = ExplanationCase(" ".join(words), "red", QUESTION, BRIEF, others=("blue",))
    assert all(problem.sentence.strip() for problem in find_problems(case, EXPLANATION_CHECKS))
