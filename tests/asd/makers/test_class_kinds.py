"""Classes of one kind stand beside each other; a class name has the article that it needs."""

from __future__ import annotations

import pytest
from maker_samples import make_sample, make_spec

from asd.makers.class_kinds import MAX_CLASSES, class_sets
from asd.makers.distractors import AnswerRules, DistractorIndex
from asd.makers.drafting import draft
from asd.makers.english.verdict import natural_verdict
from asd.makers.english.what_noun import class_noun
from asd.makers.maker_context import MakerContext
from asd.records import Draft
from asd.schemas.styles import AnswerStyle

QUESTION = "Which object does the picture show?"
INSECTS = "ant bee cicada cockroach cricket damselfly dragonfly grasshopper lacewing weevil".split()
DOGS = "beagle collie dalmatian poodle pug whippet borzoi rottweiler chow".split()
INSTRUMENTS = "accordion banjo bassoon cello cornet flute oboe violin".split()


def test_kinds_by_the_sense_that_fits_the_set() -> None:
    sets = class_sets([*INSECTS, *DOGS, *INSTRUMENTS, "kite", "crane (bird)", "qwzx"])
    assert sets["dog"] == sorted(DOGS) and sets["musical instrument"] == sorted(INSTRUMENTS)
    assert sets["insect"] == sorted([*INSECTS, "kite", "crane (bird)", "qwzx"]), "a cricket is no game among insects"
    assert len(sets) == 3


def test_names_that_the_hierarchy_lacks_are_of_the_kind_of_their_end() -> None:
    fish = "clownfish goldfish lionfish pufferfish swordfish catfish angelfish bluefish".split()
    sets = class_sets([*fish, *DOGS, "Treeing Walker Coonhound", *INSECTS])
    assert sets["fish"] == sorted(fish) and "Treeing Walker Coonhound" in sets["dog"]


def test_few_classes_that_are_left_join_the_largest_set() -> None:
    rest = ["bus", "taxi", "jeep"]
    assert class_sets([*DOGS, *rest]) == {"dog": sorted([*DOGS, *rest])}
    assert class_sets(rest) == {"class": sorted(rest)} and class_sets([]) == {}


def test_too_many_names_are_no_classes() -> None:
    assert class_sets(str(number) for number in range(MAX_CLASSES + 1)) == {}


@pytest.mark.parametrize("style", [AnswerStyle.MULTIPLE_CHOICE, AnswerStyle.YES_NO])
def test_wrong_classes_are_of_the_same_kind(style: AnswerStyle) -> None:
    names = [*INSECTS, *DOGS]
    rows = [(number, QUESTION, name, None) for number, name in enumerate(names * 3)]
    index = DistractorIndex.build(rows, seed=0, rules=AnswerRules(class_sets(names)))
    made = draft(make_sample(QUESTION, "cricket"), style, MakerContext(make_spec("classification"), 0, index))
    assert isinstance(made, Draft)
    assert set(made.options or [made.wrong, made.gold]) <= set(INSECTS)


@pytest.mark.parametrize(
    ("name", "noun"),
    [
        ("ox", "an ox"),
        ("jeans", "jeans"),
        ("broccoli", "broccoli"),
        ("Labrador Retriever", "a Labrador Retriever"),
        ("hourglass", "an hourglass"),
        ("European polecat", "a European polecat"),
        ("crane (machine)", "a crane (machine)"),
        ("red wine", "red wine"),
        ("cricket", "a cricket"),
        ("bighorn sheep", "a bighorn sheep"),
        ("waffle iron", "a waffle iron"),
    ],
)
def test_class_with_its_article(name: str, noun: str) -> None:
    assert class_noun(name) == noun
    assert natural_verdict(QUESTION, name) == f"Does the picture show {noun}?"
