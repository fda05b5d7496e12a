"""Soft accuracy over annotators (VQA challenge; TextVQA, VizWiz, VQA v2).

An answer scores the mean, over the annotators left out one at a time, of min(1, agreeing others / 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asd.errors import ScoreError
from asd.scoring.answer_text import released_form, soft_form
from asd.scoring.rule import Reference

_ANNOTATORS = 10
_AGREEING = 3


def legacy(prediction: str, reference: Reference) -> float:
    """CoIN's and SEFE's TextVQA evaluator. Raises: ScoreError unless there are exactly ten annotators' answers."""
    if len(reference.accepted) != _ANNOTATORS:
        raise ScoreError(
            f"the released soft accuracy needs the answers of {_ANNOTATORS} annotators, got {len(reference.accepted)} "
            f"for the gold answer {reference.gold!r}: name the annotation file with --gold, or use the fixed form"
        )
    return _soft_accuracy(prediction, reference.accepted, released_form)


def fixed(prediction: str, reference: Reference) -> float:
    """The challenge's normaliser and formula where votes are known: ten answers, or repeated ones.

    A list of distinct accepted answers (as shards hold it) carries no votes: each of them then counts in full.
    """
    answers = reference.accepted or (reference.gold,)
    if len(answers) == _ANNOTATORS or len(set(answers)) < len(answers):
        return _soft_accuracy(prediction, answers, soft_form)
    return float(soft_form(prediction) in map(soft_form, reference.right_answers))


def _soft_accuracy(prediction: str, answers: Sequence[str], normalise: Callable[[str], str]) -> float:
    said = normalise(prediction)
    agree = [normalise(answer) == said for answer in answers]
    votes = sum(agree)
    return sum(min(1.0, (votes - same) / _AGREEING) for same in agree) / len(agree)
