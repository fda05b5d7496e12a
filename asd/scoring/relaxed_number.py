"""ChartQA's relaxed accuracy: numbers may be off by 5 %, texts must be equal."""

from __future__ import annotations

import math
import re

from asd.lazy_regex import regex
from asd.scoring.answer_text import plain_form
from asd.scoring.rule import Reference
from asd.scoring.written import said_phrase

TOLERANCE = 0.05
_NUMBER = regex(
    r"(?:(?:about|approximately|around|roughly|nearly|almost|approx\.?|it is|[~≈=])\s*)?([-+]?)[$€£¥]?\s*"
    r"(\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|\d*\.?\d+(?:e[-+]?\d+)?)\s*%?"
    r"(?:(?:\s|(?<=\d)(?=[a-z]))(?!e[-+]?\d|(?:and|or|to|thousand|million|billion|trillion|hundred|[kmbt])\b)[a-z]+){0,2}"
)
"""Scale words are no unit: "5 million" is not 5."""


def legacy(prediction: str, reference: Reference) -> float:
    """The usual released form: a percent sign divides by 100, so "45%" and "45" differ; thousands commas are no
    number; a gold of 0 wants equal text."""
    said, gold = _released_number(prediction), _released_number(reference.gold)
    if said is not None and gold:
        return float(abs(said - gold) / abs(gold) <= TOLERANCE)
    return float(prediction.lower() == reference.gold.lower())


def fixed(prediction: str, reference: Reference) -> float:
    """Thousands commas, a currency sign and a percent sign do not count, nor do case, blanks and a full stop."""
    return float(any(_close(prediction, right) for right in reference.right_answers))


def _close(prediction: str, right: str) -> bool:
    said, gold = read_number(prediction), read_number(right)
    if said is None or gold is None:
        return plain_form(said_phrase(prediction)) == plain_form(said_phrase(right)) != ""
    return abs(said - gold) <= TOLERANCE * abs(gold)


def read_number(text: str) -> float | None:
    """The number that a text is ("$1,200.50", "45 %", "about -3.", "12 years"), without its unit; None for anything else."""
    match = _NUMBER.fullmatch(plain_form(said_phrase(text)))
    return float(match[1] + re.sub(r"[, ]", "", match[2])) if match else None


def _released_number(text: str) -> float | None:
    try:
        value = float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
