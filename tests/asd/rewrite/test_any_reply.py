"""Whatever a sample holds and a model replies: no exception, and every draft that comes out is sound."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.makers.rendering import RenderContext, render
from asd.records import Decline, Sample
from asd.rewrite.content import reply_model
from asd.rewrite.request import CompletionRequest
from asd.rewrite.rewriter import Rewritten
from asd.schemas.reply_models import reply_form
from asd.schemas.styles import AnswerStyle
from asd.styles.checking import check
from asd.styles.table import writing_of
from asd.templating import TemplateSet
from tests.asd.rewrite.rewrite_cases import ScriptedModel, make_rewriter, make_spec

FAMILIES = ["vqa", "science", "statement", "caption", "grounding"]
CONTEXTS = {family: RenderContext.build(make_spec(family), 0, TemplateSet()) for family in FAMILIES}
GOLDS = st.sampled_from(
    ["red", "yes", "12", "a dog", "5 kg", "New York", "[0.10,0.20,0.50,0.80]", "no", "<image>", "{{ x }}"]
)
WORDS = (
    "red blue dog cat the is because 12 13 yes no answer option B New York stands there with its long coat bench river "
    "green behind under seven lamps over water while people walk past and smile at each other near small shop windows"
).split()
LONG = st.tuples(st.permutations(WORDS), st.integers(28, 45)).map(lambda drawn: " ".join(drawn[0][: drawn[1]]) + ".")
PROSE = st.tuples(st.permutations(WORDS), st.integers(8, 30)).map(lambda drawn: " ".join(drawn[0][: drawn[1]]) + ".")
PHRASES = st.sampled_from(
    ["pear", "green", "7", "two cats", "$3", "Boston", "a long coat", "the man in red", "yes", "none"]
)
TEXTS = {family: RenderContext.build(make_spec(family), 0, TemplateSet()) for family in FAMILIES}
GOLDS = st.sampled_from(
    ["red", "yes", "12", "a dog", "5 kg", "New York", "[0.10,0.20,0.50,0.80]", "no", "<image>", "{{ x }}"]
)
WORDS = st.sampled_from(
    "red blue a dog cat the is because 12 13 yes no answer option B New York it stands there with its long coat, .".split()
)
PROSE = st.lists(WORDS, min_size=1, max_size=45).map(lambda words: " ".join(words).capitalize() + ".")
TEXTS = PROSE | PHRASES | GOLDS | st.text(max_size=40)
QUESTIONS = st.sampled_from(["What is it?", "the man in red", "How many are there?", "A dog stands near."]) | TEXTS


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    gold = draw(GOLDS | PHRASES | PROSE | st.text(max_size=15))
    others = draw(st.lists(PHRASES, max_size=3))
    return Sample(
        "s",
        draw(QUESTIONS),
        gold,
        accepted=[gold, *others],
        options=draw(st.sampled_from([[], [], [gold, *others]])),
        context=draw(st.just("") | TEXTS),
        ocr_tokens=draw(st.lists(TEXTS, max_size=2)),
    )


def lead(gold: str, text: str) -> str:
    return f"{gold.capitalize()}, it is {gold} {text}"


USUAL = {
    AnswerStyle.YES_NO: PHRASES,
    AnswerStyle.MULTIPLE_CHOICE: PHRASES,
    AnswerStyle.BRIEF_EXPLANATION: PROSE,
    AnswerStyle.DETAILED_EXPLANATION: LONG,
}


@pytest.mark.parametrize("style", USUAL)
@settings(max_examples=80)
@given(sample=samples(), family=st.sampled_from(FAMILIES), data=st.data())
def test_every_draft_passes_the_checks_of_rows(
    style: AnswerStyle, sample: Sample, family: str, data: st.DataObject
) -> None:
    texts = data.draw(st.lists(USUAL[style] | USUAL[style] | TEXTS, min_size=3, max_size=3, unique=True))
    is_led = not writing_of(style).num_distractors and data.draw(st.booleans())

    def reply(request: CompletionRequest) -> dict[str, Any]:
        names = json.loads(reply_form(reply_model(style, family)))
        return dict(zip(names, [lead(sample.gold, text) if is_led else text for text in texts], strict=False))

    rewriter, ctx = make_rewriter(ScriptedModel(reply), family, attempts=2)
    result = asyncio.run(rewriter.draft(sample, style, ctx))
    assert isinstance(result, Rewritten | Decline)
    if isinstance(result, Rewritten):
        for deal in (0, 1):
            assert check(render(sample, result.draft, deal, CONTEXTS[family]), sample, result.draft) == []


@settings(max_examples=60)
@given(st.text(max_size=60) | st.text(alphabet='{}[]",:distractor123 ', max_size=80))
def test_any_text_is_a_draft_or_a_reason(text: str) -> None:
    rewriter, ctx = make_rewriter(ScriptedModel(text), attempts=1)
    result = asyncio.run(rewriter.draft(Sample("s", "What is it?", "red", accepted=["red"]), AnswerStyle.YES_NO, ctx))
    assert isinstance(result, Decline) and result.reason.startswith("reply_")
