"""Containment: the gold answer stands somewhere in the response (MLLM-DCL remote sensing and driving)."""

from __future__ import annotations

from asd.schemas.answers import parse_yes_no
from asd.scoring.answer_text import challenge_form
from asd.scoring.exact_unless_refused import REFUSED
from asd.scoring.rule import Reference


def legacy(prediction: str, reference: Reference) -> float:
    """Letter by letter but for case, so "1" stands in "12" and "no" in "unknown"."""
    return float(REFUSED not in prediction and reference.gold.lower() in prediction.lower())


def fixed(prediction: str, reference: Reference) -> float:
    """Word by word after the VQA challenge's normaliser; a gold yes or no must be what the response starts with."""
    verdict = parse_yes_no(reference.gold)
    if verdict is not None and len(reference.gold.split()) == 1:
        return float(parse_yes_no(prediction) == verdict)
    return float(any(holds_words(prediction, right) for right in reference.right_answers))


def holds_words(text: str, phrase: str) -> bool:
    """Whether the words of a phrase stand in a text one after the other, both normalised."""
    wanted = challenge_form(phrase)
    return wanted != "" and f" {wanted} " in f" {challenge_form(text)} "
