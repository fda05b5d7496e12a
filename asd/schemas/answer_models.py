"""What a well-formed answer of each style is, declaratively: for whoever validates shards or a rewriter's replies.

`asd.schemas.answers` reads answers without building a model; a test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from asd.schemas.boxes import Box


class _AnswerSchema(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)


class YesNoAnswer(_AnswerSchema):
    style: Literal["yes_no"] = "yes_no"
    answer: Literal["yes", "no"]


class MultipleChoiceAnswer(_AnswerSchema):
    style: Literal["multiple_choice"] = "multiple_choice"
    answer: str = Field(pattern=r"^[A-Z]$")


class ShortAnswer(_AnswerSchema):
    """One line, without the closing full stop that some sources add."""

    style: Literal["short_answer"] = "short_answer"
    answer: str = Field(pattern=r"^\S(?:.*\S)?$")


class BriefExplanation(_AnswerSchema):
    style: Literal["brief_explanation"] = "brief_explanation"
    answer: str


class DetailedExplanation(_AnswerSchema):
    style: Literal["detailed_explanation"] = "detailed_explanation"
    answer: str


class BoundingBox(_AnswerSchema):
    """Corners x1, y1, x2, y2 with x1 < x2 and y1 < y2, in the source's own scale (0 to 1, 0 to 1000 or
    pixels)."""

    style: Literal["bounding_box"] = "bounding_box"
    answer: Box

    @model_validator(mode="after")
    def validate_corners(self) -> BoundingBox:
        x1, y1, x2, y2 = self.answer
        if not (0 <= x1 < x2 and 0 <= y1 < y2):
            raise ValueError(f"expected 0 <= x1 < x2 and 0 <= y1 < y2, got {list(self.answer)}")
        return self


class FreeForm(_AnswerSchema):
    style: Literal["free_form"] = "free_form"
    answer: str


AnyAnswer = Annotated[
    YesNoAnswer | MultipleChoiceAnswer | ShortAnswer | BriefExplanation | DetailedExplanation | BoundingBox | FreeForm,
    Field(discriminator="style"),
]
ANSWERS: TypeAdapter[AnyAnswer] = TypeAdapter(AnyAnswer)
"""Validates `{"style": ..., "answer": ...}`."""
