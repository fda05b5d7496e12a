"""Replies read from what servers send: clean JSON, JSON in wrapping, and what is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.rewrite.reply_text import Unparsed, parse_batch, parse_reply, read_object
from asd.schemas.reply_models import OneDistractor

TEXTS = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() != "")
OBJECTS = st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS, max_size=3), min_size=1, max_size=4)


@pytest.mark.parametrize(
    "text",
    [
        '{"wrong": "blue"}',
        '```json\n{"wrong": "blue"}\n```',
        'Sure! Here it is:\n{"wrong": "blue"}\nI hope {this} helps.',
        '{"wrong": "blue",}',
        '<think>maybe {"wrong": "red"}?</think>{"wrong": "blue"}',
        '{"question": "What {is} it?", "wrong": "blue"}',
        '\ufeff {"wrong":"blue"}',
    ],
)
def test_one_meaning_in_many_wrappings(text: str) -> None:
    reply = parse_reply(text, OneDistractor)
    assert isinstance(reply, OneDistractor) and reply.wrong == "blue"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_json"),
        ("blue", "no_json"),
        ('["blue"]', "no_json"),
        ('{"wrong": "bl', "bad_json"),
        ("{'distractor': 'blue'}", "bad_json"),
        ('{"wrong": "red", "wrong": "blue"}', "bad_json"),
        ("{" * 5000, "bad_json"),
        ('{"wrong": null}', "wrong_schema"),
        ('{"answer": "blue"}', "wrong_schema"),
        ('{"wrong": ["blue"]}', "wrong_schema"),
        ('{"wrong": "\\ud800"}', "wrong_schema"),
    ],
)
def test_what_is_no_reply_has_a_reason(text: str, reason: str) -> None:
    found = parse_reply(text, OneDistractor)
    assert isinstance(found, Unparsed) and found.reason == reason


def test_a_batch_loses_only_what_is_wrong() -> None:
    text = '{"q1": {"wrong": "blue"}, "q3": {"wrong": 3}}'
    first, second, third = parse_batch(text, OneDistractor, 3)
    assert isinstance(first, OneDistractor)
    assert isinstance(second, Unparsed) and isinstance(third, Unparsed)
    assert parse_batch("no", OneDistractor, 2) == Unparsed("no_json", "the reply holds no JSON object")


@given(
    OBJECTS, st.sampled_from(["", "```json\n", "Here: ", "<think>{}</think>"]), st.sampled_from(["", "\n```", " Bye."])
)
def test_an_object_survives_its_wrapping(data: dict[str, object], before: str, after: str) -> None:
    assert read_object(before + json.dumps(data) + after) == data


@given(OBJECTS)
def test_spare_commas_are_dropped_and_those_in_strings_stay(data: dict[str, object]) -> None:
    text = json.dumps(data)
    assert read_object(f"{text[:-1]} ,\n}}") == data


@given(st.text(alphabet='{}[]",:\\abc 1\n', max_size=80))
def test_any_text_gives_an_object_or_a_reason(text: str) -> None:
    found = read_object(text)
    assert isinstance(found, dict) or found.reason in ("no_json", "bad_json")
