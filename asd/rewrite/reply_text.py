"""From a reply's text to its model: as JSON, else after the few repairs that cannot change what it says.

Servers without guided decoding wrap JSON into prose and code fences, and leave commas behind. Those are cut off.
Nothing is guessed: a reply that is still no JSON is a failed reply, to be asked for again (libraries that "repair" any
text make up what is missing).
"""

from __future__ import annotations

import json
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from asd.schemas.reply_models import batch_keys

Model = TypeVar("Model", bound=BaseModel)
MAX_REPLY_CHARS = 100_000
_THOUGHT_END = "</think>"


class Unparsed(NamedTuple):
    """Why a text is no reply: `no_json`, `bad_json` or `wrong_schema`. `detail` can be shown to the model."""

    reason: str
    detail: str


def parse_reply(text: str, model: type[Model]) -> Model | Unparsed:
    found = read_object(text)
    return found if isinstance(found, Unparsed) else validate(found, model)


def parse_batch(text: str, model: type[Model], count: int) -> list[Model | Unparsed] | Unparsed:
    """A reply or a reason for each question; one reason where the whole text is no object."""
    found = read_object(text)
    if isinstance(found, Unparsed):
        return found
    return [validate(found.get(key), model) for key in batch_keys(count)]


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
    whole = _loads(text)
    if isinstance(whole, dict):
        return whole
    if "{" not in text:
        return Unparsed("no_json", "the reply holds no JSON object")
    inner = _outer_object(text)
    for candidate in (inner, _without_spare_commas(inner)):
        value = _loads(candidate)
        if isinstance(value, dict):
            return value
    return Unparsed("bad_json", "the reply is not valid JSON")


def _loads(text: str) -> object:
    """None where that is no JSON; raw line breaks within strings are let through, repeated keys are not."""
    try:
        return json.loads(text, strict=False, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError):
        return None


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _outer_object(text: str) -> str:
    """From the first brace to the one that closes it; to the end of the text where none does."""
    start = text.find("{")
    if start < 0:
        return ""
    depth, in_string, escaped = 0, False, False
    for place in range(start, len(text)):
        char = text[place]
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth == 0:
                return text[start : place + 1]
    return text[start:]


def _without_spare_commas(text: str) -> str:
    """Commas before a closing bracket, outside strings, dropped."""
    kept: list[str] = []
    in_string, escaped = False, False
    for char in text:
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in "}]":
            _drop_comma(kept)
        kept.append(char)
    return "".join(kept)


def _drop_comma(kept: list[str]) -> None:
    last = len(kept) - 1
    while last >= 0 and kept[last].isspace():
        last -= 1
    if last >= 0 and kept[last] == ",":
        del kept[last]
