"""From a reply's text to its model: as JSON, else after the few repairs that cannot change what it says.

Servers without guided decoding wrap JSON into prose and code fences, and leave commas behind. Those are cut off.
Nothing is guessed: a reply that is still no JSON is a failed reply, to be asked for again (libraries that "repair" any
text make up what is missing).
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from asd.schemas.reply_models import batch_keys

Model = TypeVar("Model", bound=BaseModel)
MAX_REPLY_CHARS = 100_000
_THOUGHT_END = "</think>"
_SPARE_COMMA = re.compile(r'("(?:[^"\\]++|\\.)*+(?:"|\\?\Z))|,(?=\s*[}\]])', re.DOTALL)
"""A string (to the end, where nothing closes it), or a comma before a closing bracket."""


class Unparsed(NamedTuple):
    """Why a text is no reply: `no_json`, `bad_json` or `wrong_schema`. `detail` can be shown to the model."""

    reason: str
    detail: str


def parse_reply(text: str, model: type[Model]) -> Model | Unparsed:
    value = read_object(text)
    return value if isinstance(value, Unparsed) else validate(value, model)


def parse_batch(text: str, model: type[Model], count: int) -> list[Model | Unparsed] | Unparsed:
    """A reply or a reason for each question; one reason where the whole text is no object."""
    values = read_object(text)
    if isinstance(values, Unparsed):
        return values
    return [validate(values.get(key), model) for key in batch_keys(count)]


def validate(value: object, model: type[Model]) -> Model | Unparsed:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        return Unparsed("wrong_schema", f"{place}: {first['msg']}" if place else first["msg"])


def read_object(text: str) -> dict[str, object] | Unparsed:
    """The JSON object that a reply is or holds."""
    text = text[:MAX_REPLY_CHARS]
    if _THOUGHT_END in text:  # a reasoning model's notes may hold drafts of the object
        text = text.rsplit(_THOUGHT_END, 1)[1]
    start = text.find("{")
    if start < 0:
        return Unparsed("no_json", "the reply holds no JSON object")
    for candidate in (text, _SPARE_COMMA.sub(r"\1", text[start:])):
        with suppress(ValueError, RecursionError):
            value, _ = _READER.raw_decode(candidate, candidate.index("{"))
            return dict(value)
    return Unparsed("bad_json", "the reply is not valid JSON")


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands twice")
    return values


_READER = json.JSONDecoder(strict=False, object_pairs_hook=_no_repeats)
"""Raw line breaks within strings are let through, repeated keys are not."""
