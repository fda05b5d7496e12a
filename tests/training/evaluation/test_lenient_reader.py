"""The lenient reader, case by case: what each answer says, and whether it keeps the task's style."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.makers.noun_taxonomy import wordnet_nouns
from asd.schemas.styles import AnswerStyle
from asd.scoring import Reference
from asd_training.evaluation.forgetting import reader_for
from asd_training.evaluation.lenient_reader import LenientReader, Reading

CHOICE, VERDICT, BOX, SHORT = (
    AnswerStyle.MULTIPLE_CHOICE, AnswerStyle.YES_NO, AnswerStyle.BOUNDING_BOX, AnswerStyle.SHORT_ANSWER,
)  # fmt: skip
OPTIONS = ("repel", "attract", "attract weakly")


def read(
    style: AnswerStyle,
    text: str,
    gold: str,
    accepted: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
    **how: object,
) -> Reading:
    return LenientReader(style, **how).read(text, Reference(gold, accepted, options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "style_ok", "fact", "how"),
    [
        ("A", True, "wrong", "letter"),
        ("B. attract", True, "right", "letter"),
        ("attract", False, "right", "option's text"),  # the option for its letter
        ("Repel.", False, "wrong", "option's text"),
        ("They attract each other.", False, "right", "option's text"),
        ("They attract weakly", False, "wrong", "option's text"),  # the longer option, not the one inside it
        ("attract or repel", False, "unknown", "short answer"),
        ("So the answer is (B), surely", False, "right", "letter inside a sentence"),
        ("yes", False, "unknown", "yes or no"),
        ("[0.1,0.2,0.3,0.4]", False, "unknown", "box"),
        ("unanswerable", False, "unknown", "refusal"),
        ("The correct option is A.", False, "wrong", "letter inside a sentence"),
        ("", False, "unknown", "nothing"),
        ("E", False, "unknown", "letter"),  # beyond the options
    ],
)
def test_multiple_choice(text: str, style_ok: bool, fact: str, how: str) -> None:
    assert read(CHOICE, text, "attract", (), OPTIONS, rule="letter") == (style_ok, fact, how)


@pytest.mark.parametrize(
    ("text", "style_ok", "fact", "how"),
    [
        ("No", True, "wrong", "first word"),
        ("It is true that it rains.", False, "right", "inside a sentence"),
        ("That is not so.", False, "wrong", "inside a sentence"),
        ("nope", False, "wrong", "inside a sentence"),
        ("It is true, not false", False, "right", "inside a sentence"),
        ("umbrella", False, "unknown", "short answer"),
        ("[0.1,0.2,0.3,0.4]", False, "unknown", "box"),
    ],
)
def test_yes_no(text: str, style_ok: bool, fact: str, how: str) -> None:
    assert read(VERDICT, text, "yes", rule="yes_no") == (style_ok, fact, how)


def test_yes_no_by_letter() -> None:
    assert read(VERDICT, "B", "no", (), ("Yes", "No"), rule="yes_no") == (False, "right", "letter")


@pytest.mark.parametrize(
    ("text", "style_ok", "fact", "how"),
    [
        ("[0.60,0.60,0.90,0.90]", True, "wrong", "box inside a text"),
        ("The cup is at [0.10,0.10,0.52,0.50].", False, "right", "box inside a text"),
        ("x from 0.1 to 0.5: 0.1 0.1 0.5 0.5", False, "unknown", "sentence"),  # six numbers
        ("left 0.1, top 0.1, right 0.5, bottom 0.5", False, "right", "box inside a text"),
        ("[100,100,500,500]", True, "right", "box in thousandths"),
        ("<ref>the cup</ref><box>0.10,0.10,0.52,0.50</box>", True, "right", "box inside a text"),
        ("cup", False, "unknown", "short answer"),
    ],
)
def test_boxes(text: str, style_ok: bool, fact: str, how: str) -> None:
    assert read(BOX, text, "[0.10,0.10,0.50,0.50]", rule="iou") == (style_ok, fact, how)


@pytest.mark.parametrize(
    ("text", "gold", "style_ok", "fact", "how"),
    [
        ("Table.", "table", True, "right", "spelling"),
        ("tables", "table", True, "right", "number or spelling"),
        ("grey", "gray", True, "right", "number or spelling"),
        ("The lamp stands on the table.", "table", False, "right", "inside a longer answer"),
        ("It is not a table.", "table", False, "wrong", "sentence"),
        ("chair", "table", True, "wrong", "short answer"),
        ("unanswerable", "table", False, "unknown", "refusal"),
        ("cat", "unanswerable", True, "wrong", "short answer"),
        ("unsuitable image", "unanswerable", True, "wrong", "refusal"),
        ("B", "table", False, "unknown", "letter"),
        ("No", "table", False, "unknown", "yes or no"),
        ("[0.0,0.1,0.9,1.0]", "table", False, "unknown", "box"),
        ("Yes, it is a table", "table", False, "right", "inside a longer answer"),
        ("There are 2 dogs and 3 cats", "2", False, "wrong", "sentence"),  # which number?
        ("There are two dogs", "2", False, "right", "inside a longer answer"),
        ("no, there is none here", "no", True, "right", "first word"),
        ("It is not open", "no", False, "right", "inside a sentence"),
    ],
)
def test_short_answers(text: str, gold: str, style_ok: bool, fact: str, how: str) -> None:
    assert read(SHORT, text, gold, rule="gqa") == (style_ok, fact, how)


def test_short_answer_by_letter() -> None:
    assert read(SHORT, "B", "attract", (), OPTIONS) == (False, "right", "letter")


@pytest.mark.parametrize(
    ("text", "label", "style_ok", "fact", "how"),
    [
        ("teapot", "Teapot", True, "right", "spelling"),
        ("Door mat", "Doormat", True, "right", "spelling"),
        ("sunglasses", "Sunglass", True, "right", "number or spelling"),
        ("green tennis ball", "Tennis ball", True, "right", "spelling"),
        ("Man playing accordion", "Accordion", True, "right", "inside a longer answer"),
        ("hair dryer", "Hand blower", True, "right", "another name of it"),
        ("praying mantis", "Mantis", True, "right", "narrower name"),
        ("bullet", "Projectile", True, "right", "narrower name"),
        ("Dog", "Dandie dinmont", True, "less_specific", "broader name"),
        ("dogs", "Whippet", True, "less_specific", "broader name"),
        ("basket", "Shopping basket", True, "less_specific", "broader name"),
        ("Graduation cap", "Mortarboard", True, "less_specific", "broader name with a word before it"),
        ("bird", "Crane2", True, "less_specific", "broader name"),
        ("Stuffed animal", "Irish terrier", True, "wrong", "another name"),  # a toy is no animal
        ("medicine kit", "Carpenter's kit", True, "wrong", "another name"),  # another kind of kit
        ("golf ball", "Tennis ball", True, "wrong", "another name"),
        ("toaster oven", "Toaster", True, "wrong", "another name"),  # a known thing of its own
        ("thing", "Toaster", True, "wrong", "another name"),  # says nothing
        ("cat", "Pomeranian", True, "wrong", "another name"),
        ("Crafts, Hobbies & Home", "Goblet", False, "unknown", "no class name"),
        ("Fuzing.com", "Toaster", False, "unknown", "no class name"),
        ("[0.0,0.1,0.9,1.0]", "Toaster", False, "unknown", "box"),
        ("unanswerable", "Toaster", False, "unknown", "refusal"),
        ("eapot.", "Teapot", True, "right", "first letter lost"),  # no word of its own
        ("ouse.", "Mouse", True, "right", "first letter lost"),
        ("og.", "Whippet", True, "less_specific", "broader name"),
        ("ear", "American black bear", True, "wrong", "another name"),  # a word of its own
        ("mushroom", "Agaric", True, "less_specific", "everyday name"),
        ("monkey", "Chimpanzee", True, "less_specific", "everyday name"),
        ("Glasses", "Sunglass", True, "less_specific", "broader name"),
        ("motorhome", "Recreational vehicle", True, "right", "narrower name"),
        ("dog lying on grass", "Whippet", True, "less_specific", "broader name with a word before it"),
        ("a pair of glasses", "Sunglass", True, "less_specific", "broader name with a word before it"),
        ("glass of beer", "Goblet", True, "less_specific", "broader name with a word before it"),
        ("man in a suit", "Goblet", True, "wrong", "another name"),
        ("The object in the image is a dog.", "Whippet", False, "less_specific", "broader name"),
        ("There is a kettle on the old stove", "Whippet", False, "wrong", "another name"),
        ("hoodie", "Poncho", True, "wrong", "another name"),  # a name that the hierarchy lacks
        ("Photography", "Poncho", False, "unknown", "no class name"),  # a field, no thing
        ("1. Spatula. 2. Kettle", "Poncho", False, "unknown", "no class name"),
        ("1. Spatula", "Poncho", True, "wrong", "another name"),
        ("Crane2", "Poncho", True, "wrong", "another name"),
        ("dog, grass", "Whippet", False, "less_specific", "broader name"),
        ("Crafts, Hobbies", "Gondola", False, "unknown", "no class name"),
        ("I don't know", "Whippet", False, "unknown", "refusal"),
        ("unclear", "Whippet", False, "unknown", "refusal"),
        ("Not visible in the image.", "Whippet", False, "unknown", "refusal"),
        ("nothing", "Whippet", False, "unknown", "no class name"),
        ("the", "Whippet", False, "unknown", "no class name"),
        ("<p>suit</p>", "Whippet", True, "wrong", "another name"),
        ("<ref>dog</ref><box>(1,2),(3,4)</box>", "Whippet", True, "less_specific", "broader name"),
    ],
)
def test_class_labels(text: str, label: str, style_ok: bool, fact: str, how: str) -> None:
    reader = reader_for("short_answer", rule="label", class_labels=True)
    assert reader.read(text, Reference(label)) == (style_ok, fact, how)


@pytest.mark.parametrize(
    ("text", "label", "fact", "how"),
    [
        ("eapot.", "Teapot", "right", "first letter lost"),
        ("unglasses", "Sunglass", "right", "first letter lost"),
        ("og", "Whippet", "less_specific", "broader name"),
        ("ig.", "Hog", "right", "another name of it"),
        ("lack bear.", "American black bear", "right", "another name of it"),
        ("loth bear.", "American black bear", "wrong", "another name"),
        ("0.3,0.28,0.72,0.81]", "Water ouzel", "unknown", "box"),
    ],
)
def test_answers_that_lost_their_first_letter(text: str, label: str, fact: str, how: str) -> None:
    reader = reader_for("short_answer", rule="label", class_labels=True, clipped=True)
    assert reader.read(text, Reference(label))[1:] == (fact, how)


@given(
    st.sampled_from(list(AnswerStyle)),
    st.one_of(st.text(max_size=30), st.text(".,[]() ABab01yesno'&-", max_size=20)),
    st.sampled_from(["attract", "B", "yes", "2", "[0.10,0.10,0.50,0.50]", "Crane2", "x"]),
    st.booleans(),
)
def test_any_answer_can_be_read(style: AnswerStyle, text: str, gold: str, labels: bool) -> None:
    reader = reader_for(style, rule="label" if labels else "exact_match", class_labels=labels, clipped=labels)
    first, again = (reader.read(text, Reference(gold, (), OPTIONS)) for _ in range(2))
    assert first == again
    assert first.fact in ("right", "less_specific", "wrong", "unknown")
    assert labels or first.fact != "less_specific"


def test_taxonomy() -> None:
    nouns = wordnet_nouns()
    assert nouns.is_broader("dog", "dandie dinmont")
    assert not nouns.is_broader("dandie dinmont", "dog")
    assert nouns.is_narrower("dandie dinmont", "dog")
    assert nouns.is_same("tv", "television")
    assert not nouns.is_broader("entity", "dog")
    assert not nouns.is_narrower("van", "recreational vehicle")  # only in its fourth sense
    assert nouns.knows("tomatoes")
    assert not nouns.knows("xyzzy")
