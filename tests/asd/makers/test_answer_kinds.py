"""Answer kinds, question parts and the alternatives a question states."""

from __future__ import annotations

import pytest

from asd.makers.answer_kinds import answer_kind, is_plural, parse_question
from asd.makers.answer_types import answer_type, is_vague
from asd.makers.english.alternatives import offers_alternatives, stated_alternatives


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Yes", ("yes_no", "yes_no")),
        ("nope", ("yes_no", "yes_no")),
        ("3", ("integer/1", "integer/small")),
        ("1,200", ("integer/4,", "integer/middle,")),
        ("-7", ("integer/1-", "integer/small-")),
        ("175000", ("integer/6", "integer/large")),
        ("three", ("integer/word", "integer/word")),
        ("2015", ("year", "year")),
        ("3.5", ("decimal/1.1", "decimal/1.1")),
        ("53.23", ("decimal/2.2", "decimal/2.2")),
        ("<0.5", ("decimal/1.1", "decimal/1.1")),
        ("3.14159265", ("decimal/1.3", "decimal/1.3")),
        ("50%", ("percent/0%", "percent/0%")),
        ("$5.00", ("money/$0.0", "money/$0.0")),
        ("5 dollars", ("money/0 dollars", "money/0 dollars")),
        ("$50 gift card", ("3-4/9-lower", "text")),
        ("1/2", ("ratio/0/0", "ratio/0/0")),
        ("25th", ("ordinal", "ordinal")),
        ("10:10", ("time/0:0", "time/0:0")),
        ("3:45 PM", ("time/0:0 XM", "time/0:0 XM")),
        ("12/03/2014", ("date/0/0/0", "date/0/0/0")),
        ("January 21, 2014", ("date/capital 0, 0", "date/capital 0, 0")),
        ("100% good for you", ("3-4/9-lower", "text")),
        ("5 miles", ("quantity/miles/0 miles", "quantity/miles/0 miles")),
        ("3.2g", ("quantity/g/0.0g", "quantity/g/0.0g")),
        ("11:52:04", ("time/0:0:0", "time/0:0:0")),
        ("007", ("integer/30", "integer/middle0")),
        ("home plate", ("2/lower", "text")),
        ("hit ball", ("2/verb-lower", "text")),
        ("B52", ("code/1", "code")),
        ("648-3004", ("code/2-", "code")),
        ("air berlin", ("2/lower", "text")),
        ("[0.1,0.2,0.3,0.4]", ("box", "box")),
        ("", ("empty", "empty")),
        ("grey", ("colour/lower", "colour")),
        ("black and white", ("colour/lower", "colour")),
        ("light brown", ("colour/lower", "colour")),
        ("A", ("letter", "letter")),
        ("www.example.org", ("url", "url")),
        ("Nokia", ("brand/title", "brand")),
        ("NOKIA", ("brand/upper", "brand upper")),
        ("Blargh", ("1/title", "text")),
        ("living room", ("room/lower", "room")),
        ("old brown dogs", ("animal/lower", "animal")),
        ("riding a bike", ("activity/lower", "activity")),
        ("on the sled there", ("3-4/place-lower", "text")),
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
        ("Is this shampoo or hand lotion?", "lotion", ["shampoo"]),
        ("Is it high or low tide?", "low", ["high"]),
        ("Which side of the road is the van on?", "left", ["right"]),
        ("What is the gender of the rider?", "male", ["female"]),
        ("Is the photo black and white or color?", "color", []),
        ("Is it a red car or a red truck?", "red", []),
        ("What color is the door?", "red", []),
        ("Does this show bed time or calming?", "calming", []),
        ("Does this page have a signature on it or is it blank?", "blank", []),
        ("Is Windows all the way up, or is something loading?", "something loading", []),
        ("Who has more cases; Africa or South Asia?", "South Asia", ["Africa"]),
        ("Which chocolate bar is it? Snickers or Mars?", "Mars", ["Snickers"]),
        ("Answer the question. At a price of $1,345, is there a shortage or a surplus?", "surplus", ["shortage"]),
        ("Is it black or navy blue? Thank you.", "navy blue", ["black"]),
        ("Is the stove gas or electric?", "electric", ["gas"]),
        ("Should the car stop or go?", "go", ["stop"]),
        ("Which is taller, the adult giraffe or the fence?", "giraffe", ["fence"]),
        ("Does the shirt look long sleeved or sleeveless?", "sleeveless", []),
    ],
)
def test_stated_alternatives(question: str, gold: str, others: list[str]) -> None:
    assert stated_alternatives(question, gold) == others


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("woods", "place"),
        ("wood", "material"),
        ("shorts", "clothing"),
        ("short", "size"),
        ("oranges", "food"),
        ("wine glass", "tableware"),
        ("german shepherd", "animal"),
        ("in back", ""),
        ("fork and knife", ""),
        ("zorblax", ""),
    ],
)
def test_type_of_what_an_answer_names(text: str, kind: str) -> None:
    assert answer_type(text) == kind


@pytest.mark.parametrize("text", ["nothing", "Many", "outside", "i don't know", "unanswerable", "no one"])
def test_vague_answers(text: str) -> None:
    assert is_vague(text)
    assert not is_vague(f"{text} zebra")


def test_questions_that_offer_a_choice() -> None:
    assert offers_alternatives("Is it real or fake?")
    assert not offers_alternatives("In the bag or beside it, what do you see?")
    assert not offers_alternatives("Is it real?")
    assert not offers_alternatives("Which " + "very " * 40 + "long or short one?")


def test_kinds_without_a_type() -> None:
    assert answer_kind("Blargh")[1] == "text" and answer_kind("dog")[1] == "animal"
    assert answer_kind("Reading the Sweet Oak")[0] != answer_kind("Peter John de Vries")[0]
    assert answer_kind("swimming pool")[1] != answer_kind("riding bike")[1]


@pytest.mark.parametrize(
    ("question", "gold", "others"),
    [
        ("Which movie has a longer title, Lights on the Bayou or Tom's Christmas Past?", "Tom's Christmas Past",
         ["Lights on the Bayou"]),
        ("Which movie has a longer title, Lights on the Bayou or Tom's Christmas Past?", "Lights on the Bayou",
         ["Tom's Christmas Past"]),
        ("Is it an indoors or outdoors scene?", "indoors", ["outdoors"]),
        ("Is it an indoors or outdoors scene?", "outdoors", ["indoors"]),
        ("Is it day or night outside?", "day", ["night"]),
        ("Is the batter right or left handed?", "right", ["left"]),
        ("Are these tools for someone right-handed or left-handed?", "right", ["left"]),
        ("Is the man wearing a tight shirt or a loose shirt?", "tight", ["loose"]),
        ("Is a man or a woman riding the skateboard?", "man", ["woman"]),
        ("Is this a statue or a live animal?", "statue", ["live animal"]),
        ("Is this likely a golf course or a zoo?", "zoo", ["golf course"]),
        ("Is the man in the left, right or center of the court?", "right", ["left", "center"]),
        ("Is this outside or indoors?", "outside", ["indoors"]),
        ("Is this pic color or white and black?", "color", []),
        ("Is the surfer's left foot or right foot in front?", "right", ["left"]),
        ("Is the catcher on the left side or on the right of the picture?", "right", ["left"]),
        ("Is it moving toward the station or away?", "away", []),
        ("Is this a wedding or anniversary cake?", "wedding", []),
        ("Is Lights on the Bayou or Tom's Christmas Past longer?", "Tom's Christmas Past", []),
        ("Is the shirt sleeveless or short sleeved?", "short sleeved", ["sleeveless"]),
        ("Is his hat plain or dark colored?", "dark colored", ["plain"]),
        ("Is that sea green or dark blue?", "dark blue", ["sea green"]),
    ],
)  # fmt: skip
def test_an_alternative_is_whole_or_none_is_read(question: str, gold: str, others: list[str]) -> None:
    assert stated_alternatives(question, gold) == others


def test_singulars_in_s_are_no_plurals() -> None:
    assert not any(map(is_plural, "physics politics gymnastics outdoors canvas atlas christmas tennis bus".split()))
    assert all(map(is_plural, ["glasses", "comics", "fabrics", "two cats", "a pair of pants"]))
