"""The native style of answers, with the evidence; and what boxes are written in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from asd.schemas.boxes import BoxError, parse_box, read_answer
from asd.schemas.layout import BoxConvention
from asd.schemas.styles import AnswerStyle
from asd.word_count import count_words

_VERDICTS = ({"yes", "no"}, {"true", "false"}, {"0", "1"}, {"y", "n"})
_MOSTLY = 0.95
_SHORT_WORDS, _SENTENCE_WORDS = 5, 40
_OPTIONS = re.compile(r"^\s*\(?A[).:]\s*\S.*^\s*\(?B[).:]\s*\S", re.MULTILINE | re.DOTALL)
_FRAMES = ((640, 480), (800, 600), (1024, 768), (1280, 720), (1600, 900), (1920, 1080), (2560, 1440), (3840, 2160))

MAKERS: dict[AnswerStyle, dict[str, str]] = {
    AnswerStyle.SHORT_ANSWER: {
        "yes_no": "field, mined, rewriter", "multiple_choice": "field, mined, rewriter",
        "brief_explanation": "field, rule, rewriter", "detailed_explanation": "field, rewriter",
    },
    AnswerStyle.MULTIPLE_CHOICE: {
        "yes_no": "field, rewriter", "short_answer": "field, rewriter",
        "brief_explanation": "field, rule, rewriter", "detailed_explanation": "field, rewriter",
    },
    AnswerStyle.YES_NO: {
        "multiple_choice": "field, rewriter", "short_answer": "rewriter",
        "brief_explanation": "field, rule, rewriter", "detailed_explanation": "field, rewriter",
    },
    AnswerStyle.BOUNDING_BOX: {
        "yes_no": "field, mined, rewriter", "multiple_choice": "field, mined, rewriter",
        "brief_explanation": "rewriter", "detailed_explanation": "rewriter",
    },
    AnswerStyle.BRIEF_EXPLANATION: {
        "yes_no": "mined, rewriter", "multiple_choice": "mined, rewriter", "short_answer": "rewriter",
        "detailed_explanation": "rewriter",
    },
    AnswerStyle.DETAILED_EXPLANATION: {
        "yes_no": "mined, rewriter", "multiple_choice": "mined, rewriter", "short_answer": "rewriter",
        "brief_explanation": "rewriter",
    },
    AnswerStyle.FREE_FORM: {
        "yes_no": "rewriter", "multiple_choice": "rewriter", "short_answer": "rewriter", "brief_explanation": "rewriter",
        "detailed_explanation": "rewriter",
    },
}  # fmt: skip
"""Native style -> target style -> makers that can make it, in order of trust."""
SCORERS = {
    AnswerStyle.SHORT_ANSWER: "exact_match", AnswerStyle.MULTIPLE_CHOICE: "letter", AnswerStyle.YES_NO: "yes_no",
    AnswerStyle.BOUNDING_BOX: "iou", AnswerStyle.BRIEF_EXPLANATION: "caption",
    AnswerStyle.DETAILED_EXPLANATION: "judge", AnswerStyle.FREE_FORM: "judge",
}  # fmt: skip


@dataclass(frozen=True)
class NativeStyle:
    style: AnswerStyle
    why: str


def guess_style(answers: Sequence[Any], questions: Sequence[str], options: float, *, is_caption: bool) -> NativeStyle:
    """answers: as the records have them; options: share of the records that have some, in a field or in the prompt."""
    boxes = _share(answers, _is_box)
    if boxes > _MOSTLY:
        return NativeStyle(AnswerStyle.BOUNDING_BOX, f"{boxes:.0%} of the answers are four numbers")
    if options > _MOSTLY:
        return NativeStyle(AnswerStyle.MULTIPLE_CHOICE, f"{options:.0%} of the questions have options")
    texts = [str(answer).strip().rstrip(".!").lower() for answer in answers]
    for verdicts in _VERDICTS:
        if set(texts) == verdicts or (len(set(texts)) == 2 and _share(texts, verdicts.__contains__) == 1.0):
            shares = ", ".join(f"{texts.count(word) / len(texts):.0%} {word!r}" for word in sorted(verdicts))
            return NativeStyle(AnswerStyle.YES_NO, f"the answers are {shares}")
    words = [count_words(text) for text in texts]
    short = _share(words, lambda count: count <= _SHORT_WORDS)
    lengths = f"{short:.0%} of the answers have at most {_SHORT_WORDS} words, the median is {median(words):g}"
    if is_caption:
        return NativeStyle(AnswerStyle.BRIEF_EXPLANATION, f"captions; {lengths}")
    if short >= 0.7:
        return NativeStyle(AnswerStyle.SHORT_ANSWER, lengths)
    if median(words) <= _SENTENCE_WORDS and _share(words, lambda count: count <= 2 * _SENTENCE_WORDS) > _MOSTLY:
        return NativeStyle(AnswerStyle.BRIEF_EXPLANATION, lengths)
    return NativeStyle(AnswerStyle.FREE_FORM, lengths)


def has_options(prompt: str) -> bool:
    """Whether a prompt lists lettered options, a line each."""
    return bool(_OPTIONS.search(prompt))


def _is_box(value: Any) -> bool:
    if isinstance(value, str):
        return read_answer(value) is not None
    return isinstance(value, list) and len(value) == 4 and all(isinstance(number, int | float) for number in value)


def _share(values: Sequence[Any], is_so: Any) -> float:
    return sum(map(bool, map(is_so, values))) / len(values) if values else 0.0


@dataclass(frozen=True)
class Boxes:
    convention: BoxConvention
    why: str
    frame: tuple[int, int] | None = None
    """Size in pixels, guessed from the largest coordinates, where the records have none."""


def guess_boxes(answers: Sequence[Any], *, has_size: bool) -> Boxes:
    """The convention of boxes. has_size: the records have `width` and `height`."""
    boxes = []
    for answer in answers:
        try:
            boxes.append(parse_box(answer))
        except BoxError:
            continue
    largest = max(max(map(abs, box)) for box in boxes)
    corners = _share(boxes, lambda box: box[2] > box[0] and box[3] > box[1])
    order = "xyxy" if corners > 0.99 else "xywh"
    said = f"{corners:.0%} of them end right of and below where they begin, so they are " + (
        "two corners" if order == "xyxy" else "corner, width and height"
    )
    if largest <= 1.5:
        return Boxes("xyxy_unit" if order == "xyxy" else "xywh_unit", f"all numbers are in 0..1; {said}")
    if has_size:
        return Boxes("xyxy_pixels" if order == "xyxy" else "xywh_pixels", f"pixels of a frame of known size; {said}")
    if largest <= 1000:
        why = f"all numbers are in 0..1000 (the largest is {largest:g}): thousandths, IF they are no pixels; {said}"
        return Boxes("xyxy_permille" if order == "xyxy" else "xywh_permille", why)
    right = max(box[0] + box[2] if order == "xywh" else box[2] for box in boxes)
    below = max(box[1] + box[3] if order == "xywh" else box[3] for box in boxes)
    frame = next((size for size in _FRAMES if right <= size[0] * 1.02 and below <= size[1] * 1.02),
                 (int(right) + 1, int(below) + 1))  # fmt: skip
    return Boxes("xyxy_pixels" if order == "xyxy" else "xywh_pixels", f"pixels: they reach to {right:g} x {below:g}; {said}",
                 frame)  # fmt: skip
