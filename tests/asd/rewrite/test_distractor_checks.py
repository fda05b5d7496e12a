"""Each check on wrong answers by itself: what it catches and what it lets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers.normalise import conflicts
from asd.rewrite.distractor_checks import DISTRACTOR_CHECKS, DistractorCase
from asd.rewrite.meaning_checks import find_problems


def slugs(text: str, gold: str = "red", *accepted: str, before: tuple[str, ...] = (), question: str = "") -> list[str]:
    case = DistractorCase(text, gold, accepted, before, question)
    return [problem.slug for problem in find_problems(case, DISTRACTOR_CHECKS)]


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("blue", "red"),
        ("13", "12"),
        ("$4.50", "$3.99"),
        ("New Delhi", "Beijing"),
        ("bus", "train"),
        ("40 years", "20-30 years"),
        ("right to left", "left to right"),
        ("red and green", "red and blue"),
        ("2,1", "1,2"),
        ("May 2", "May 1"),
        ("orange", "blue"),
        ("square", "circle"),
    ],
)
def test_a_good_wrong_answer_passes(text: str, gold: str) -> None:
    assert slugs(text, gold) == []


@pytest.mark.parametrize(
    ("text", "gold", "question", "slug"),
    [
        ("The wrong answer is", "blue", "What color is the court?", "self_talk"),
        ("the answer is", "red", "What color is it?", "self_talk"),
        ("I'm not sure", "12", "How many are there?", "self_talk"),
        ("cake", "chocolate", "What kind of cake is that?", "copies_question"),
        ("What color is the sky?", "blue", "What color is the court?", "other_form"),
        ("There are 4 stoves", "3", "How many stoves are there?", "other_form"),
        ("the sauce is blue", "red", "What color is the sauce?", "other_form"),
        ("...and another spelling", "2 & 5", "what numbers are here?", "markup"),
        (
            "What military branch owns this jet?",
            "royal air force",
            "what military branch owns this jet?",
            "copies_question",
        ),
    ],
)
def test_what_a_small_model_writes_where_it_has_no_answer(text: str, gold: str, question: str, slug: str) -> None:
    """Texts that models of 0.1 and 1.5 billion weights wrote and that earlier checks let through."""
    assert slug in slugs(text, gold, question=question)


def test_options_about_options_and_short_questions_are_left_alone() -> None:
    assert slugs("the right option", "the left option", question="Which one is it?") == []
    assert slugs("right", "left", question="Which side?") == []
    assert slugs("who is that", "what is that", question="What is said?") == []


@pytest.mark.parametrize(
    ("text", "gold", "accepted", "slug"),
    [
        ("...", "red", (), "empty_distractor"),
        ("**blue**", "red", (), "markup"),
        (",i;──── thatno aredoc", "a red cup", (), "markup"),
        ("blue ──── begin", "red", (), "markup"),
        (", blue", "red", (), "markup"),
        ("<b>blue</b>", "red", (), "markup"),
        ("blue\ngreen", "red", (), "markup"),
        ("B) blue", "red", (), "markup"),
        ("2. blue", "red", (), "markup"),
        ('{"a": 1}', "red", (), "markup"),
        ("RED.", "red", (), "accepted_answer"),
        ("grey", "gray", (), "accepted_answer"),
        ("two", "2", (), "accepted_answer"),
        ("the apples", "apple", (), "accepted_answer"),
        ("maroon", "red", ("maroon", "red"), "accepted_answer"),
        ("dark red", "red", (), "close_to_answer"),
        ("sofa", "couch", (), "close_to_answer"),
        ("dog", "poodle", (), "close_to_answer"),
        ("motorcicle", "motorcycle", (), "close_to_answer"),
        ("door mat", "doormat", (), "accepted_answer"),
        ("Blue and red", "red, blue", (), "accepted_answer"),
        ("cats, dogs & a bird", "bird, dog and cat", (), "accepted_answer"),
        ("1 January", "January 1", (), "accepted_answer"),
        ("8 feet", "8 ft", (), "accepted_answer"),
        ("10.30 a.m.", "noon", ("10:30 am",), "accepted_answer"),
        ("none of these", "red", (), "no_answer"),
        ("unknown", "red", (), "no_answer"),
        ("unknown publisher", "panther", (), "no_answer"),
        ("yes", "red", (), "no_answer"),
        ("both A and B", "red", (), "no_answer"),
        ("pizza", "red", (), "other_kind"),
        ("red", "12", (), "other_kind"),
        ("12", "red", (), "other_kind"),
        ("10:30", "$5", (), "other_kind"),
        ("monday", "london", (), "other_kind"),
        ("a small blue car that stands next to the old house", "red", (), "other_length"),
        ("cat", "a man in a blue shirt rides his brown horse along the wide beach", (), "other_length"),
        ("синий", "green", (), "other_script"),
    ],
)
def test_a_bad_wrong_answer_is_named(text: str, gold: str, accepted: tuple[str, ...], slug: str) -> None:
    assert slug in slugs(text, gold, *accepted)


def test_repeated_wrong_answers() -> None:
    assert slugs("sofa", "lamp", before=("chair", "couch")) == ["duplicate"]
    assert slugs("Chair.", "lamp", before=("chair",)) == ["duplicate"]
    assert slugs("12", "7", before=("2",)) == []


def test_things_of_other_kinds_where_the_question_leaves_that_open() -> None:
    assert slugs("chair", "pizza", question="What is next to the window?") == []
    assert slugs("chair", "pizza", question="What food is this?") == ["other_kind"]
    assert slugs("bench", "dog", question="Which animal is it?") == ["other_kind"]
    assert slugs("bench", "dog", question="What is next to the man?") == []


def test_symbols_of_the_gold_answer_are_no_markup() -> None:
    assert slugs("#2", "#1") == [] and slugs("{b}", "{a}") == []


def test_sentences_name_the_text_and_the_answer() -> None:
    (problem,) = find_problems(DistractorCase("grey", "gray"), DISTRACTOR_CHECKS)
    assert "'grey'" in problem.sentence and "'gray'" in problem.sentence


@given(st.text(max_size=30), st.text(min_size=1, max_size=30))
def test_what_passes_is_never_a_conflict(text: str, gold: str) -> None:
    if not slugs(text, gold):
        assert text and not conflicts(text, [gold])
