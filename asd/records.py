"""The rows that travel through the pipeline, as plain records: no I/O, no Arrow.

A `Sample` is one question in its task's native style, exactly as its source gave it. A `Draft` is the content of one
conversion before letters and polarity are dealt out. A `Decline` says why a sample cannot take a style; a `Reject`
says why a source row is no sample at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from asd.schemas.styles import AnswerStyle, Maker


@dataclass(slots=True)
class Sample:
    """One question of the source. Field meanings are those of `asd.columns.NATIVE_SCHEMA`."""

    source_id: str
    question: str
    gold: str
    split: str = "train"
    images: list[str] = field(default_factory=list)
    context: str = ""
    options: list[str] = field(default_factory=list)
    answer_index: int | None = None
    accepted: list[str] = field(default_factory=list)
    response: str = ""
    rfp: str | None = None
    rationales: list[str] = field(default_factory=list)
    full_answer: str | None = None
    solution: str | None = None
    ocr_tokens: list[str] = field(default_factory=list)
    other_boxes: list[str] = field(default_factory=list)
    answer_type: str | None = None
    group: str = ""
    turn: int = 0
    source_file: str = ""
    source_row: int = 0
    passthrough: str | None = None
    asked: str | None = None
    region_names: list[str] = field(default_factory=list)
    region_boxes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """What a maker made of a sample. Letters and yes/no are dealt out later, so that they balance exactly."""

    style: AnswerStyle
    maker: Maker
    gold: str
    """The answer that the response must carry: an option's text, a label, 'yes' or 'no', a box, a phrase.
    yes_no with a wrong candidate: the right candidate; which of the two is shown is dealt later."""
    options: list[str] = field(default_factory=list)
    """multiple_choice: the gold answer first, then the wrong ones in the order they are shown.
    Other styles: the source's options, only where the question cannot be understood without them."""
    fixed_order: bool = False
    """multiple_choice: options refer to each other ("both of these"), so they stay where the source had them;
    then `options` is in source order and `gold_index` says where the gold one is."""
    gold_index: int = 0
    wrong: str = ""
    """yes_no: the wrong candidate. Empty where the question itself is a yes/no question (gold decides)."""
    text: str = ""
    """explanations: the sentence(s)."""
    question: str = ""
    """Asked in place of the sample's question, where the style turns it round (describe the region in this box)."""


@dataclass(slots=True, frozen=True)
class Decline:
    """A maker's refusal. `reason` is a short stable slug that reports count (`no_rationale`, `unparsed_question`)."""

    reason: str
    detail: str = ""


@dataclass(slots=True, frozen=True)
class Reject:
    """A source row that is not a usable sample. `row` is 0-based within `file` (the line number - 1 for line files)."""

    file: str
    row: int
    source_id: str
    reason: str
    detail: str = ""


def brief(value: object, length: int = 60) -> str:
    """The beginning of a value's text, for messages: also of one that nests deeper than can be written."""
    try:
        return str(value)[:length]
    except (RecursionError, ValueError):  # the text of a number of more than 4,300 digits is refused
        return f"{type(value).__name__} (nested too deeply, or too long, to be shown)"
