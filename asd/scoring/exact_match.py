"""Equal to a right answer (UCIT's rule; IconQA, CLEVR-Math, TabMWP, PathVQA)."""

from __future__ import annotations

from asd.scoring.answer_text import is_same_answer
from asd.scoring.rule import Reference


def legacy(prediction: str, reference: Reference) -> float:
    """Equal to the gold but for case."""
    return float(prediction.lower() == reference.gold.lower())


def fixed(prediction: str, reference: Reference) -> float:
    """Equal to any right answer after the VQA challenge's normaliser; signs and decimal commas are part of the answer."""
    return float(any(is_same_answer(prediction, right) for right in reference.right_answers))
