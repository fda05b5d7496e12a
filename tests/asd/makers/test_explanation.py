from __future__ import annotations

import pytest
from maker_samples import make_context, make_sample, make_spec, with_options

from asd.makers.drafting import draft
from asd.makers.explanation import UNANSWERABLE_TURNS
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
    sample = make_sample("What fruit is it?", "apple", rationales=["short one", "it is round and has a small stalk"])
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
    sample = with_options("quartz", "glass", gold="quartz", question="Which of these is a mineral?", solution=WORKED)
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


@pytest.mark.parametrize("gold", ["unanswerable", "unsuitable image", "cannot be answered"])
def test_a_share_of_the_unanswerable_is_said_in_a_sentence(gold: str) -> None:
    samples = [make_sample(gold=gold, source_id=f"s{number}") for number in range(400)]
    made = [draft(sample, BRIEF, make_context()) for sample in samples]
    said = [one for one in made if isinstance(one, Draft)]
    assert len(said) == pytest.approx(len(samples) / UNANSWERABLE_TURNS, rel=0.5)
    assert {one for one in made if isinstance(one, Decline)} == {Decline("unanswerable_share", gold)}
    for one in said:
        assert one.maker is Maker.RULE
        assert contains_words(one.text, gold) and one.text.endswith(".") and one.text[0].isupper()


def test_a_misplaced_question_has_no_explanation() -> None:
    gold = "Answering does not require reading text in the image"
    assert draft(make_sample(gold=gold), BRIEF, make_context()) == Decline("no_reading_task", gold)


def test_a_bare_verdict_answers_no_polite_question() -> None:
    sample = make_sample("Can you tell me what this is?", "no")
    for style in (BRIEF, AnswerStyle.YES_NO, AnswerStyle.MULTIPLE_CHOICE):
        made = draft(sample, style, make_context())
        assert isinstance(made, Decline) and made.reason == "no_verdict_question"
    assert isinstance(draft(make_sample("Can you see the sea?", "no"), BRIEF, make_context()), Draft)


def test_rationales_that_speak_of_the_choosing_or_say_nothing_are_passed_over() -> None:
    rationales = [
        "the animal in the field is the cow",
        "this is the only answer that makes sense here",
        "there is answer a visible on the left",
        "it has horns and it eats grass. the farm is near.",
    ]
    made = brief(make_sample("What animal is in the field?", "cow", rationales=rationales))
    assert made.text.endswith("It has horns and it eats grass. The farm is near.")


def test_a_class_can_always_be_said() -> None:
    made = brief(make_sample("Which thing does it show?", "Shih Tzu"), "classification")
    assert made.text == "The picture shows a Shih Tzu."


def test_a_conclusion_leans_on_nothing_before_it() -> None:
    sample = make_sample(
        "Which month is coldest?", "May", solution="Look at the chart.\nThis is why May is the coldest."
    )
    assert draft(sample, BRIEF, make_context(make_spec(makers=[Maker.FIELD]))) == Decline("no_rationale")


def test_number_is_taken_from_the_last_step_alone() -> None:
    steps = "On Monday he sells 5 pastries and on Tuesday 6.\nThe average of his week = 5"
    sample = make_sample("How many pastries does he sell a day?", "5", solution=steps)
    assert draft(sample, BRIEF, make_context(make_spec(makers=[Maker.FIELD]))) == Decline("no_rationale")


def test_statement_verdicts() -> None:
    assert (
        brief(make_sample("The cat is on the mat.", "yes"), "statement").text
        == "Yes, it is true that the cat is on the mat."
    )
    assert brief(make_sample("Bob waves.", "no"), "statement").text == "No, it is not true that Bob waves."


def test_long_statement_is_not_judged_briefly() -> None:
    sample = make_sample("The cat is on " + "the old " * 20 + "mat.", "yes")
    made = draft(sample, BRIEF, make_context(make_spec("statement")))
    assert isinstance(made, Decline) and made.reason == "unparsed_question"


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
    made = detailed(make_sample("Which one is a mineral?", "quartz", solution=WORKED.replace(". ", ".  \n\n")))
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
        "the snow lies deep on the roof of the old house",
        "people wear thick coats and hats on their way to the market",
        "the trees have lost all leaves",
    ]
    made = detailed(make_sample("What season is it?", "winter", rationales=[*reasons, reasons[0]]))
    assert isinstance(made, Draft)
    assert made.text.count("roof") == 1 and made.text.startswith("The snow") and made.text.endswith("winter.")


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
    sample = make_sample("a man", "A man walks.", rationales=["one two three four five", "b b b b b", "c c c c c"])
    assert draft(sample, DETAILED, make_context(make_spec(family))) == Decline("needs_rewriter")


def test_a_solution_that_counts_to_something_else_is_declined() -> None:
    steps = "Ann wants two of them and Bob wants six, so that is eight for both.\nAll told, 8+10 = 18 dogs"
    made = detailed(make_sample("How many hot dogs are needed?", "14", solution=steps))
    assert isinstance(made, Decline) and made.reason == "solution_disagrees"
    said = detailed(make_sample("How many hot dogs are needed?", "18", solution=steps))
    assert isinstance(said, Draft) and said.text.endswith("18 dogs.")


@pytest.mark.parametrize(
    "gold", ["Do balls go farther in the sun?", "See you soon, Janet.", "a rock that lies on the sea floor"]
)
def test_closing_has_one_end_mark(gold: str) -> None:
    steps = "Read what stands in the table and compare it with each of the lines, " * 2 + "then choose."
    made = detailed(make_sample("Which is it?", gold, solution=steps))
    assert isinstance(made, Draft)
    assert made.text.endswith(gold if gold[-1] in ".?" else f"{gold}.") and "?." not in made.text


def test_conclusion_loses_its_lead_in() -> None:
    steps = "Look.\nUse the chart: there are 60 beds in 6 rooms."
    sample = make_sample("How many beds are in 6 rooms?", "60", solution=steps)
    assert brief(sample).text == "There are 60 beds in 6 rooms."


def test_options_are_shown_for_a_word_not_for_letters_in_one() -> None:
    steps = "Add the two prices: they make 7, less than what is there now. " * 2 + "Ann does have enough."
    sample = with_options("yes", "no", gold="yes", question="Does Ann have enough?", solution=steps)
    made = detailed(sample)
    assert isinstance(made, Draft) and made.options == []


@pytest.mark.parametrize(
    ("solution", "text"),
    [
        ("Look at the vase. If you knock over a glass flower vase, it might break.", None),
        ("Look at the vase. A glass flower vase may break.", None),
        ("Suppose the flower vase is of glass.", None),
        ("The flower vase is made of glass. A glass flower vase breaks easily.", "The flower vase is made of glass."),
    ],
)
def test_a_conclusion_states_the_answer(solution: str, text: str | None) -> None:
    question = "Which material is this flower vase made of, frobnicated?"
    sample = with_options("glass", "cotton", gold="glass", question=question, solution=solution)
    made = draft(sample, BRIEF, make_context(make_spec("science")))
    assert (made.text if isinstance(made, Draft) and made.maker is Maker.FIELD else None) == text


@pytest.mark.parametrize(
    ("answer", "lead"),
    [
        ("suitcase", "The answer is a suitcase."),
        ("horse", "The answer is a horse."),
        ("art show", "The answer is an art show."),
        ("tennis", "The answer is tennis."),
        ("utensils", "The answer is utensils."),
        ("Omaha", "The answer is Omaha."),
        ("two", "The answer is two."),
    ],
)
def test_lead_has_an_article_where_it_needs_one(answer: str, lead: str) -> None:
    made = brief(
        make_sample("Given all this, what next?", answer, rationales=["it stands out in the middle of it all"])
    )
    assert made.text == f"{lead} It stands out in the middle of it all."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Where is the picture taken?", "kitchen"),
        ("Why, of all people here, the white jacket?", "chef"),
        ("The rectangular object in the back left is used to do?", "watch tv"),
    ],
)
def test_lead_names_no_thing_where_none_is_asked_for(question: str, answer: str) -> None:
    sample = make_sample(question, answer, rationales=["there are chefs preparing food"])
    assert isinstance(draft(sample, BRIEF, make_context(make_spec("vqa"))), Decline)


@pytest.mark.parametrize("answer", ["flying", "missed", "riding elephant", "to grind", "on table", "curiosity"])
def test_lead_is_no_bare_activity(answer: str) -> None:
    sample = make_sample("Given all this, what next?", answer, rationales=["it stands out in the middle of it all"])
    made = draft(sample, BRIEF, make_context(make_spec("vqa")))
    assert isinstance(made, Decline) and made.reason == "unparsed_question"


def test_first_sentence_of_a_solution_has_to_answer() -> None:
    solution = "The Southern Ocean reaches to 60 South latitude. Some maps show only four of them. Look at the shape."
    sample = with_options(
        "Southern Ocean",
        "Arctic Ocean",
        gold="Southern Ocean",
        question="Which ocean is highlighted?",
        solution=solution,
    )
    assert isinstance(draft(sample, BRIEF, make_context()), Decline)
    told = with_options(
        "Southern Ocean",
        "Arctic Ocean",
        gold="Southern Ocean",
        question="Which ocean is highlighted?",
        solution="The highlighted ocean is the Southern Ocean. Some maps show only four of them.",
    )
    assert brief(told).text == "The highlighted ocean is the Southern Ocean."


def test_a_unit_is_said_once() -> None:
    sample = make_sample(
        "What is the smallest number of broken cookies?",
        "39",
        solution="Look at the first row. The smallest number of broken cookies is 39 broken cookies.",
    )
    assert brief(sample).text == "The smallest number of broken cookies is 39."


@pytest.mark.parametrize(
    ("question", "gold", "full"),
    [
        ("What is wearing a shirt?", "jeans", "The jeans are wearing a shirt."),
        ("Who is wearing the shirt?", "girls", "The girls are wearing a shirt."),
        ("What is the watercraft that floats?", "sailboats", "The watercraft is sailboats."),
    ],
)
def test_full_answer_that_is_put_together_wrongly_is_not_taken(question: str, gold: str, full: str) -> None:
    made = draft(make_sample(question, gold, full_answer=full), BRIEF, make_context(make_spec("vqa")))
    assert isinstance(made, Decline) or made.text != full


def test_full_answer_of_who_wears_what_is_taken() -> None:
    made = brief(make_sample("Who is wearing a hat?", "skier", full_answer="The skier is wearing a hat."))
    assert (made.maker, made.text) == (Maker.FIELD, "The skier is wearing a hat.")
