from __future__ import annotations

import pytest
from maker_samples import make_context, make_sample, make_spec, with_options

from asd.makers.drafting import draft
from asd.makers.wording import contains_words
from asd.records import Decline, Draft
from asd.schemas.styles import AnswerStyle, Maker

BRIEF, DETAILED = AnswerStyle.BRIEF_EXPLANATION, AnswerStyle.DETAILED_EXPLANATION
WORKED = (
    "A mineral is a solid with a fixed crystal structure. Glass has no such structure, so it fails. "
    "Quartz has one, and it is found in nature. So, quartz is a mineral."
)


def brief(sample, family: str = "vqa", **changes) -> Draft:  # type: ignore[no-untyped-def]
    made = draft(sample, BRIEF, make_context(make_spec(family, **changes)))
    assert isinstance(made, Draft), made
    return made


def detailed(sample) -> Draft | Decline:  # type: ignore[no-untyped-def]
    return draft(sample, DETAILED, make_context())


def test_full_answer_is_taken_where_it_holds_the_answer() -> None:
    made = brief(make_sample("What is red?", "kite", full_answer="the kite is red"))
    assert (made.maker, made.text) == (Maker.FIELD, "The kite is red.")


def test_full_answer_that_loses_the_answer_falls_back_to_the_rule() -> None:
    made = brief(make_sample("What color is the kite?", "red", full_answer="It is reddish."))
    assert made.maker is Maker.RULE and contains_words(made.text, "red")


def test_rationale_follows_the_stated_answer() -> None:
    sample = make_sample(
        "What fruit is it?", "apple", rationales=["short one", "it is round and has a small stalk"]
    )
    made = brief(sample)
    assert made.maker is Maker.FIELD
    assert made.text.endswith("It is round and has a small stalk.") and contains_words(made.text, "apple")


def test_rationale_for_yes_starts_with_the_verdict() -> None:
    made = brief(make_sample("Is it raining?", "yes", rationales=["people are holding open umbrellas"]))
    assert made.text.startswith("Yes") and made.text.endswith("People are holding open umbrellas.")


@pytest.mark.parametrize(
    "bad", ["too short", "this is clearly answer b in the list", "the pear is much too green", "w " * 41]
)
def test_rationale_that_is_short_long_names_letters_or_argues_for_another_option(bad: str) -> None:
    sample = with_options("apple", "pear", gold="apple", question="What fruit is it?", rationales=[bad])
    assert brief(sample).maker is Maker.RULE


def test_conclusion_of_a_solution() -> None:
    sample = with_options(
        "quartz", "glass", gold="quartz", question="Which of these is a mineral?", solution=WORKED
    )
    made = brief(sample, "science")
    assert (made.maker, made.text) == (Maker.FIELD, "Quartz is a mineral.")
    assert made.options == ["quartz", "glass"]


@pytest.mark.parametrize(
    ("gold", "solution"),
    [
        ("quartz", "Look at it. Quartz is not a mineral."),
        ("9", "Put in the numbers.\n= 18 / 2\n= 9"),
        ("quartz", "Only one thing here counts: it is quartz."),
    ],
)
def test_conclusion_that_is_negated_a_formula_or_about_something_else(gold: str, solution: str) -> None:
    sample = make_sample("Frobnicate which mineral, how?", gold, solution=solution)
    assert draft(sample, BRIEF, make_context()).reason == "unparsed_question"  # type: ignore[union-attr]


def test_rule_sentence_and_its_decline() -> None:
    assert brief(make_sample("What color is the bus?", "red")).text == "The bus is red."
    declined = draft(make_sample("Hm?", "red"), BRIEF, make_context())
    assert declined == Decline("unparsed_question", "Hm?")
    field_only = make_context(make_spec(makers=[Maker.FIELD]))
    assert draft(make_sample("What color is the bus?", "red"), BRIEF, field_only) == Decline("no_rationale")


@pytest.mark.parametrize(
    "gold", ["unanswerable", "unsuitable image", "Answering does not require reading text in the image"]
)
def test_unanswerable_is_said_in_a_sentence(gold: str) -> None:
    made = brief(make_sample(gold=gold))
    assert made.maker is Maker.RULE
    assert contains_words(made.text, gold) and made.text.endswith(".") and made.text[0].isupper()


def test_statement_verdicts() -> None:
    assert (
        brief(make_sample("The cat is on the mat.", "yes"), "statement").text
        == "Yes, it is true that the cat is on the mat."
    )
    assert brief(make_sample("Bob waves.", "no"), "statement").text == "No, it is not true that Bob waves."


def test_caption_is_its_own_sentence() -> None:
    assert brief(make_sample("What is shown?", "two dogs run"), "caption").text == "Two dogs run."


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("left bowl", "The region shows the left bowl."),
        ("The red bus.", "The region shows the red bus."),
        ("in the back with a hat", "The region shows the one in the back with a hat."),
        ("a man", "The region shows a man."),
    ],
)
def test_region_description(expression: str, text: str) -> None:
    made = brief(make_sample(expression, "[0.1,0.2,0.3,0.4]"), "grounding")
    assert made.text == text
    assert "[0.1,0.2,0.3,0.4]" in made.question
    assert made.gold == expression.rstrip(".")


def test_region_description_of_a_command_is_declined() -> None:
    for command in ("turn left behind that car", "can we stop here", "that car! stop!", "x " * 30):
        made = draft(make_sample(command, "[0,0,1,1]"), BRIEF, make_context(make_spec("grounding")))
        assert isinstance(made, Decline) and made.reason == "no_noun_phrase"


def test_region_description_by_the_source() -> None:
    sample = make_sample("stop there", "[0,0,1,1]", full_answer="the box holds a parked car")
    assert brief(sample, "grounding").text == "The box holds a parked car."


def test_solution_as_it_is_where_it_ends_with_the_answer() -> None:
    made = detailed(
        make_sample("Which one is a mineral?", "quartz", solution=WORKED.replace(". ", ".  \n\n"))
    )
    assert isinstance(made, Draft)
    assert made.text == WORKED.replace(". ", ".\n")


def test_solution_without_the_answer_gets_a_closing_sentence() -> None:
    solution = "The towers stand north of the river. " * 6
    made = detailed(with_options("Ohio", "Utah", gold="Ohio", solution=solution))
    assert isinstance(made, Draft)
    assert made.text.startswith(solution.strip()) and contains_words(made.text[len(solution) :], "Ohio")


def test_options_are_shown_where_the_solution_speaks_of_them() -> None:
    sample = with_options(
        "Ohio", "Utah", gold="Ohio", solution="The river runs east. " * 6 + "Utah lies west. It is Ohio."
    )
    assert detailed(sample).options == ["Ohio", "Utah"]  # type: ignore[union-attr]


def test_several_rationales_make_a_detailed_explanation() -> None:
    reasons = [
        "the snow lies deep on the roof",
        "people wear thick coats and hats",
        "the trees have lost all leaves",
    ]
    made = detailed(make_sample("What season is it?", "winter", rationales=[*reasons, reasons[0]]))
    assert isinstance(made, Draft)
    assert (
        contains_words(made.text, "winter") and made.text.count("roof") == 1 and made.text.endswith("leaves.")
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"solution": "It is red."}, "short_solution"),
        ({"solution": WORKED + " This matches option (B)."}, "letters_in_solution"),
        ({"solution": "The towers stand north of the river. " * 5 + "So it is Utah."}, "solution_disagrees"),
        ({"rationales": ["the snow lies deep on the roof"]}, "needs_rewriter"),
        ({}, "needs_rewriter"),
    ],
)
def test_detailed_declines(changes: dict[str, object], reason: str) -> None:
    made = detailed(with_options("Ohio", "Utah", gold="Ohio", **changes))
    assert isinstance(made, Decline)
    assert made.reason == reason


@pytest.mark.parametrize("family", ["grounding", "caption"])
def test_detailed_is_never_faked(family: str) -> None:
    sample = make_sample(
        "a man", "A man walks.", rationales=["one two three four five", "b b b b b", "c c c c c"]
    )
    assert draft(sample, DETAILED, make_context(make_spec(family))) == Decline("needs_rewriter")
