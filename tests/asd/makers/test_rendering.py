from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maker_samples import make_context, make_sample, make_spec

from asd.errors import UnknownNameError
from asd.makers.drafting import draft
from asd.makers.rendering import RenderContext, render
from asd.records import Draft
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.styles.checking import CHECKS, check
from asd.tasks.registry import rfps_for
from asd.templating import TemplateSet

TEMPLATES = TemplateSet()
CONTEXT = RenderContext.build(make_spec(), 0, TEMPLATES)
CHOICE = Draft(AnswerStyle.MULTIPLE_CHOICE, Maker.FIELD, "apple", options=["apple", "pear", "plum", "fig"])
FREE = Draft(AnswerStyle.YES_NO, Maker.MINED, "apple", wrong="pear")


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_the_gold_option_stands_where_it_was_dealt(size: int) -> None:
    names = [f"o{number}" for number in range(size)]
    made = Draft(AnswerStyle.MULTIPLE_CHOICE, Maker.FIELD, "o0", options=names)
    for position in range(size):
        one = render(make_sample(), made, position, CONTEXT)
        assert one.response == "ABCDE"[position]
        assert one.options[position] == "o0"
        assert [text for text in one.options if text != "o0"] == names[1:]


def test_the_dealt_polarity_decides_which_candidate_is_shown() -> None:
    yes, no = (render(make_sample(), FREE, deal, CONTEXT) for deal in (1, 0))
    assert (yes.response, yes.gold, yes.candidate) == ("Yes", "yes", "apple")
    assert (no.response, no.gold, no.candidate) == ("No", "no", "pear")


def test_fixed_order_and_fixed_polarity_ignore_the_deal() -> None:
    fixed = Draft(
        AnswerStyle.MULTIPLE_CHOICE,
        Maker.FIELD,
        "b",
        options=["a", "b", "none of these"],
        fixed_order=True,
        gold_index=1,
    )
    verdict = Draft(AnswerStyle.YES_NO, Maker.FIELD, "no")
    for deal in range(2):
        assert render(make_sample(), fixed, deal, CONTEXT).response == "B"
        assert render(make_sample(), verdict, deal, CONTEXT)[5:7] == ("No", "no")


def test_columns_of_a_choice() -> None:
    one = render(make_sample("What is it?", context="Hint."), CHOICE, 0, CONTEXT)
    assert sorted(one.options) == ["apple", "fig", "pear", "plum"]
    assert one.options["ABCD".index(one.response)] == one.gold == "apple"
    lines = one.prompt.split("\n")
    assert lines[:3] == ["<image>", "Hint.", "What is it?"] and lines[-1] == one.rfp
    assert lines[3:7] == [f"{letter}. {text}" for letter, text in zip("ABCD", one.options, strict=True)]
    assert one.candidate is None and one.template.startswith("multiple_choice/_default@")


def test_candidate_rfp_is_used_only_with_a_candidate() -> None:
    verdict = Draft(AnswerStyle.YES_NO, Maker.FIELD, "no")
    assert render(make_sample("Which one do you see?"), FREE, 0, CONTEXT).rfp in CONTEXT.rfps["yes_no_candidate"]
    assert render(make_sample(), FREE, 0, CONTEXT).rfp in CONTEXT.rfps["yes_no"]  # part of a natural question
    assert render(make_sample(), verdict, 0, CONTEXT).rfp in CONTEXT.rfps["yes_no"]


def test_paraphrases_are_spread_over_samples_and_fixed_per_sample() -> None:
    rfps = Counter(render(make_sample(source_id=f"s{number}"), CHOICE, 0, CONTEXT).rfp for number in range(500))
    assert set(rfps) == set(CONTEXT.rfps["multiple_choice"])
    assert min(rfps.values()) > 60
    assert render(make_sample(), CHOICE, 0, CONTEXT).rfp == render(make_sample(), CHOICE, 3, CONTEXT).rfp


def test_literal_image_token_in_data_is_inert() -> None:
    sample = make_sample("What does <image> mean?", "a <image> tag", images=["a", "b"], context="<image>")
    made = Draft(AnswerStyle.SHORT_ANSWER, Maker.FIELD, sample.gold)
    one = render(sample, made, 0, CONTEXT)
    assert one.prompt.startswith("<image>\n<image>\n< image >\nWhat does < image > mean?")
    assert one.prompt.count("<image>") == 2 and one.response == "a < image > tag"
    assert one.question == "What does <image> mean?"
    assert check(one, sample, made) == []


def test_no_image_no_token() -> None:
    assert "<image>" not in render(make_sample(images=[]), CHOICE, 0, CONTEXT).prompt


def test_region_question_replaces_the_expression() -> None:
    spec = make_spec("grounding")
    sample = make_sample("left bowl", "[0.1,0.2,0.3,0.4]")
    made = draft(sample, AnswerStyle.BRIEF_EXPLANATION, make_context(spec))
    assert isinstance(made, Draft)
    one = render(sample, made, 0, RenderContext.build(spec, 0, TEMPLATES))
    assert "[0.1,0.2,0.3,0.4]" in one.prompt and "left bowl" not in one.prompt and "left bowl" in one.response
    assert check(one, sample, made) == []


def test_context_for_chosen_styles_only() -> None:
    context = RenderContext.build(make_spec(), 0, TEMPLATES, [AnswerStyle.SHORT_ANSWER])
    assert list(context.templates) == [AnswerStyle.SHORT_ANSWER] and list(context.rfps) == ["short_answer"]
    with pytest.raises(UnknownNameError, match="no template for answer style named 'free_form'"):
        RenderContext.build(make_spec(), 0, TEMPLATES, [AnswerStyle.FREE_FORM])


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40) | st.sampled_from(
    [
        "<image>",
        "{{ gold }}",
        "{% if %}",
        "A. x\nB. y",
        "<im<image>age>",
        "option (B)",
        "Which of these?",
        "yes",
        "No.",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["vqa", "statement", "caption", "science"]),
    st.sampled_from(TARGET_STYLES),
    st.builds(
        make_sample,
        question=TEXT,
        gold=TEXT,
        context=TEXT,
        options=st.lists(TEXT, max_size=5),
        accepted=st.lists(TEXT, max_size=3),
        rationales=st.lists(TEXT, max_size=4),
        full_answer=st.none() | TEXT,
        solution=st.none() | TEXT,
    ),
    st.integers(0, 1),
)
def test_every_draft_passes_every_check(family: str, style: AnswerStyle, sample, deal: int) -> None:  # type: ignore[no-untyped-def]
    spec = make_spec(family)
    made = draft(sample, style, make_context(spec))
    if isinstance(made, Draft):
        one = render(sample, made, deal, RenderContext.build(spec, 0, TEMPLATES))
        assert check(one, sample, made) == []
        assert made.style is style and set(CHECKS) == set(TARGET_STYLES)


def test_a_reason_is_asked_for_only_where_the_source_gives_one() -> None:
    made = Draft(AnswerStyle.BRIEF_EXPLANATION, Maker.FIELD, "apple", text="It is an apple. It hangs on a tree.")
    plain, reasons = CONTEXT.rfps["brief_explanation"], CONTEXT.rfps["brief_explanation_reason"]
    assert not set(plain) & set(reasons)
    sample = make_sample(rationales=["it hangs on a tree"])
    assert render(sample, made, 0, CONTEXT).rfp in reasons
    assert render(make_sample(), made, 0, CONTEXT).rfp in plain
    stated = Draft(AnswerStyle.BRIEF_EXPLANATION, Maker.RULE, "apple", text="It is an apple.")
    assert render(sample, stated, 0, CONTEXT).rfp in plain


@pytest.mark.parametrize(("family", "key"), [("vqa", "brief_explanation_reason"), ("caption", "brief_explanation")])
def test_a_rewritten_brief_explanation_is_asked_for_with_its_reason(family: str, key: str) -> None:
    spec = make_spec(family)
    sample = make_sample(gold="apple")
    made = Draft(AnswerStyle.BRIEF_EXPLANATION, Maker.REWRITER, "apple", text="It is an apple, for it has a stem.")
    context = RenderContext.build(spec, 0, TemplateSet())
    assert render(sample, made, 0, context).rfp in rfps_for(spec, key)
