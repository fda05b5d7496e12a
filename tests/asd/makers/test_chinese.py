"""Questions in Chinese get instructions in Chinese, or keep their native style."""

from __future__ import annotations

import pytest
from maker_samples import make_context, make_sample, make_spec, with_options

from asd.makers.chinese import script_language
from asd.makers.drafting import draft
from asd.makers.rendering import RenderContext, render
from asd.records import Decline, Draft
from asd.schemas.styles import AnswerStyle
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


@pytest.mark.parametrize("style", [AnswerStyle.YES_NO, AnswerStyle.BOUNDING_BOX])
def test_styles_with_english_words_of_their_own_are_declined(style: AnswerStyle) -> None:
    sample = make_sample("图中的动物是什么？", "狗", region_names=["狗"], region_boxes=["[0.10,0.20,0.40,0.60]"])
    refused = draft(sample, style, make_context(make_spec()))
    assert isinstance(refused, Decline) and refused.reason == "other_language"


def test_a_task_with_prompts_of_its_own_keeps_them() -> None:
    spec = make_spec(rfps={"multiple_choice": ["Zur Wahl: nur der Buchstabe."]})
    sample = with_options("кот", "пёс", gold="кот", question="Кто это на картинке?")
    made = draft(sample, AnswerStyle.MULTIPLE_CHOICE, make_context(spec))
    assert isinstance(made, Draft)
    assert isinstance(draft(sample, AnswerStyle.SHORT_ANSWER, make_context(spec)), Decline)
