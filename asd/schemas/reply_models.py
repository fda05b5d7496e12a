"""What a reply must look like: a model per style, and the JSON schema that is sent to the server with a request.

Every string of a schema is bounded by a pattern, which all guided-decoding backends and OpenAI's strict mode take
(`maxLength` they do not all take), and which leaves out quotes, backslashes and control characters, since some
backends let those through raw. The models are more lenient: a server without guided decoding may well use quotes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from asd.schemas.answers import MODELS, AnswerModel, ShortAnswer
from asd.schemas.styles import AnswerStyle

MAX_DISTRACTOR, MAX_BRIEF, MAX_DETAILED = 160, 400, 900
"""Characters: several times what a good reply needs; the bands of the checks are narrower."""
_ANNOTATIONS = ("title", "description")


def bounded(max_chars: int) -> dict[str, Any]:
    """Schema of a one-line string of 1 to `max_chars` characters that starts with no space."""
    rest = rf'[^"\\\x00-\x1f\x7f]{{0,{max_chars - 1}}}'
    return {"type": "string", "pattern": rf'^[^ "\\\x00-\x1f\x7f]{rest}$'}


@dataclass(frozen=True)
class Bounded:
    """Annotates a string field: trimmed, 1 to `max_chars` characters; its schema is that of `bounded`."""

    max_chars: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.str_schema(strip_whitespace=True, min_length=1, max_length=self.max_chars, strict=True)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return bounded(self.max_chars)


DistractorText = Annotated[str, Bounded(MAX_DISTRACTOR)]
BriefStatement = Annotated[str, Bounded(MAX_BRIEF)]
DetailedStatement = Annotated[str, Bounded(MAX_DETAILED)]


class ReplyModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    def answers(self, style: AnswerStyle) -> list[AnswerModel]:
        """The reply's texts as answers: a text in its style, or wrong answers, which are short ones.

        Raises: ValidationError for a text that is none.
        """
        texts = [" ".join(str(text).split()) for text in self.model_dump().values()]
        model = MODELS[style] if MODELS[style].IS_STATED else ShortAnswer
        return [model.model_validate({"answer": text}) for text in texts]


class OneDistractor(ReplyModel):
    wrong: DistractorText


class ThreeDistractors(ReplyModel):
    wrong_1: DistractorText
    wrong_2: DistractorText
    wrong_3: DistractorText


class BriefText(ReplyModel):
    """The key asks for an answer with its reason: told to write an "explanation", small models write about the question."""

    full_answer: BriefStatement


class DetailedText(ReplyModel):
    full_answer: DetailedStatement


class BriefDescription(ReplyModel):
    description: BriefStatement


class DetailedDescription(ReplyModel):
    description: DetailedStatement


class SupportVerdict(ReplyModel):
    """The judge's view of an explanation."""

    supports: Literal["yes", "no"]


@lru_cache(maxsize=32)
def letter_reply(letters: str) -> type[BaseModel]:
    """The judge's own answer to a question with these option letters."""
    choices: Any = Literal[tuple(letters)]
    return create_model("Choice", __base__=ReplyModel, answer=(choices, ...))


def batch_keys(count: int) -> list[str]:
    """Key of each question in a batch: "q1", "q2", ..."""
    return [f"q{number}" for number in range(1, count + 1)]


@lru_cache(maxsize=64)
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The schema to send: all keys required, no others allowed, nothing that depends on pydantic's wording.

    Read-only: all requests share it.
    """
    return _closed(model.model_json_schema())


@lru_cache(maxsize=256)
def batch_schema(model: type[BaseModel], count: int) -> dict[str, Any]:
    """One reply for each of `count` questions. An object with a key per question, not an array: guided decoding then
    gives each of them exactly one. Read-only: all requests share it."""
    keys, schema = batch_keys(count), schema_of(model)
    return {
        "type": "object",
        "properties": {key: copy.deepcopy(schema) for key in keys},
        "required": keys,
        "additionalProperties": False,
    }


def reply_form(model: type[BaseModel], count: int = 1) -> str:
    """The shape of the JSON, to be shown in the prompt."""
    form = "{" + ", ".join(f'"{name}": "..."' for name in model.model_fields) + "}"
    if count == 1:
        return form
    return "{" + ", ".join(f'"{key}": {form}' for key in batch_keys(count)) + "}"


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: {key: value for key, value in part.items() if key not in _ANNOTATIONS}
        for name, part in schema["properties"].items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
