"""ROUGE-L of one caption, as the COCO caption evaluation computes it, in Python alone.

Its measures of a whole set (BLEU, METEOR, CIDEr) are those of `asd.scoring.coco_captions`.
"""

from __future__ import annotations

from collections.abc import Sequence

from asd.lazy_regex import regex
from asd.scoring.rule import Reference

_BETA_SQUARED = 1.2**2
_WORD = regex(r"\w+(?:'\w+)?")


def legacy(prediction: str, reference: Reference) -> float:
    """Words are what blanks part, lower case: a closing full stop spoils the last word."""
    return _rouge_l(prediction.lower().split(), [right.lower().split() for right in reference.right_answers])


def fixed(prediction: str, reference: Reference) -> float:
    """Words are runs of letters and digits, lower case."""
    return _rouge_l(caption_words(prediction), [caption_words(right) for right in reference.right_answers])


def caption_words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _rouge_l(said: Sequence[str], rights: Sequence[Sequence[str]]) -> float:
    """F with beta 1.2 of the best precision and the best recall over the references (not of one reference)."""
    common = [_longest_common(said, right) for right in rights]
    precision = max(common) / len(said) if said else 0.0
    recall = max((size / len(right) for size, right in zip(common, rights, strict=True) if right), default=0.0)
    if precision == 0.0 or recall == 0.0:
        return 0.0
    return (1 + _BETA_SQUARED) * precision * recall / (recall + _BETA_SQUARED * precision)


def _longest_common(left: Sequence[str], right: Sequence[str]) -> int:
    row = [0] * (len(right) + 1)
    for word in left:
        diagonal = 0
        for place, other in enumerate(right, start=1):
            diagonal, row[place] = row[place], diagonal + 1 if word == other else max(row[place], row[place - 1])
    return row[-1]
