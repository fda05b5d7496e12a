"""Containment: the gold answer stands somewhere in the response (MLLM-ACL, OCRBench)."""

from __future__ import annotations

import re
from functools import lru_cache

from asd.scoring.answer_text import exact_form
from asd.scoring.exact_unless_refused import REFUSED
from asd.scoring.rule import Reference
from asd.scoring.verdict import is_verdict_word, stated_verdict

_UNIT = r"(?:%|°|(?:cm|mm|km|m|kg|g|mg|ml|ft|px|am|pm)\b)?"


def legacy(prediction: str, reference: Reference) -> float:
    """Letter by letter but for case, so "1" stands in "12" and "no" in "unknown"."""
    return float(REFUSED not in prediction and reference.gold.lower() in prediction.lower())


def fixed(prediction: str, reference: Reference) -> float:
    """Word by word after the VQA challenge's normaliser; a gold yes or no must be what the response states."""
    if is_verdict_word(reference.gold):
        return float(stated_verdict(prediction, reference.prompt) == reference.gold.strip(" .").lower())
    return float(any(holds_words(prediction, right) for right in reference.right_answers))


def holds_words(text: str, phrase: str) -> bool:
    """Whether the words of a phrase stand in a text one after the other, both normalised; the last may be a plural."""
    return words_before(text, phrase) is not None


def words_before(text: str, phrase: str) -> list[str] | None:
    """The words of a text before the first place where it holds a phrase; None where it does not."""
    pattern, form = _pattern(phrase), exact_form(text)
    match = pattern.search(form) if pattern is not None else None
    return form[: match.start()].split() if match else None


@lru_cache(maxsize=1 << 16)
def _pattern(phrase: str) -> re.Pattern[str] | None:
    wanted = exact_form(phrase)
    if not wanted:
        return None
    end = _UNIT if wanted[-1].isdigit() else "(?:e?s)?" if wanted[-1].isalpha() and wanted[-1] != "s" else ""
    return re.compile(rf"(?<![\w\ue000-\ue00f])(?<!\d\.){re.escape(wanted)}{end}(?!\w|[\ue000-\ue00f]|\.\d)")
