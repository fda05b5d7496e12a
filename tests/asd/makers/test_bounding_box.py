"""Boxes are asked for only where one thing in the picture is meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from maker_samples import make_context, make_sample, make_spec

from asd.makers.drafting import draft
from asd.makers.rendering import RenderContext, render
from asd.records import Decline, Draft, Sample
from asd.schemas.boxes import iou, read_box
from asd.schemas.styles import AnswerStyle, Maker
from asd.styles.checking import check
from asd.templating import TemplateSet

BOX = AnswerStyle.BOUNDING_BOX
A, B, C = "[0.10,0.20,0.40,0.60]", "[0.50,0.10,0.90,0.30]", "[0.20,0.70,0.60,0.90]"


def in_picture(
    gold: str = "dog", names: str = "dog,red kite,shoes", boxes: tuple[str, ...] = (A, B, C), **changes: Any
) -> Sample:
    return make_sample("What is it?", gold, region_names=names.split(","), region_boxes=[*boxes], **changes)


def made_of(sample: Sample, family: str = "vqa") -> Draft | Decline:
    """family: "any" for a task that asks for anything that stands alone."""
    spec = make_spec(box_of="any") if family == "any" else make_spec(family)
    return draft(sample, BOX, make_context(spec))


@pytest.mark.parametrize(
    ("gold", "question", "box"),
    [("dog", "the dog", A), ("Red kite", "the red kite", B), ("shoe", "the shoes", C), ("the dog", "the dog", A)],
)
def test_the_object_that_the_answer_names(gold: str, question: str, box: str) -> None:
    assert made_of(in_picture(gold)) == Draft(BOX, Maker.FIELD, box, question=question)


@pytest.mark.parametrize(
    ("sample", "family", "reason"),
    [
        (in_picture("cat"), "vqa", "answer_not_in_regions"),
        (in_picture("dog", "dog,kite,dog"), "vqa", "region_not_alone"),
        (in_picture("dog", "dog,kite,dogs"), "vqa", "region_not_alone"),
        (in_picture("couch", "couch,kite,sofa"), "vqa", "region_not_alone"),
        (in_picture("dog", boxes=("", B, C)), "vqa", "region_without_box"),
        (in_picture("dog", boxes=("[0.10,0.20,0.12,0.60]", B, C)), "vqa", "small_box"),
        (make_sample("What is it?", "dog"), "vqa", "no_regions"),
        (in_picture("A day.", "dog,dog,dogs"), "any", "region_not_alone"),
        (in_picture("stop", "Stop,go,STOP!"), "ocr", "region_not_alone"),
        (in_picture("stop now", "stop,go,now"), "ocr", "answer_not_in_regions"),
        (in_picture('the "x"', "stop,go,now"), "ocr", "no_noun_phrase"),
        (in_picture("stop !", "stop,go,now"), "ocr", "answer_not_in_regions"),
    ],
)
def test_declines(sample: Sample, family: str, reason: str) -> None:
    made = made_of(sample, family)
    assert isinstance(made, Decline) and made.reason == reason


def test_words_that_were_read_one_after_the_other_are_one_text() -> None:
    made = made_of(in_picture("Red kite", "RED,Kite!,shoes", boxes=(A, B, C)), "ocr")
    assert made == Draft(BOX, Maker.FIELD, "[0.10,0.10,0.90,0.60]", question='the text "Red kite"')


def test_a_task_may_ask_for_any_object_by_the_samples_id() -> None:
    made = [
        made_of(in_picture("A day out.", "dog,kite,shoes,shoes", (A, B, C, C), source_id=f"s{n}"), "any")
        for n in range(40)
    ]
    assert {one.question for one in made if isinstance(one, Draft)} == {"the dog", "the kite"}
    assert made[3] == made_of(in_picture("A day out.", "dog,kite,shoes,shoes", (A, B, C, C), source_id="s3"), "any")


def test_one_object_that_stands_alone_among_very_many() -> None:
    names = ["tree"] * 20_000 + ["kite"] + ["tree"] * 20_000
    made = made_of(in_picture("A day out.", ",".join(names), (A,) * 20_000 + (B,) + (C,) * 20_000), "any")
    assert made == Draft(BOX, Maker.FIELD, B, question="the kite")


NAMES = st.sampled_from(["dog", "dogs", "kite", "sofa", "couch", "", "person", "man", "tree"])
UNIT = st.integers(0, 50).map(lambda value: value / 50)


@st.composite
def pictures(draw: st.DrawFn) -> Sample:
    count = draw(st.integers(1, 6))
    boxes = []
    for _ in range(count):
        x1, y1, x2, y2 = (draw(UNIT) for _ in range(4))
        boxes.append(f"[{x1:.2f},{y1:.2f},{x2:.2f},{y2:.2f}]")
    names = [draw(NAMES) for _ in range(count)]
    return make_sample(
        "What is it?", draw(st.sampled_from(["dog", "sofa", "man"])), region_names=names, region_boxes=boxes
    )


@given(pictures(), st.sampled_from(["vqa", "any", "ocr"]))
def test_what_is_made_can_be_scored_and_stands_once(sample: Sample, family: str) -> None:
    made = made_of(sample, family)
    if isinstance(made, Decline):
        return
    box = read_box(made.gold)
    assert box is not None and iou(box, box) == 1.0
    name = made.question.removeprefix("the ").removeprefix("text ").strip('"')
    assert [one.casefold() for one in sample.region_names].count(name.casefold()) == 1
    context = RenderContext.build(make_spec(), 0, TemplateSet())
    rendered = render(sample, made, 0, context)
    assert check(rendered, sample, made) == []
    assert "gold_recoverable" in check(rendered._replace(response="[0.00,0.00,0.01,0.99]"), sample, made)
