"""Options that name others, and options that only look so; what becomes of rows that have them."""

from __future__ import annotations

import pytest

from asd.makers.drafting import draft
from asd.makers.keyed import Keyed
from asd.makers.maker_context import MakerContext
from asd.makers.option_references import includes, refers_to_options
from asd.records import Decline, Draft, Sample
from asd.schemas.styles import AnswerStyle
from asd.tasks.registry import load_task

REFERRING = [
    "Both A and B",
    "both a and b",
    "Neither A nor B",
    "Either A or B",
    "All the above",
    "All of the above",
    "all above",
    "All of these",
    "A & B",
    "A, B and C",
    "A, B, and C",
    "A, B, & C",
    "I and II only",
    "Both (A) and (B)",
    "A and C are correct",
    "None of the above",
    "none of the above.",
    "NONE OF THE ABOVE",
    "All of them",
    "None of them",
    "Two of the above",
    "More than one of the above",
    "Both of these",
    "Both of the above",
    "Only A and B",
    "A and B only",
    "A only",
    "I only",
    "II and III only",
    "I, II and III",
    "I, II, and III",
    "i and iii only",
    "(i) and (ii)",
    "(A) and (C)",
    "(a) & (b)",
    "Neither (A) nor (B)",
    "A or B",
    "A/B",
    "a and b",
    "Option A and B",
    "Options A and C",
    "options (a) and (b)",
    "Both options A and B",
    "Both option A and option B",
    "Statements I and II",
    "Statement I only",
    "Both statements are correct",
    "Both are correct",
    "All are true",
    "Neither is correct",
    "None are correct",
    "all options are correct",
    "All options",
    "All choices",
    "none of the options",
    "None of the given options",
    "None of the choices listed",
    "any of the above",
    "Any of these",
    "either of these",
    "Some of the above",
    "both A & B",
    "Both I and II",
    "Neither I nor II",
    "1 and 2 only",
    "Both 1 and 2",
    "Only 1 and 3",
    "All except C",
    "All but B",
    "Same as A",
    "All the options",
    "All of the options above",
    "None of above",
    "all of the following",
    "No correct answer",
    "no correct option",
    "Not given",
    "none apply",
    "all apply",
    "none listed",
    "both B and D",
    "A and B are both correct",
    "Either A or C",
    "A as well as B",
    "A + B",
    "A,B",
    "B and C both",
    "Choice A and B",
    "The first two",
    "The former",
    "both of them",
    "neither of them",
    "neither of these",
    "A, B, C and D",
    "以上都是",
    "以上都不是",
    "以上皆是",
    "A和B",
    "A、B和C",
    "A和B都是",
    "以上全部",
    "都不是",
    "上述都不对",
    "Alle oben genannten",
    "Keine der oben genannten",
    "Sowohl A als auch B",
    "Weder A noch B",
    "A und B",
    "Toutes les réponses ci-dessus",
    "Aucune de ces réponses",
    "A et B",
    "Todas las anteriores",
    "Ninguna de las anteriores",
    "A y B",
    "Tanto A como B",
    "Все вышеперечисленное",
    "Ничего из вышеперечисленного",
    "А и Б",
    "Tutte le precedenti",
    "Todas as anteriores",
    "Nenhuma das anteriores",
    "上記すべて",
    "AとB",
    "いずれでもない",
    "위의 모두",
    "A와 B",
]

STANDING_ALONE = [
    "both",
    "none",
    "a cat and a dog",
    "all day",
    "the top of the hill",
    "B",
    "A",
    "I",
    "vitamin A and D milk",
    "Red and white",
    "Neither hot nor cold",
    "all black",
    "one above the other",
    "10 and 20",
    "2, 3",
    "1 and 2",
    "5/6",
    "Vitamin A",
    "hepatitis A and B virus",
    "The book above the desk",
    "all the way",
    "The above-ground part",
    "below the knee",
    "above",
    "below",
    "other",
    "the other side",
    "None",
    "no answer key on desk",
    "yes",
    "no",
    "either side",
    "one of the players",
    "most of the people",
    "all of the people",
    "some of the water",
    "each of the players",
    "none of the water",
    "No",
    "a",
    "I and you",
    "All Saints",
    "Both cats",
    "both hands",
    "in",
    "x and y axis",
    "the second",
    "First place",
    "Answering",
    "optional",
    "option trading",
    "choice cuts",
    "a/c unit",
    "and",
    "or",
    "A.B. Smith",
    "J. K. Rowling",
    "C major",
    "B flat",
    "vi",
    "IV",
    "mix and match",
    "All in one",
    "Above the sink",
    "Plan B",
    "Type A and type O blood",
    "answer phone",
    "only 1",
    "just 1",
    "some of it",
]


@pytest.mark.parametrize("option", REFERRING)
def test_an_option_that_names_others(option: str) -> None:
    assert refers_to_options(option)
    assert refers_to_options(option.upper()) or option.startswith("위")
    assert refers_to_options(f" {option} ")


@pytest.mark.parametrize("option", STANDING_ALONE)
def test_an_option_that_stands_alone(option: str) -> None:
    assert not refers_to_options(option)


@pytest.mark.parametrize(
    ("gold", "option", "expected"),
    [
        ("red and white", "red", True),
        ("Red and white.", "White", True),
        ("Both", "cat", True),
        ("both cats and dogs", "cats", True),
        ("cat, dog and cow", "Dog", True),
        ("the cat and the dog", "a cat", False),
        ("the cat & the dog", "cat", True),
        ("sandwich", "sand", False),
        ("black", "black and white", False),
        ("a red car", "red", False),
        ("rock and roll", "rocks", False),
    ],
)
def test_what_a_gold_answer_includes(gold: str, option: str, expected: bool) -> None:
    assert includes(gold, option) is expected


OPTIONS = ["The error grows", "The mean falls", "Nothing changes"]


def made(gold: str, style: AnswerStyle, number: int = 0, options: list[str] = OPTIONS) -> Draft | Decline:
    shown = [*options[:2], gold, *options[2:]]
    sample = Sample(
        str(number), "What can be inferred from the plot?", gold, options=shown, answer_index=2, accepted=[gold],
        rationales=[f"The plot shows that {gold} holds for all of its lines."],
    )  # fmt: skip
    drafted = draft(sample, style, MakerContext(load_task("arxivqa"), 0))
    assert not isinstance(drafted, Keyed)
    return drafted


@pytest.mark.parametrize("gold", REFERRING)
def test_an_answer_that_names_others_is_never_stated_without_them(gold: str) -> None:
    for style in (AnswerStyle.SHORT_ANSWER, AnswerStyle.YES_NO, AnswerStyle.BRIEF_EXPLANATION):
        assert made(gold, style) == Decline("refers_to_options", gold)


@pytest.mark.parametrize("gold", ["Both", "The error grows and the mean falls", "the error grows, the mean falls"])
def test_no_option_that_the_gold_answer_includes_is_called_wrong(gold: str) -> None:
    drafts = [made(gold, AnswerStyle.YES_NO, number) for number in range(20)]
    wrong = {one.wrong for one in drafts if isinstance(one, Draft)}
    assert wrong == ({"Nothing changes"} if gold != "Both" else set())


def test_an_option_that_names_others_is_never_proposed() -> None:
    options = ["The error grows", "Both A and C", "All the above"]
    assert {made("The mean falls", AnswerStyle.YES_NO, number, options).wrong for number in range(20)} == {options[0]}  # type: ignore[union-attr]
