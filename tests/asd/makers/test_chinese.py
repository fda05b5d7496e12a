"""Questions in Chinese get instructions in Chinese, or keep their native style."""

from __future__ import annotations

import pytest
from maker_samples import make_context, make_sample, make_spec, with_options

from asd.makers.chinese import script_language
from asd.makers.drafting import draft
from asd.makers.rendering import RenderContext, render
from asd.quality.recovery import is_gold_recoverable
from asd.records import Decline, Draft
from asd.schemas.answers import parse_response
from asd.schemas.styles import AnswerStyle
from asd.styles.checking import check
from asd.tasks.registry import rfps_in
from asd.templating import TemplateSet


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("图中的动物是什么?", "zh"),
        ("これは何ですか", "other"),
        ("Что на картинке?", "other"),
        ("What is this café?", ""),
        ("What does 出口 on the sign at the left mean?", ""),
        ("图中的 logo 是哪个品牌？", "zh"),
    ],
)
def test_language_by_script(question: str, language: str) -> None:
    assert script_language(question) == language


def test_instructions_in_chinese_where_there_are_templates() -> None:
    spec = make_spec()
    sample = with_options("猫", "狗", "马", gold="狗", question="图中的动物是什么？")
    made = draft(sample, AnswerStyle.MULTIPLE_CHOICE, make_context(spec))
    assert isinstance(made, Draft)
    row = render(sample, made, 1, RenderContext.build(spec, 0, TemplateSet()))
    assert row.rfp in rfps_in("zh", spec, "multiple_choice") and row.prompt.endswith(row.rfp) and row.response == "B"


@pytest.mark.parametrize(
    ("question", "options", "style", "family"),
    [
        ("图中的动物是什么？", (), AnswerStyle.BOUNDING_BOX, "vqa"),
        ("请描述这张图。", (), AnswerStyle.YES_NO, "caption"),
        ("下列哪种动物在图中？", ("狗", "猫"), AnswerStyle.YES_NO, "vqa"),
    ],
)
def test_rows_that_would_hold_english_words_are_declined(
    question: str, options: tuple[str, ...], style: AnswerStyle, family: str
) -> None:
    sample = make_sample(
        question, "狗", region_names=["狗"], region_boxes=["[0.10,0.20,0.40,0.60]"], options=[*options]
    )
    refused = draft(sample, style, make_context(make_spec(family)))
    assert isinstance(refused, Decline) and refused.reason == "other_language"


@pytest.mark.parametrize(("deal", "shown", "verdict"), [(1, "狗", "是"), (0, "猫", "否")])
def test_a_proposed_answer_in_chinese(deal: int, shown: str, verdict: str) -> None:
    spec = make_spec()
    sample = with_options("猫", "狗", gold="狗", question="图中的动物是什么？")
    made = draft(sample, AnswerStyle.YES_NO, make_context(spec))
    assert isinstance(made, Draft)
    row = render(sample, made, deal, RenderContext.build(spec, 0, TemplateSet()))
    assert row.prompt.endswith(f"图中的动物是什么？\n“{shown}”是正确答案吗？\n{row.rfp}")
    assert row.rfp in rfps_in("zh", spec, "yes_no")
    assert row.response == verdict
    assert parse_response(AnswerStyle.YES_NO, row.response) == ("yes" if deal else "no")
    assert check(row, sample, made) == []
    assert is_gold_recoverable("yes_no", row.response, "狗", [], row.candidate, ["狗"])


@pytest.mark.parametrize(("gold", "response"), [("否", "否"), ("是", "是"), ("no", "否")])
def test_a_verdict_in_chinese(gold: str, response: str) -> None:
    spec = make_spec()
    sample = make_sample("图中有狗吗？", gold)
    made = draft(sample, AnswerStyle.YES_NO, make_context(spec))
    assert isinstance(made, Draft)
    assert render(sample, made, 0, RenderContext.build(spec, 0, TemplateSet())).response == response


def test_both_verdicts_are_options_in_chinese() -> None:
    made = draft(make_sample("图中有狗吗？", "否"), AnswerStyle.MULTIPLE_CHOICE, make_context(make_spec()))
    assert isinstance(made, Draft) and made.options == ["否", "是"]


def test_a_task_with_prompts_of_its_own_keeps_them() -> None:
    spec = make_spec(rfps={"multiple_choice": ["Zur Wahl: nur der Buchstabe."]})
    sample = with_options("кот", "пёс", gold="кот", question="Кто это на картинке?")
    made = draft(sample, AnswerStyle.MULTIPLE_CHOICE, make_context(spec))
    assert isinstance(made, Draft)
    assert isinstance(draft(sample, AnswerStyle.SHORT_ANSWER, make_context(spec)), Decline)
