"""What a well-formed answer of each style is: the models that every row is held against before it is written.

`parse_response` is the definition of "the gold answer is recoverable": a converted sample is written only if the
parser of its style gives its gold answer back. FORMAT.md shows the table that `describe_answers` makes of the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from asd.schemas.answer_parsers import parse_letter, parse_phrase, parse_yes_no
from asd.schemas.boxes import Box, read_answer
from asd.schemas.styles import AnswerStyle, require_all

__all__ = [
    "ANSWERS",
    "MODELS",
    "PROBE",
    "Answer",
    "AnswerModel",
    "describe_answers",
    "is_any_text",
    "parse_letter",
    "parse_response",
    "parse_yes_no",
    "problem_of",
]

Answer = str | Box


class AnswerModel(BaseModel):
    """An answer, as its style's parser reads it out of a response."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)

    style: str
    answer: Any

    EXAMPLES: ClassVar[tuple[str, ...]]
    """Responses of the style, for people and for tests."""
    PROBES: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """What templates of the style are tried with, in place of `PROBE`'s values; a native style has none."""
    IS_STATED: ClassVar[bool] = False
    """Whether the sample's answer stands among other words of the response."""

    @classmethod
    def parse(cls, response: str, options: Sequence[str] = ()) -> Answer | None:
        """The answer that a response carries; None where it carries none of this style."""
        return response.strip() or None


class YesNoAnswer(AnswerModel):
    """`yes` or `no`: the response's first word, or `y` or `n` as all of it; `是` or `否` in Chinese."""

    style: Literal["yes_no"] = "yes_no"
    answer: Literal["yes", "no"]

    EXAMPLES = ("Yes", "No")
    PROBES = (
        {"answer": "Yes"},
        {"answer": "No"},
        {"answer": "Yes", "candidate": "probe coral"},
        {"answer": "No", "candidate": "probe teal"},
    )

    @classmethod
    def parse(cls, response: str, options: Sequence[str] = ()) -> Answer | None:
        return parse_yes_no(response)


class MultipleChoiceAnswer(AnswerModel):
    """The letter of one of the row's options."""

    style: Literal["multiple_choice"] = "multiple_choice"
    answer: str = Field(pattern=r"^[A-Z]$")

    EXAMPLES = ("B",)
    PROBES = ({"options": ("probe amber", "probe teal", "probe coral", "probe ivory"), "letter": "C"},)

    @classmethod
    def parse(cls, response: str, options: Sequence[str] = ()) -> Answer | None:
        return parse_letter(response, options)


class ShortAnswer(AnswerModel):
    """One line, without the closing full stop that some sources add."""

    style: Literal["short_answer"] = "short_answer"
    answer: str = Field(pattern=r"^\S(?:.*\S)?$")

    EXAMPLES = ("light blue",)
    PROBES = ({},)

    @classmethod
    def parse(cls, response: str, options: Sequence[str] = ()) -> Answer | None:
        return parse_phrase(response)


class _Sentences(AnswerModel):
    PROBES = ({"text": "The probe lamp has the hue probe coral."},)
    IS_STATED = True


class BriefExplanation(_Sentences):
    """A short text that states the answer."""

    style: Literal["brief_explanation"] = "brief_explanation"
    answer: str

    EXAMPLES = ("The lamp is light blue.",)


class DetailedExplanation(_Sentences):
    """A longer text that says what the answer follows from, and states it."""

    style: Literal["detailed_explanation"] = "detailed_explanation"
    answer: str

    EXAMPLES = (
        "On the shelf stand two lamps. The left one is switched on, and its shade is light blue, so that is the colour asked "
        "for.",
    )


class BoundingBox(AnswerModel):
    """Corners x1, y1, x2, y2 with 0 <= x1 < x2 and 0 <= y1 < y2: shares of the centre-padded square in what this package
    writes; a model's own answer may be in 0 to 1000 or in pixels."""

    style: Literal["bounding_box"] = "bounding_box"
    answer: Box

    EXAMPLES = ("[0.12,0.30,0.58,0.71]",)
    PROBES = ({"answer": "[0.12,0.30,0.58,0.71]"},)

    @classmethod
    def parse(cls, response: str, options: Sequence[str] = ()) -> Answer | None:
        return read_answer(response)

    @model_validator(mode="after")
    def validate_corners(self) -> BoundingBox:
        x1, y1, x2, y2 = self.answer
        if not (0 <= x1 < x2 and 0 <= y1 < y2):
            raise ValueError(f"expected 0 <= x1 < x2 and 0 <= y1 < y2, got {list(self.answer)}")
        return self


class FreeForm(AnswerModel):
    """Any text."""

    style: Literal["free_form"] = "free_form"
    answer: str

    EXAMPLES = ("Sure! In the picture two lamps stand on a shelf.",)


AnyAnswer = Annotated[
    YesNoAnswer | MultipleChoiceAnswer | ShortAnswer | BriefExplanation | DetailedExplanation | BoundingBox | FreeForm,
    Field(discriminator="style"),
]
ANSWERS: TypeAdapter[AnyAnswer] = TypeAdapter(AnyAnswer)
"""Validates `{"style": ..., "answer": ...}`."""
MODELS: Mapping[AnswerStyle, type[AnswerModel]] = require_all(
    "answer model (asd/schemas/answers.py)",
    {AnswerStyle(model.model_fields["style"].default): model for model in get_args(get_args(AnyAnswer)[0])},
)
"""By style."""
PROBE: Mapping[str, Any] = {
    "question": "Which hue has the probe lamp?",
    "context": "",
    "options": (),
    "candidate": "",
    "rfp": "Probe instruction.",
    "letter": "",
    "answer": "probe coral",
    "text": "",
}
"""A made-up sample; a model's PROBES say what of it is otherwise in its style."""


def parse_response(style: AnswerStyle, response: str, *, options: Sequence[str] = ()) -> Answer | None:
    """The answer that a response carries, or None where it carries none of this style.

    yes_no: "yes" or "no"; multiple_choice: the letter, one of the first `len(options)` where options are
    given; bounding_box: four numbers; short_answer: the phrase without a closing full stop; others: the text.
    """
    return MODELS[style].parse(response, options)


def problem_of(style: AnswerStyle, response: str, options: Sequence[str] = ()) -> str | None:
    """What is wrong with a response of a row, by the model of its style; None where it is well-formed."""
    model = MODELS[style]
    answer = model.parse(response, options)
    if answer is None:
        return f"it carries no {style.value} answer, such as {' or '.join(map(repr, model.EXAMPLES))}"
    try:
        model.model_validate({"answer": answer})
    except ValidationError as error:
        return "; ".join(str(problem["msg"]).removeprefix("Value error, ") for problem in error.errors())
    return None


def is_any_text(style: AnswerStyle) -> bool:
    """Whether any text is well-formed that is more than white space."""
    return MODELS[style].parse.__func__ is AnswerModel.parse.__func__  # type: ignore[attr-defined]


def describe_answers() -> str:
    """The models as the table that FORMAT.md shows."""
    rows = ["| style | `response` | such as |", "| --- | --- | --- |"]
    for style, model in MODELS.items():
        meaning = " ".join((model.__doc__ or "").split())
        examples = ", ".join(f"`{example}`" for example in model.EXAMPLES)
        rows.append(f"| `{style.value}` | {meaning} | {examples} |")
    return "\n".join(rows)
