"""Rows that take one style, column by column: what rendering is given, what it makes, and what is dealt in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from asd.records import Draft, Sample
from asd.schemas.styles import AnswerStyle, Maker


class Rendered(NamedTuple):
    """The columns of a shard row that converting decides."""

    question: str
    """As the source has it (a literal image token included), unless the style turns the question round."""
    options: list[str]
    candidate: str | None
    rfp: str
    prompt: str
    response: str
    gold: str
    template: str


class StyleRows(NamedTuple):
    """Rows that take one style, column by column: what rendering and checks need of samples and of drafts."""

    source_ids: Sequence[str]
    questions: Sequence[str]
    contexts: Sequence[str]
    num_images: Sequence[int]
    accepted: Sequence[list[str]]
    has_reasons: Sequence[bool]
    """Whether the sample brings rationales."""
    makers: Sequence[Maker]
    golds: Sequence[str]
    options: Sequence[list[str]]
    fixed_order: Sequence[bool]
    gold_index: Sequence[int]
    wrong: Sequence[str]
    texts: Sequence[str]
    asked: Sequence[str]
    """Question in place of the sample's, "" for that."""

    @classmethod
    def of(cls, samples: Sequence[Sample], drafts: Sequence[Draft]) -> StyleRows:
        of_samples = [
            (
                sample.source_id,
                sample.question,
                sample.context,
                len(sample.images),
                sample.accepted,
                bool(sample.rationales),
            )
            for sample in samples
        ]
        made = [
            (
                draft.maker,
                draft.gold,
                draft.options,
                draft.fixed_order,
                draft.gold_index,
                draft.wrong,
                draft.text,
                draft.question,
            )
            for draft in drafts
        ]
        return cls(*zip(*of_samples, strict=True), *zip(*made, strict=True))

    def sample(self, place: int) -> Sample:
        """As much of the sample as checks look at."""
        return Sample(
            self.source_ids[place],
            self.questions[place],
            "",
            images=[""] * self.num_images[place],
            context=self.contexts[place],
            accepted=self.accepted[place],
        )

    def draft(self, style: AnswerStyle, place: int) -> Draft:
        return Draft(
            style,
            self.makers[place],
            self.golds[place],
            self.options[place],
            self.fixed_order[place],
            self.gold_index[place],
            self.wrong[place],
            self.texts[place],
            self.asked[place],
        )


class StyleTexts(NamedTuple):
    """What rendering makes of StyleRows, column by column. See `Rendered`."""

    questions: Sequence[str]
    options: Sequence[list[str]]
    candidates: Sequence[str]
    """"" for none."""
    rfps: Sequence[str]
    prompts: Sequence[str]
    responses: Sequence[str]
    golds: Sequence[str]

    def row(self, place: int, template: str) -> Rendered:
        return Rendered(
            self.questions[place],
            self.options[place],
            self.candidates[place] or None,
            self.rfps[place],
            self.prompts[place],
            self.responses[place],
            self.golds[place],
            template,
        )


class Dealt(NamedTuple):
    """What a style makes of its rows once letters and polarity are dealt, column by column."""

    options: Sequence[list[str]]
    """In the order shown."""
    candidates: Sequence[str]
    """The proposed answers; "" for none."""
    letters: Sequence[str]
    golds: Sequence[str]
    """The answers that the responses carry."""
    answers: Sequence[str]
    """The golds as templates are given them ("Yes")."""
