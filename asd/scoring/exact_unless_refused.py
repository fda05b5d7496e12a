"""OCR-VQA: the answer word for word."""

from __future__ import annotations

from asd.scoring.answer_text import plain_form
from asd.scoring.rule import Reference
from asd.scoring.written import said_phrase

REFUSED = "Unanswerable"


def legacy(prediction: str, reference: Reference) -> float:
    """Equal to the gold but for case; wrong wherever the capitalised word for a refusal stands in the answer."""
    return float(REFUSED not in prediction and prediction.lower() == reference.gold.lower())


def fixed(prediction: str, reference: Reference) -> float:
    """Equal to a right answer but for case, blanks, outer quotes and a closing full stop (titles keep their marks)."""
    said = {plain_form(prediction), plain_form(said_phrase(prediction))} - {""}
    return float(not said.isdisjoint(map(plain_form, reference.right_answers)))
