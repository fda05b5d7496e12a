"""`declarative`: which sentences it makes, what it declines, and what always holds."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.makers.english.declarative import declarative
from asd.makers.english.lexicon import (
    indefinite_article,
    noun_number,
    past_tense,
    singular,
    third_person,
)
from asd.makers.english.phrases import answer_noun_phrase, predicate_start

SENTENCES = {
    "kinds": [
        ("What kind of truck is this?", "fire", "The truck is a fire truck."),
        ("What kind of hat is he wearing?", "fedora", "The hat he is wearing is a fedora."),
        ("What type of shoes is she wearing?", "sandals", "The shoes she is wearing are sandals."),
        ("What type of store is this?", "clothing", "The store is a clothing store."),
        ("What is the item on the left called/?", "ruler", 'The item on the left is called "ruler".'),
        ("What type of johnnie walker is it?", "blue label", "The type of johnnie walker is blue label."),
        (
            "Which type of concern has a value of 30%?",
            "Very concerned",
            "The type of concern that has a value of 30% is Very concerned.",
        ),
        ("What phone is this?", "cell phone", "The phone is a cell phone."),
        ("What kind of meat is this?", "fish", "The meat is fish."),
        ("What kind of wine is this?", "lindemans", "The kind of wine is lindemans."),
        ("What kind of weather is it?", "sunny", "The weather is sunny."),
        ("What kind of tree is this?", "oak", "The tree is an oak tree."),
        ("What kind of boat is on the water?", "sailboat", "The boat on the water is a sailboat."),
    ],
    "what somebody is on": [
        ("What animal is the man on?", "horse", "The man is on a horse."),
        ("What year is this coin from?", "1525", "This coin is from 1525."),
        ("What gate is the plane at?", "18", "The plane is at gate 18."),
        ("What state is the plate from?", "virginia", "The plate is from virginia."),
    ],
    "passive": [
        ("What sport is being played?", "tennis", "The sport being played is tennis."),
    ],
    "yes and no": [
        ("Is the dog brown?", "yes", "Yes, the dog is brown."),
        ("Is the dog brown?", "no", "No, the dog is not brown."),
        ("Is this a kitchen?", "no", "No, this is not a kitchen."),
        ("Is this pizza?", "yes", "Yes, this is pizza."),
        ("Is the man in the picture wearing a hat?", "yes", "Yes, the man in the picture is wearing a hat."),
        ("Is the animal in the photo a cat?", "no", "No, the animal in the photo is not a cat."),
        ("Is the TV on?", "Yes", "Yes, the TV is on."),
        ("Are these birds the same size?", "no", "No, these birds are not the same size."),
        ("Does the boy have shoes?", "yes", "Yes, the boy has shoes."),
        ("Does the boy have any shoes?", "no", "No, the boy does not have any shoes."),
        ("Do the cups match the plates?", "no", "No, the cups do not match the plates."),
        ("Can this be eaten?", "no", "No, this cannot be eaten."),
        ("Has the cake been cut?", "yes", "Yes, the cake has been cut."),
        ("Was this photo taken at night?", "no", "No, this photo was not taken at night."),
    ],
    "existence": [
        ("Are there any people?", "no", "No, there are no people."),
        ("Are there any people?", "yes", "Yes, there are people."),
        ("Is there a cup on the desk?", "no", "No, there is no cup on the desk."),
        ("Is there more than one lamp?", "no", "No, there is not more than one lamp."),
        ("Can you see any clouds?", "yes", "Yes, there are clouds."),
        ("Do you see the fence?", "no", "No, the fence cannot be seen."),
    ],
    "scope": [
        ("Is anyone wearing blue?", "yes", "Yes, someone is wearing blue."),
        ("Is anyone wearing blue?", "no", "No, no one is wearing blue."),
        ("Are all the bowls empty?", "no", "No, not all the bowls are empty."),
        ("Is everyone seated?", "no", "No, not everyone is seated."),
    ],
    "choice": [
        ("Is it sunny or cloudy?", "sunny", "It is sunny."),
        ("Is the door open or closed?", "closed", "The door is closed."),
        ("Is the cup on the left or on the right?", "left", "The cup is on the left."),
        (
            "Is the cup to the left or to the right of the jug?",
            "right",
            "The cup is to the right of the jug.",
        ),
        ("Does the shirt look plain or striped?", "striped", "The shirt looks striped."),
    ],
    "counting": [
        ("How many dogs are there?", "3", "There are 3 dogs."),
        ("How many dogs are there?", "1", "There is 1 dog."),
        ("How many people are in the boat?", "1", "There is 1 person in the boat."),
        ("How many men?", "two", "There are two men."),
        ("How many legs does the stool have?", "4", "The stool has 4 legs."),
        ("How many bags is the man holding?", "2", "The man is holding 2 bags."),
        ("How many cows can be seen?", "0", "0 cows can be seen."),
        ("How many kites do you see?", "5", "There are 5 kites."),
        ("How many signs are green?", "2", "2 signs are green."),
    ],
    "colour": [
        ("What color is the car?", "red", "The car is red."),
        ("What color are the cars?", "black and white", "The cars are black and white."),
        ("What color shirt is the man wearing?", "orange", "The man is wearing an orange shirt."),
        ("What color are the doors painted?", "white", "The doors are painted white."),
        ("What color vase is this?", "blue", "This vase is blue."),
        ("What is the color of the bench?", "green", "The color of the bench is green."),
    ],
    "object": [
        ("What is the man holding?", "umbrella", "The man is holding an umbrella."),
        (
            "What is the man holding in his hand?",
            "glass of wine",
            "The man is holding a glass of wine in his hand.",
        ),
        ("What is the woman wearing?", "jeans", "The woman is wearing jeans."),
        ("What is the cat sitting on?", "chair", "The cat is sitting on a chair."),
        ("What is the dog catching?", "frisbee", "The dog is catching a frisbee."),
        ("What are they playing?", "frisbee", "They are playing frisbee."),
        ("What is the fence made of?", "wood", "The fence is made of wood."),
        ("What is the car in front of?", "barn", "The car is in front of a barn."),
        ("What is the boy doing?", "riding a horse", "The boy is riding a horse."),
        ("What does the man have in his mouth?", "straw", "The man has straw in his mouth."),
        ("The person is riding what?", "motorcycle", "The person is riding a motorcycle."),
    ],
    "thing": [
        ("What is this?", "butterfly", "This is a butterfly."),
        ("What are these?", "scissors", "These are scissors."),
        ("What is the animal in the picture?", "dog", "The animal in the picture is a dog."),
        ("What is on the plate?", "sandwich", "There is a sandwich on the plate."),
        ("What is on the shelf?", "books", "There are books on the shelf."),
        ("What is this tool called?", "lathe", 'This tool is called "lathe".'),
        ("What animal is on the hill?", "cow", "The animal on the hill is a cow."),
        ("What kind of animal is this?", "owl", "The animal is an owl."),
        ("What kind of cake is this?", "carrot cake", "The cake is carrot cake."),
        ("Which room is this?", "kitchen", "The room is a kitchen."),
        ("What sport is the man playing?", "tennis", "The sport the man is playing is tennis."),
    ],
    "name and text": [
        ("What does the sign say?", "stop", 'The sign says "stop".'),
        ("what does the small sign say?", "no parking", 'The small sign says "no parking".'),
        ("What is written on the shirt?", "class of 99", 'The text written on the shirt is "class of 99".'),
        ("What is the name of the ship?", "aurora", "The name of the ship is aurora."),
        ("What's the name of the ship?", "aurora", "The name of the ship is aurora."),
        ("What brand is the camera?", "acme", "The brand of the camera is acme."),
        ("what number is on the bus?", "42", "The number on the bus is 42."),
        ("What is the title of this book?", "Low Tide", 'The title of this book is "Low Tide".'),
        ("Who is the author of this book?", "Ann Lee", "The author of this book is Ann Lee."),
        ("Who wrote this book?", "Ann Lee", "This book was written by Ann Lee."),
        ("what company makes this phone?", "acme", "The company that makes this phone is acme."),
        ("What country does the jet belong to?", "peru", "The country the jet belongs to is peru."),
        ("What was the rate in 2019?", "4.5", "The rate in 2019 was 4.5."),
    ],
    "who, where, when, how": [
        ("Who is wearing a hat?", "woman", "The woman is wearing a hat."),
        ("Who is wearing glasses?", "women", "The women are wearing glasses."),
        ("Who wears shoes?", "girl", "The girl wears shoes."),
        ("Where is the cat?", "on the table", "The cat is on the table."),
        ("What time is it?", "1:30", "It is 1:30."),
        ("What season is it?", "winter", "It is winter."),
        ("How is the weather?", "sunny", "The weather is sunny."),
        ("How long are the benches?", "4 feet", "The benches are 4 feet long."),
        ("How tall is the building?", "short", "The building is short."),
        (
            "On which side of the photo is the mug?",
            "left",
            "The mug is on the left of the photo.",
        ),
    ],
}
TABLE = [(kind, *case) for kind, cases in SENTENCES.items() for case in cases]


@pytest.mark.parametrize(("kind", "question", "answer", "sentence"), TABLE)
def test_sentence_by_construction(kind: str, question: str, answer: str, sentence: str) -> None:
    assert declarative(question, answer) == sentence, kind


DECLINED = {
    "object asked for": [
        ("What is the truck transporting?", "4 wheelers"),
        ("What are the people riding through the market?", "bikes"),
        ("What is the dog doing with the sheep?", "herding"),
    ],
    "end that is no part of the place": [("Is the empty container on the lower left recyclable?", "yes")],
    "unit that is lost": [
        ("What was the population of Taiwan in 2019?", "23.6"),
        ("What was Harry Kane's market value?", "150"),
        ("How many followers does the team have?", "9.6"),
        ("What was the average ticket price in 2015?", "55.88"),
        ("What was the value of loans by the bank in 2019?", "31846"),
        ("What was the production of rye in 2018/19?", "12.17"),
        ("What was the gross domestic product of the country in 2019?", "8.12"),
        ("What were the gate receipts of the team in 2019?", "54"),
        ("What is the summation of all the revenue below 30%?", "67.6"),
        ("What was the amount of consumer expenditure in 2020?", "11277"),
        ("What is the projected number of users in 2022?", "19.27"),
    ],
    "article that is lost": [
        ("Do you see people riding motorcycle?", "yes"),
        ("What is the picture?", "group people"),
        ("What is the color of this fabric?", "blue white"),
    ],
    "number that is none": [("What is the number at the top of the phone?", "zte")],
    "number of the verb": [("What are the color of the lights?", "red")],
    "who wears what": [("Who is wearing a hat?", "men"), ("What is wearing a cap?", "fire hydrant")],
    "asked for after like": [("What is the weather like here?", "rainy")],
    "something known": [("What is activated by the events?", "the festival drum")],
    "says nothing": [
        ("How long is the pole?", "long"),
        ("What is the title called?", "a martian odyssey"),
        ("What color is the snow on the snow on the ground?", "white"),
    ],
    "clause within": [
        ("What percentage did the domestic product grow by in 2019?", "5.05"),
        ("What letter is shadowed screen?", "x"),
        ("What position is the man riding the vehicle in?", "standing"),
        ("Is it raining inside this window or outside?", "outside"),
    ],
    "number of a pointer": [("Are these two animals who are hugging each other?", "no")],
    "thing beside": [("What kind of shoe is it?", "boot"), ("What kind of wheat bread is this?", "100%")],
    "no answer": [("What is this?", "unanswerable"), ("Who is this?", "don't know"), ("What is this?", "")],
    "no question": [("", "yes"), ("?", "yes"), ("what", "dog"), ("The dog is brown.", "yes")],
    "answer of another kind": [
        ("What color is the car?", "toyota"),
        ("How many dogs are there?", "brown"),
        ("What is the boy doing?", "frisbee"),
        ("Where is the cat?", "table"),
        ("Which bear is sitting?", "0"),
        ("Who is out of town?", "us"),
        ("Is the dog brown?", "maybe"),
    ],
    "asker or listener": [
        ("What is in front of me?", "chair"),
        ("What color is my shirt?", "red"),
        ("Can you tell me what this is?", "cup"),
        ("Do you think it is cold?", "yes"),
        ("Would you eat this?", "no"),
    ],
    "border unsure": [
        ("Is the dog next to a man wearing a hat?", "yes"),
        ("Is this good weather to fly a kite?", "yes"),
        ("Can this man text and walk?", "yes"),
    ],
    "number unsure": [
        ("What is the animal?", "dogs"),
        ("What is the average of the two bar?", "3"),
        ("Is the dogs brown?", "yes"),
        ("How many person are there?", "3"),
    ],
    "scope unsure": [
        ("Are both cups full?", "no"),
        ("Are there lamps or candles?", "yes"),
        ("Is the bus dark red or blue?", "blue"),
    ],
    "several sentences": [("What is this? Is it red?", "cup"), ("I see a dog. What color?", "red")],
    "odd marks": [("What is this (left)?", "cup"), ("这是什么?", "cup"), ("What is this?", "什么")],
    "reasons": [("Why is the man smiling?", "her phone"), ("Why is it wet?", "rain")],
}


@pytest.mark.parametrize(
    ("kind", "question", "answer"), [(kind, *case) for kind, cases in DECLINED.items() for case in cases]
)
def test_declines(kind: str, question: str, answer: str) -> None:
    assert declarative(question, answer) is None, kind


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What was the population of Taiwan in 2019?", "23,600,000"),
        ("What was the market value of the company?", "$150"),
        ("What was the market value in million dollars?", "150"),
        ("What is the value of the longest bar?", "150"),
        ("What was the infant mortality rate in 2019?", "2.6"),
        ("What was the value of the green bar in 2016?", "150"),
        ("What is the number of students in 2016?", "537689"),
        ("How many ounces does the bottle hold?", "9.4"),
        ("What color is the cloth?", "dark blue"),
        ("What is the man riding?", "bike"),
    ],
)
def test_sentences_keep_numbers_that_need_no_unit(question: str, answer: str) -> None:
    assert answer in (declarative(question, answer) or "")


def test_source_label_unanswerable_declines() -> None:
    assert declarative("What is this?", "cup", "unanswerable") is None
    assert declarative("What is this?", "cup", "other") == "This is a cup."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What  is  this ?", "cup"),
        (" what is this", "cup"),
        ("What is this??", "cup"),
        ("What's this?", "cup."),
    ],
)
def test_spacing_and_marks_do_not_matter(question: str, answer: str) -> None:
    assert declarative(question, answer) == "This is a cup."


@pytest.mark.parametrize(
    ("words", "predicate"),
    [
        ("the dog brown", "brown"),
        ("the man in the picture wearing a hat", "wearing a hat"),
        ("the cup to the left of the plate", "to the left of the plate"),
        ("the cat black with white spots", "black with white spots"),
        ("this person happy", "happy"),
        ("this photo in black and white", "in black and white"),
        ("the text on the box in english", "in english"),
        ("the bag that looks brown made of leather", None),
        ("the dog next to a man wearing a hat", None),
    ],
)
def test_predicate_start(words: str, predicate: str | None) -> None:
    split = words.split()
    start = predicate_start(split, 0)
    assert (None if start is None else " ".join(split[start:])) == predicate


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        ("umbrella", "an umbrella"),
        ("unicycle", "a unicycle"),
        ("hour", "an hour"),
        ("jeans", "jeans"),
        ("bread", "bread"),
        ("wine glass", "a wine glass"),
        ("glass of water", "a glass of water"),
        ("tennis racket", "a tennis racket"),
        ("a dog", "a dog"),
        ("knives and forks", "knives and forks"),
        ("fork and knife", None),
        ("red", None),
        ("Acme", None),
        ("qzxv", None),
        ("12", None),
    ],
)
def test_answer_noun_phrase(answer: str, phrase: str | None) -> None:
    noun = answer_noun_phrase(answer)
    assert (None if noun is None else noun.text) == phrase


def test_word_forms() -> None:
    assert [third_person(verb) for verb in ("have", "say", "carry")] == ["has", "says", "carries"]
    assert past_tense("take") == "took"
    assert [singular(noun) for noun in ("people", "buses", "sheep", "jeans")] == [
        "person",
        "bus",
        "sheep",
        None,
    ]
    assert [noun_number(noun) for noun in ("dog", "dogs", "water", "glass")] == [
        "singular",
        "plural",
        "mass",
        "mass",
    ]
    assert [indefinite_article(word) for word in ("apple", "one", "x", "u-turn")] == ["an", "a", "an", "a"]


def assert_holds_answer(question: str, answer: str, sentence: str) -> None:
    """What is true of every sentence that is made."""
    stripped = " ".join(answer.split()).removesuffix(".").lower()
    assert stripped in sentence.lower()
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    assert "?" not in sentence
    assert sentence[0] == sentence[0].upper()
    assert "  " not in sentence
    assert sentence.lower().rstrip(".") != question.lower().rstrip("?. ")


_WORDS = st.sampled_from(
    re.findall(
        r"\S+",
        "what is are the a an this these how many color kind of on in dog dogs man 's red wearing"
        " holding does have or and there any that who where to which not you left right old very two"
        " , . ? both all can it",
    )
)


@given(st.lists(_WORDS, max_size=12).map(" ".join), st.lists(_WORDS, max_size=4).map(" ".join))
@settings(max_examples=400, deadline=None)
def test_any_word_order_gives_a_sentence_with_the_answer_or_none(question: str, answer: str) -> None:
    sentence = declarative(question, answer)
    if sentence is not None:
        assert_holds_answer(question, answer, sentence)


@given(st.text(max_size=60), st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_never_raises_on_arbitrary_text(question: str, answer: str) -> None:
    for start in ("", "What is ", "How many ", "Is the ", "Who is ", "What color "):
        sentence = declarative(start + question, answer)
        assert sentence is None or isinstance(sentence, str)


def test_import_leaves_the_lexicon_unloaded() -> None:
    code = "import sys; import asd.makers.english.declarative; print('lemminflect' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def _load(path: Path) -> dict[str, list[dict[str, object]]]:
    content = path.read_bytes()
    loaded: dict[str, list[dict[str, object]]] = json.loads(
        gzip.decompress(content) if path.suffix == ".gz" else content
    )
    return loaded


def _rows(questions: Path, annotations: Path) -> list[tuple[str, str]]:
    texts = {q["question_id"]: str(q["question"]) for q in _load(questions)["questions"]}
    rows = []
    for annotation in _load(annotations)["annotations"]:
        answers = annotation["answers"]
        assert isinstance(answers, list)
        rows.append((texts[annotation["question_id"]], Counter(a["answer"] for a in answers).most_common(1)[0][0]))
    return rows


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("questions", "annotations", "floor"),
    [
        ("vqav2/vqa_questions_test.json.gz", "vqav2/vqa_annotatons_test.json.gz", 0.70),
        ("textvqa/val_questions_vqa_format.json", "textvqa/val_annotations_vqa_format.json", 0.45),
    ],
)
def test_recall_and_containment_on_real_rows(shared_data: Path, questions: str, annotations: str, floor: float) -> None:
    rows = _rows(shared_data / questions, shared_data / annotations)
    made = [(question, answer, declarative(question, answer)) for question, answer in rows]
    for question, answer, sentence in made:
        if sentence is not None:
            assert_holds_answer(question, answer, sentence)
    assert sum(sentence is not None for *_, sentence in made) >= floor * len(rows)


@pytest.mark.shared_data
def test_gqa_sentences_hold_what_the_full_answers_hold(shared_data: Path) -> None:
    """The data set's own sentences name the answer too, and agree on yes and no."""
    with gzip.open(shared_data / "gqa" / "ood_testdev_head.json.gz", "rt") as file:
        rows = json.load(file).values()
    made = [(row["fullAnswer"], sentence) for row in rows if (sentence := declarative(row["question"], row["answer"]))]
    assert len(made) >= 0.6 * len(rows)
    for full, sentence in made:
        assert full.startswith("Yes,") == sentence.startswith("Yes,")
        assert full.startswith("No,") == sentence.startswith("No,")


@pytest.mark.parametrize(
    ("question", "answer", "sentence"),
    [
        ("whats the sign warning?", "stop", None),
        ("What is the sign warning?", "stop", None),
        ("What is the sign advertising?", "soap", None),
        ("What does this box say?", "nothing", "This box says nothing."),
        ("What does this box say?", "unknown", None),
        ("What is written on the shirt?", "nothing", None),
        ("Is there is a hand in the picture?", "yes", None),
        ("Are there are two dogs?", "yes", None),
        ("Is the man is wearing a hat?", "no", None),
        ("What color is the a car?", "red", None),
        ("Is there a hand in the picture?", "yes", "Yes, there is a hand in the picture."),
    ],
)
def test_no_sentence_is_made_of_a_slip_or_of_what_is_no_text(question: str, answer: str, sentence: str | None) -> None:
    assert declarative(question, answer) == sentence
