from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers.option_references import refers_to_options
from asd.makers.option_text import (
    as_verdict,
    is_unanswerable,
    names_letters,
    option_key,
    points_at_options,
)
from asd.makers.wording import as_sentence, collapse, collapse_lines, contains_words


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("The pool is dirty.", "Dirty", True),
        ("concatenate", "cat", False),
        ("a cat, a dog", "cat", True),
        ("It costs 15.60 now", "15", False),
        ("It costs 15.", "15", True),
        ("It was -8 games", "8", False),
        ("1,350 men", "350", False),
        ("the category: cat", "cat", True),
        ("50% of it", "50%", True),
        ("anything", "", False),
        ("(B)", "b", True),
        ("所以它是红色的。", "红色", True),
        ("桌上有4只猫", "4", True),
        ("桌上有14只猫", "4", False),
    ],
)
def test_contains_words(text: str, phrase: str, found: bool) -> None:
    assert contains_words(text, phrase) is found


@given(st.text(), st.text(alphabet="abc 1.,", min_size=1).filter(str.strip), st.text())
def test_phrase_between_spaces_is_found(before: str, phrase: str, after: str) -> None:
    assert contains_words(f"{before} {phrase.strip()} {after}", phrase)


def test_sentence() -> None:
    assert as_sentence(" two  dogs\nrun,") == "Two dogs run."
    assert as_sentence('He said "go!"') == 'He said "go!"'
    assert collapse(" A \t b\n") == "A b"
    assert collapse_lines(" a  b \n\n  c") == "a b\nc"


@pytest.mark.parametrize(
    "option",
    [
        "all of the above",
        "None of these",
        "both A and B",
        "A and C",
        "(A) or (B)",
        "either of the others",
        "option 2",
        "Neither of the above",
        "A, B and C",
        "the first choice",
    ],
)
def test_options_that_refer(option: str) -> None:
    assert refers_to_options(option)


@pytest.mark.parametrize(
    "option",
    [
        "both",
        "a cat and a dog",
        "all day",
        "the top of the hill",
        "B",
        "vitamin A and D milk",
        "none",
    ],
)
def test_options_that_stand_alone(option: str) -> None:
    assert not refers_to_options(option)


@pytest.mark.parametrize(
    "question",
    [
        "Which of these is a solid?",
        "Which of the following is red?",
        "Select the amphibian.",
        "Which one is older?",
        "Which sentence uses a simile?",
        "Look closely.\nWhich is the better estimate?",
        "What information supports this?",
        "Which is an example of erosion?",
        "Which bird's beak is also adapted to digging?",
    ],
)
def test_questions_that_point_at_options(question: str) -> None:
    assert points_at_options(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Idaho?",
        "Which country is highlighted?",
        "Is it inherited or acquired?",
        "Which ocean is west of Peru?",
        "What do these two objects have in common?",
    ],
)
def test_questions_that_stand_alone(question: str) -> None:
    assert not points_at_options(question)
    assert points_at_options(question, "Select the best answer.")


def test_answers() -> None:
    assert [as_verdict(text) for text in ("Yes", "no.", "NO", "nope", "")] == ["yes", "no", "no", None, None]
    assert is_unanswerable("Unanswerable.") and not is_unanswerable("answerable")
    assert option_key(" Blue  jay. ") == option_key("blue jay") != option_key("blue-jay")
    assert names_letters("as option (B) says") and names_letters("it is answer a.")
    assert not names_letters("the answer is a good reason") and not names_letters("Sample A is warmer")
