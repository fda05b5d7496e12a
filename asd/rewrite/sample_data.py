"""A sample as the data block of a prompt: JSON between two marks that nothing inside it can end.

Data sets hold anything: sentences that give orders, template and JSON syntax, the marks themselves, the control tokens
of chat templates. In here all of it is the inside of a JSON string, with angle brackets written as escapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from asd.makers.option_text import as_verdict
from asd.makers.wording import collapse
from asd.records import Sample
from asd.schemas.boxes import parse_box
from asd.schemas.styles import AnswerStyle
from asd.styles.table import writing_of

OPEN_MARK, CLOSE_MARK = "<q>", "</q>"
MAX_QUESTION, MAX_CONTEXT, MAX_NOTE = 4000, 4000, 600
"""Characters. A longer question is declined; longer context is cut, of a longer note beginning and end are told."""
MAX_ACCEPTED, MAX_NOTES, MAX_TOKENS, MAX_TOKEN = 20, 4, 80, 60
_CONTROL_TOKEN = re.compile(r"\[(?=/?[A-Z_])")
"""Such as "[INST]"; JSON's own brackets never stand before a capital letter."""
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override) (?:\w+ ){0,3}(?:above|previous|prior|earlier|instructions?|rules?|prompts?)\b"
    r"|\b(?:system|developer) (?:prompt|message)\b|\bnew (?:instructions?|rules?|task)\b|\byou are now\b"
    r"|\b(?:all|other|every|each) (?:other )?(?:samples?|questions?|answers?|repl(?:y|ies))\b"
    r"|\b(?:reply|respond|answer) (?:only )?(?:with|in)\b|\bq\d+\b|</|<\||\{\{|\{%|\[/?INST",
    re.IGNORECASE,
)
"""Text that reads like orders to a model, or like the syntax of prompts."""


def as_block(data: dict[str, Any]) -> str:
    """The block that stands in the prompt, marks included."""
    text = json.dumps(data, ensure_ascii=False)
    text = text.replace("<", "\\u003c").replace(">", "\\u003e")
    text = _CONTROL_TOKEN.sub(r"\\u005b", text)
    return f"{OPEN_MARK}\n{text}\n{CLOSE_MARK}"


def describe_sample(
    sample: Sample, style: AnswerStyle, family: str, image_size: tuple[int, int] | None = None
) -> dict[str, Any]:
    """What the model is told of a sample, JSON-ready; empty fields are left out."""
    if family == "grounding":
        return _region(sample, image_size)
    is_explained = bool(writing_of(style).band)
    verdict = as_verdict(sample.gold) if is_explained else None
    fields: dict[str, Any] = {
        "context": sample.context.strip()[:MAX_CONTEXT],
        "question": sample.question,
        "options": [collapse(option) for option in sample.options],
        "answer": collapse(sample.gold),
        "also_accepted": also_accepted(sample) if not is_explained or family == "caption" else [],
        "ocr": " ".join(token[:MAX_TOKEN] for token in sample.ocr_tokens[:MAX_TOKENS]),
        "notes": _notes(sample) if is_explained else [],
        "begin_with": f"{verdict.capitalize()}," if verdict else "",
    }
    return {name: value for name, value in fields.items() if value}


def may_sway_others(sample: Sample) -> bool:
    """Whether a sample's text might change what a model says of other samples in the same request."""
    texts = (
        sample.question,
        sample.context,
        sample.gold,
        *sample.ocr_tokens,
        *sample.rationales,
        sample.solution or "",
    )
    return any(map(_ORDERS.search, texts)) or _ORDERS.search(" ".join(sample.ocr_tokens)) is not None


def also_accepted(sample: Sample) -> list[str]:
    """Accepted answers beside the gold one, each once, in source order."""
    gold = collapse(sample.gold)
    others = dict.fromkeys(text for answer in sample.accepted if (text := collapse(answer)) and text != gold)
    return list(others)[:MAX_ACCEPTED]


def _region(sample: Sample, image_size: tuple[int, int] | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"expression": collapse(sample.question)}
    if sample.full_answer:
        fields["notes"] = [collapse(sample.full_answer)[:MAX_NOTE]]
    if image_size is not None:
        fields["box"] = box_shares(sample.gold, image_size)
    return fields


def box_shares(box: str, image_size: Sequence[int]) -> dict[str, float]:
    """Edges of a canonical box (on the padded square) as shares of the image's own width and height.

    Raises: BoxError if `box` is none.
    """
    x1, y1, x2, y2 = parse_box(box)
    width, height = image_size
    side = max(width, height)
    left, top = (side - width) / 2, (side - height) / 2
    edges = {
        "left": (x1 * side - left) / width,
        "top": (y1 * side - top) / height,
        "right": (x2 * side - left) / width,
        "bottom": (y2 * side - top) / height,
    }
    return {name: round(min(max(value, 0.0), 1.0), 2) for name, value in edges.items()}


def _notes(sample: Sample) -> list[str]:
    """What people wrote about the sample: a base for explanations."""
    written = [sample.full_answer or "", *sample.rationales, sample.solution or ""]
    return [_shortened(collapse(text)) for text in written if text.strip()][:MAX_NOTES]


def _shortened(note: str) -> str:
    """The lesson stands at the beginning of a worked solution, its conclusion at the end."""
    if len(note) <= MAX_NOTE:
        return note
    half = MAX_NOTE // 2
    return f"{note[:half].rsplit(' ', 1)[0]} ... {note[-half:].split(' ', 1)[-1]}"
