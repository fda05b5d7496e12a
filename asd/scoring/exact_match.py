"""Equal to a right answer (UCIT's rule; IconQA, CLEVR-Math, TabMWP, PathVQA)."""

from __future__ import annotations

from asd.scoring.answer_text import challenge_form, plain_form
from asd.scoring.rule import Reference


def legacy(prediction: str, reference: Reference) -> float:
    """Equal to the gold but for case."""
    return float(prediction.lower() == reference.gold.lower())


def fixed(prediction: str, reference: Reference) -> float:
    """Equal to any right answer after the VQA challenge's normaliser; texts of marks alone are compared as such."""
    said = _form(prediction)
    return float(said != "" and said in map(_form, reference.right_answers))


def _form(text: str) -> str:
    return challenge_form(text) or plain_form(text)
