"""The spelling of options tells nothing: they are written alike, and what cannot be is no option."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.makers.answer_kinds import answer_kind
from asd.makers.answer_spelling import can_be_spelt_like, case_of, like, spelt_alike

TASK = """
name: spelt
title: Spelt
family: vqa
native_style: short_answer
styles: {multiple_choice: [field, mined], yes_no: [field, mined]}
scorer: exact_match
licence: none
citation: none
layouts:
  - name: rows
    files: "*.jsonl"
    columns: {source_id: id, images: image, question: q, gold: a}
"""


def convert(tmp_path: Path, pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The rows of a version of which all is converted that can be."""
    (tmp_path / "task.yaml").write_text(TASK, encoding="utf-8")
    rows = [{"id": f"r{n}", "image": f"{n}.jpg", "q": q, "a": a} for n, (q, a) in enumerate(pairs)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = asd.convert(task=str(tmp_path / "task.yaml"), source=tmp_path, out=tmp_path / "out", ratio=1.0, workers=1)
    return list(asd.load(made.path))


@pytest.mark.parametrize(
    ("gold", "others", "spelt"),
    [
        ("dog", ["Cat", "POLAR BEAR"], ["cat", "polar bear"]),
        ("DOG", ["cat", "Polar Bear"], ["CAT", "POLAR BEAR"]),
        ("Polar Bear", ["brown bear", "Grizzly bear"], ["Brown Bear", "Grizzly Bear"]),
        ("Polar bear", ["brown bear", "Grizzly Bear"], ["Brown bear", "Grizzly bear"]),
        (
            "Dog",
            ["Polar Bear", "Grizzly bear"],
            ["Polar Bear", "Grizzly bear"],
        ),  # all begin with a capital: as they are
        ("dog.", ["cat", "horse."], ["cat.", "horse."]),
        ("dog", ["cat.", "horse"], ["cat", "horse"]),
        ("noon", ["11 a.m.", "6 p.m."], ["11 a.m.", "6 p.m."]),
        ("5", ["6", "7"], ["6", "7"]),
        ("A man walks.", ["two men in New York sit there."], ["Two men in New York sit there."]),
    ],
)
def test_wrong_answers_are_written_like_the_gold_one(gold: str, others: list[str], spelt: list[str]) -> None:
    assert spelt_alike(gold, others) == spelt


def test_nothing_can_be_written_like_a_name_with_inner_capitals() -> None:
    assert not can_be_spelt_like("samsung", "iPhone")
    assert can_be_spelt_like("iPad", "iPhone")
    assert can_be_spelt_like("iPhone", "samsung")


@pytest.mark.parametrize(
    ("phrase", "gold", "spelt"),
    [("los angeles", "New York", "Los Angeles"), ("Two", "one", "two"), ("no", "YES", "NO"), ("cat", "iPhone", "cat")],
)
def test_a_phrase_in_the_letter_case_of_another(phrase: str, gold: str, spelt: str) -> None:
    assert like(phrase, gold) == spelt


@pytest.mark.parametrize(
    "texts",
    [
        ["5 kg", "5kg", "5 Kg"],
        ["50%", "50 %", "50 percent"],
        ["$5", "5 dollars", "$5.50"],
        ["10:30", "10:30 am", "10:30 AM", "10:30 a.m.", "10 o'clock"],
        ["1/2", "½", "1:2"],
        ["a", "½", "猫", "😀", "é", "+"],
        ["cat", "猫猫", "😀😀", "iPhone"],
        ["3/4/2010", "3-4-2010", "May 4, 2010"],
    ],
)
def test_forms_that_no_change_of_case_makes_one_are_kinds_of_their_own(texts: list[str]) -> None:
    assert len({answer_kind(text) for text in texts}) == len(texts)


def test_numbers_of_one_form_are_of_one_kind() -> None:
    for texts in (
        ["5 kg", "12 kg"],
        ["5%", "70%"],
        ["9:30 am", "11:15 pm"],
        ["$1,500", "$22,000,000"],
        ["May 4, 2010", "June 12, 1999"],
    ):
        assert len({answer_kind(text) for text in texts}) == 1


FORMATS: list[Callable[[int], str]] = [
    lambda n: f"{n} kg",
    lambda n: f"{n}kg",
    lambda n: f"{n} Kg",
    lambda n: f"{n}%",
    lambda n: f"{n} percent",
    lambda n: f"{n % 12 + 1}:{n % 50 + 10}",
    lambda n: f"{n % 12 + 1}:{n % 50 + 10} pm",
    lambda n: f"{n % 12 + 1}:{n % 50 + 10} AM",
    lambda n: f"${n}",
    lambda n: f"{n} dollars",
]
ANIMALS = "cat dog horse cow sheep lion tiger zebra elephant giraffe bear monkey goat pig duck deer rabbit wolf fox camel".split()
LETTER_CASES: list[Callable[[str], str]] = [str.lower, str.upper, str.capitalize, lambda text: f"{text}."]
SIGNS = [*"abcdefghkmprstuvABCDEFGHKMPRSTUV", *"½¼¾⅓⅔⅛", *"猫狗马牛羊鸟鱼", *"😀😂😎😍😡😱"]


def made_rows() -> list[tuple[str, str]]:
    chance = random.Random(3)
    rows = [("How much is it?", chance.choice(FORMATS)(chance.randrange(10, 99))) for _ in range(900)]
    rows += [("Which animal is it?", chance.choice(LETTER_CASES)(chance.choice(ANIMALS))) for _ in range(400)]
    return rows + [("What is printed there?", chance.choice(SIGNS)) for _ in range(400)]


LOOKS: dict[str, Callable[[str], object]] = {
    "digits": lambda text: sum(char.isdigit() for char in text),
    "spaces": lambda text: text.count(" "),
    "case": case_of,
    "punctuation": lambda text: "".join(char for char in text if not char.isalnum() and char != " "),
    "shape": lambda text: re.sub(r"[a-z]+", "a", re.sub(r"[A-Z]+", "A", re.sub(r"\d+", "0", text))),
}


def test_a_rule_that_sees_only_the_spelling_finds_the_gold_answer_no_better_than_chance(tmp_path: Path) -> None:
    """Options of a row may differ in the number of their digits and no more; then neither the most common nor the rarest look
    is the gold one's. Bound: four standard deviations."""
    chosen = [row for row in convert(tmp_path, made_rows()) if row["style"] == "multiple_choice"]
    assert len(chosen) > 500
    for name, look in LOOKS.items():
        for pick in (max, min):
            hits = 0.0
            for row in chosen:
                looks = [look(option) for option in row["options"]]
                counts = Counter(looks)
                wanted = pick(counts.values())
                best = [place for place, seen in enumerate(looks) if counts[seen] == wanted]
                hits += ("ABCD".index(row["response"]) in best) / len(best)
            assert abs(hits / len(chosen) - 0.25) < 4 * (0.25 * 0.75 / len(chosen)) ** 0.5, (name, pick)
    for row in chosen:
        forms = {re.sub(r"(?<=\d )[ap](?=m)", "x", re.sub(r"\d+", "0", option)) for option in row["options"]}
        assert len({case_of(option) for option in row["options"]}) == 1, row["options"]
        assert row["question"] != "How much is it?" or len({re.sub("[AP]M", "XM", form) for form in forms}) == 1, row[
            "options"
        ]
    golds = {row["source_id"]: row["gold"] for row in chosen}
    assert all(
        golds[row["source_id"]] in row["options"] for row in chosen
    )  # the gold answer's own text is never changed


@pytest.mark.parametrize(
    ("gold", "shown"),
    [
        ("Y", ["N", "Y"]),
        ("n", ["n", "y"]),
        ("NO", ["NO", "YES"]),
        ("No.", ["No.", "Yes."]),
        ("yes!", ["no!", "yes!"]),
    ],
)
def test_yes_and_no_are_options_in_one_spelling(tmp_path: Path, gold: str, shown: list[str]) -> None:
    rows = convert(tmp_path, [(f"Is it red over there, at tree {n}?", gold) for n in range(4)])
    options = [sorted(row["options"]) for row in rows if row["style"] == "multiple_choice"]
    assert options
    assert all(seen == shown for seen in options)


def test_an_odd_spelling_of_no_is_no_option_and_a_letter_elsewhere_no_verdict(tmp_path: Path) -> None:
    rows = convert(tmp_path, [("Is it red?", "nO"), ("Is it red, too?", "yES"), ("What letter is on the sign?", "Y")])
    assert [row["style"] for row in rows] == ["yes_no", "yes_no", "short_answer"]
    assert [row["response"] for row in rows] == ["No", "Yes", "Y"]


def test_a_small_number_is_no_animal(tmp_path: Path) -> None:
    pairs = [("What animal is there?", answer) for answer in [*ANIMALS, "1", "2", "3", "1", "2"]]
    rows = convert(tmp_path, pairs)
    assert {row["style"] for row in rows if row["gold"].isdigit()} == {"short_answer"}
    assert not any(option.isdigit() for row in rows for option in row["options"])
