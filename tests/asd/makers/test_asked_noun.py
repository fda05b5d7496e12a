"""Nouns that questions ask a kind of, and what they are about."""

from __future__ import annotations

import pytest

from asd.makers.asked_noun import about, asked_noun, is_no_answer, kind_asked_for, kinds_asked_for, tells_answer
from asd.makers.distractors import DistractorIndex
from asd.makers.open_questions import is_open
from asd.records import Sample


@pytest.mark.parametrize(
    ("question", "gold", "noun"),
    [
        ("What fruit is it?", "banana", "fruit"),
        ("Which kind of flower is in the middle of the picture?", "rose", "flower"),
        ("What dog is this?", "golden retriever", "dog"),
        ("what kind of cake can be made?", "molten chocolate cake", "cake"),
        ("What is the structure in the background?", "skyscraper", "structure"),
        ("What kind of cooking utensil is that?", "baking pan", "cooking utensil"),
        ("What is this bottle?", "shampoo", ""),
        ("What is the girl holding?", "knife", ""),
        ("What this person is doing?", "playing with baby", ""),
        ("What color is it?", "red", ""),
    ],
)
def test_the_kind_that_is_asked_for(question: str, gold: str, noun: str) -> None:
    assert kind_asked_for(question, gold) == noun


def test_what_a_question_is_about() -> None:
    assert about("what is the brand of the beer?") == "drink"
    assert about("what brand are the girl's shoes?") == "clothes"
    assert about("who is the phone's manufacturer?") == "computer"
    assert about("what is this?") == ""


def test_an_answer_that_only_repeats_the_question() -> None:
    assert asked_noun("Which place is it?") == "" and is_no_answer("Which place is it?", "place")
    assert is_no_answer("What fruit is it?", "fruit") and not is_no_answer("What fruit is it?", "apple")


def test_several_of_a_kind_may_lie_in_one_place() -> None:
    assert is_open("What device is on the desk?", "printer") and is_open("What fruit is in the bowl?", "apple")
    assert not is_open("What fruit is it?", "apple") and not is_open("What animal is in the picture?", "dog")


def test_wrong_answers_are_kinds_of_what_is_asked_for() -> None:
    fruit = ["apple", "banana", "cherry", "lemon", "mango", "pear"]
    food = ["pizza", "pepperoni", "fries", "salad", "soup", "bread", "cake", "cheese", "rice", "pasta"]
    asked = [("What food is it?", name) for name in food * 3] + [("What fruit is it?", name) for name in fruit * 3]
    index = DistractorIndex.build([(row, *one, None) for row, one in enumerate(asked)], seed=0)
    for row in range(30):
        sample = Sample(f"s{row}", "What fruit is it?", "banana", accepted=["banana"])
        assert set(index.draw(sample, 3, 0)) <= set(fruit) - {"banana"}


@pytest.mark.parametrize(
    ("question", "gold"),
    [
        ("The giraffe is in front of what?", "forest"),
        ("What is the tree in front of?", "sky"),
        ("The girl is in front of who?", "woman"),
        ("What place could this be?", "street"),
    ],
)
def test_what_is_near_and_what_places_lie_in_is_open(question: str, gold: str) -> None:
    assert is_open(question, gold)
    assert not is_open("What place is it?", "restaurant") and not is_open("What is the cat sitting on?", "bed")


def test_something_called_a_bag_stands_beside_bags() -> None:
    assert kind_asked_for("How is the bag to the left of the shelves called?", "handbag") == "bag"


@pytest.mark.parametrize(
    ("question", "gold", "kind"),
    [
        ("What do you think is the shape of the picture?", "square", "shape"),
        ("What color is it?", "orange", "colour"),
        ("What is the same color as the sky?", "car", "vehicle"),
        ("what is the title of this book?", "writing new york", "text"),
        ("what is number 34 doing?", "squatting", "activity"),
        ("what movie is being advertised?", "ninja turtles", "asks movie/animal plural"),
        ("What is the name of this animal?", "dog", "animal"),
        ("How are these animals called?", "elephants", "animal plural"),
        ("What kind of soda is this?", "coca cola", "asks soda/drink"),
        ("What type of building is it?", "bakery", "asks building/place"),
        ("Which pattern is it?", "plaid", "pattern"),
        ("What are the flowers in?", "vase", "tableware"),
        ("What color are my pants?", "brown teddy bear", "animal"),
        ("What color is it?", "white and brown", "colours"),
        ("It's color?", "orange", "colour"),
        ("What color is the bottle?", "clear", "colour"),
        ("What color is it?", "sign", "street thing"),
        ("What armed forces are on the airplane?", "navy", "asks armed force/colour"),
        ("What is the child holding?", "frisbee", "equipment"),
        ("What sport is it?", "frisbee", "sport"),
        ("What is the dog doing?", "sleeping", "activity of animal"),
        ("What does the truck say?", "divine moving", "text"),
        ("Who is the phone's manufacturer?", "lg", "brand of computer"),
        ("What is the man playing?", "trumpet", "thing musical instrument"),
        ("What word is on the sign?", "trumpet", "text"),
        ("what brand is it?", "hamilton beach", "text"),
        ("What animal is it?", "riding horse", "asks animal/activity"),
        ("what age range is it for?", "6-12", "range/0-0"),
        ("What type of cake is this?", "marble", "asks cake/1/lower"),
        ("What covers the ground?", "snow", "asks ground/1/lower"),
        ("How is the weather?", "snow", "weather"),
        ("What is the kite flying over?", "water", "nature"),
        ("What is she drinking?", "water", "drink"),
        ("What is coming out of the train?", "steam", "text"),
        ("preload what kind of hit?", "top", "asks hit/1/lower"),
        ("What is used to cut the pizza?", "pizza cutter", "text"),
        ("What is the equipment on the floor used for?", "painting", "purpose"),
        ("What does the color green represent?", "Ireland", "country"),
        ("what brand of airline is it?", "delta", "brand of airline"),
        ("what brand of cell phone is that?", "samsung", "brand of computer"),
        ("What is the small animal?", "kitten", "small animal"),
        ("Which kind of animal is brown?", "horse", "brown animal"),
        ("What animals are big?", "elephants", "large animal plural"),
        ("What are they eating?", "grass", "fodder"),
        ("What ethnicity is he?", "white", "ethnicity"),
        ("what is kind of soda is that?", "diet coke", "asks soda/drink"),
        ("what denomination is this bill?", "20", "denomination"),
        ("what 2 digit number is it?", "20", "integer/2"),
        ("What holiday is it?", "halloween", "holiday"),
        ("Where is the man?", "crate", "where thing container"),
    ],
)
def test_the_question_decides_on_the_kind(question: str, gold: str, kind: str) -> None:
    assert kinds_asked_for(question, gold)[1] == kind


@pytest.mark.parametrize(
    ("question", "left", "right"),
    [
        ("what letters are on the tail of the plane?", "vhb", "restaurant"),
        ("who wrote it?", "larusso", "exile"),
        ("who wrote it?", "s. dimas", "kate vaiden"),
        ("what team is it?", "trojan", "vikings"),
        ("what does the screen say to do?", "continue", "emelec"),
        ("what is the percentage?", "72.7", "59.00"),
        ("what date is the game?", "january 29", "june 28 2009"),
        ("what is written there?", "2 water bottles", "old water bottles"),
    ],
)
def test_texts_of_unlike_form_do_not_stand_beside_each_other(question: str, left: str, right: str) -> None:
    (fine, coarse), (other_fine, other_coarse) = kinds_asked_for(question, left), kinds_asked_for(question, right)
    assert fine != other_fine and (coarse != other_coarse or coarse in ("text", "asks team/text"))


def test_an_answer_that_a_word_of_the_question_tells() -> None:
    assert tells_answer("what is alter electra's website?", "www.alterelectra.com")
    assert not tells_answer("what is the name of the school?", "solaire")
    assert not tells_answer("What kind of bread is it?", "wheat bread"), "of a known kind, as other answers are"
