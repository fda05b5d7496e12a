"""Reads a model's answer in three ways: is it of the style, is it right as written, is it right if read leniently."""

from __future__ import annotations

from dataclasses import dataclass

from asd.audit.forms import FITS, Form, form_of_answer
from asd.probing.items import ProbeItem
from asd.schemas.answers import parse_letter, parse_yes_no
from asd.schemas.boxes import Box, boxes_inside, iou, read_answer
from asd.schemas.styles import AnswerStyle
from asd.scoring.answer_text import is_same_answer
from asd.scoring.contains import holds_words
from asd.scoring.letter_reading import stated_letter
from asd.scoring.verdict import is_verdict_word, stated_verdict

ENOUGH_OVERLAP = 0.5
"""Intersection over union from which a box is right, as in visual grounding's benchmarks."""


@dataclass(frozen=True, slots=True)
class Reading:
    """follows: the answer has the style that was asked for. right: it follows, and what it says is right.
    right_leniently: what it says is right, in whatever style."""

    follows: bool
    right: bool
    right_leniently: bool


def read(item: ProbeItem) -> Reading:
    """The reading of an item's answer; one that is missing is wrong in every way."""
    answer = (item.answer or "").strip()
    if not answer:
        return Reading(False, False, False)
    form = form_of_answer(answer, item.options)
    follows = _follows(item, answer, form)
    leniently = form is not Form.REFUSAL and _says_right(item, answer)  # "I cannot see it" is no "No"
    exactly = _is_right(item, answer) if item.style in _COMPARED_WHOLE else leniently
    return Reading(follows, follows and exactly, leniently)


def _follows(item: ProbeItem, answer: str, form: Form) -> bool:
    if item.style is AnswerStyle.MULTIPLE_CHOICE:
        is_line = "\n" not in answer  # small models list the options, or take one and then another
        return is_line and form is Form.MULTIPLE_CHOICE and parse_letter(answer, item.options) is not None
    if item.style is AnswerStyle.BOUNDING_BOX:
        return read_answer(answer) is not None
    if item.style is AnswerStyle.FREE_FORM:
        return form not in (Form.YES_NO, Form.MULTIPLE_CHOICE, Form.BOUNDING_BOX)
    if item.style is AnswerStyle.SHORT_ANSWER and any(is_same_answer(answer, right) for right in item.accepted):
        return True
    return form in FITS[Form(item.style.value)]


_COMPARED_WHOLE = (
    AnswerStyle.YES_NO,
    AnswerStyle.MULTIPLE_CHOICE,
    AnswerStyle.SHORT_ANSWER,
    AnswerStyle.BOUNDING_BOX,
)
"""Styles whose answers are the right one and nothing else; the others hold it among other words."""


def _is_right(item: ProbeItem, answer: str) -> bool:
    if item.style is AnswerStyle.YES_NO:
        return parse_yes_no(answer) == parse_yes_no(item.response)
    if item.style is AnswerStyle.MULTIPLE_CHOICE:
        return parse_letter(answer, item.options) == parse_letter(item.response, item.options)
    if item.style is AnswerStyle.BOUNDING_BOX:
        return _overlaps(read_answer(answer), item)
    return any(is_same_answer(answer, right) for right in item.accepted)


def _says_right(item: ProbeItem, answer: str) -> bool:
    if item.style is AnswerStyle.BOUNDING_BOX:
        boxes = boxes_inside(answer)
        return _overlaps(boxes[0] if boxes else read_answer(answer), item)
    if item.style is AnswerStyle.MULTIPLE_CHOICE:
        right = parse_letter(item.response, item.options)
        return right is not None and stated_letter(answer, item.options) == right
    if item.accepted and is_verdict_word(item.accepted[0]):
        return stated_verdict(answer, item.question) == item.accepted[0].strip(" .").lower()
    return any(is_same_answer(answer, right) or holds_words(answer, right) for right in item.accepted)


def _overlaps(box: Box | None, item: ProbeItem) -> bool:
    right = read_answer(item.response)
    return box is not None and right is not None and iou(box, right) >= ENOUGH_OVERLAP
