"""Schemas of replies: pinned, closed, bounded; the models hold what the schema allows and refuse what it does not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from asd.schemas.reply_models import (
    OneDistractor,
    SupportVerdict,
    ThreeDistractors,
    batch_schema,
    bounded,
    letter_reply,
    reply_form,
    schema_of,
)
from asd.schemas.styles import WRITTEN_STYLES
from asd.styles.table import STYLES, writing_of

REPLIES = {style: writing_of(style).reply for style in WRITTEN_STYLES}
DESCRIPTIONS = {style: model for style in WRITTEN_STYLES if (model := writing_of(style).description)}
MODELS = [*REPLIES.values(), *DESCRIPTIONS.values(), SupportVerdict, letter_reply("ABCD")]


def strings(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, dict):
        own = [schema] if schema.get("type") == "string" else []
        return own + [found for value in schema.values() for found in strings(value)]
    return []


def test_every_written_style_has_a_reply() -> None:
    """The styles are named apart from the models, so that nobody builds models to know them."""
    assert {style for style in STYLES if STYLES[style].written} == set(WRITTEN_STYLES)


def test_the_schema_of_one_distractor_is_pinned() -> None:
    """It is part of every request's key: a change makes all cached replies of the style useless."""
    assert json.dumps(schema_of(OneDistractor), sort_keys=True) == (
        '{"additionalProperties": false, "properties": {"wrong": {"pattern": '
        '"^[^ \\"\\\\\\\\\\\\x00-\\\\x1f\\\\x7f][^\\"\\\\\\\\\\\\x00-\\\\x1f\\\\x7f]{0,159}$", "type": "string"}}, '
        '"required": ["wrong"], "type": "object"}'
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_schema_is_closed_and_every_string_is_bounded(model: type[BaseModel]) -> None:
    for schema in (schema_of(model), *batch_schema(model, 3)["properties"].values()):
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"]) != []
        assert not {"title", "description", "$defs", "default"} & schema.keys()
        assert all("pattern" in part or "enum" in part for part in strings(schema)) and strings(schema)


def test_a_batch_has_one_reply_for_each_question() -> None:
    schema = batch_schema(OneDistractor, 3)
    assert schema["required"] == ["q1", "q2", "q3"] and schema["additionalProperties"] is False
    assert reply_form(OneDistractor, 2) == '{"q1": {"wrong": "..."}, "q2": {"wrong": "..."}}'


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("blue", True),
        ("a car's door, 3 m wide – très joli", True),
        ("x" * 160, True),
        ("x" * 161, False),
        ("", False),
        (" blue", False),
        ('say "blue"', False),
        ("a\\b", False),
        ("a\nb", False),
        ("a\x7f", False),
    ],
)
def test_the_pattern_of_a_bounded_string(text: str, fits: bool) -> None:
    assert bool(re.fullmatch(bounded(160)["pattern"][1:-1], text)) is fits


def test_models_trim_and_bound_but_let_quotes_through() -> None:
    assert OneDistractor.model_validate({"wrong": ' "blue" ', "why": "extra"}).wrong == '"blue"'
    for wrong in ({"wrong": "   "}, {"wrong": "x" * 161}, {"wrong": 3}, {}, [], "blue"):
        with pytest.raises(ValidationError):
            OneDistractor.model_validate(wrong)


def test_letters_of_the_judge() -> None:
    assert schema_of(letter_reply("AB"))["properties"]["answer"]["enum"] == ["A", "B"]
    with pytest.raises(ValidationError):
        letter_reply("AB").model_validate({"answer": "C"})


def test_three_distractors_keep_their_order() -> None:
    reply = ThreeDistractors(wrong_1="a", wrong_2="b", wrong_3="c")
    assert list(reply.model_dump().values()) == ["a", "b", "c"]
