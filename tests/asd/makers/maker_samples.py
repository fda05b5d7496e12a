"""Small samples and tasks of our own for the converter tests; keyword overrides say what a test is about."""

from __future__ import annotations

from typing import Any

from asd.makers.distractors import DistractorIndex
from asd.makers.drafting import MakerContext
from asd.records import Sample
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker
from asd.schemas.task import TaskSpec

RULES = [Maker.FIELD, Maker.MINED, Maker.RULE]
_FRUIT_NAMES = "apple banana cherry grape lemon mango melon orange peach pear plum quince fig kiwi papaya lychee"
_FRUIT = _FRUIT_NAMES.split()


def make_spec(
    family: str = "vqa",
    native: AnswerStyle = AnswerStyle.FREE_FORM,
    makers: list[Maker] | None = None,
    **changes: Any,
) -> TaskSpec:
    """A task that offers every target style; `native` is free_form so that none is left out."""
    styles = {style: RULES if makers is None else makers for style in TARGET_STYLES if style is not native}
    fields: dict[str, Any] = {
        "name": "toy",
        "title": "Toy",
        "family": family,
        "native_style": native,
        "styles": styles,
        "scorer": "exact_match",
        "licence": "CC0",
        "citation": "none",
    }
    return TaskSpec(**fields | changes)


def make_sample(question: str = "Which fruit is it?", gold: str = "apple", **changes: Any) -> Sample:
    fields: dict[str, Any] = {"source_id": "s1", "accepted": [gold], "images": ["a.jpg"]}
    return Sample(question=question, gold=gold, **fields | changes)


def with_options(*options: str, gold: str, question: str = "What is shown?", **changes: Any) -> Sample:
    return make_sample(question, gold, options=list(options), **changes)


def make_context(spec: TaskSpec | None = None, *, mined: bool = True, seed: int = 0) -> MakerContext:
    index = None
    if mined:
        rows = [(number, "Which fruit is it?", fruit, None) for number, fruit in enumerate(_FRUIT * 3)]
        index = DistractorIndex.build(rows, seed)
    return MakerContext(spec or make_spec(), seed, index)
