"""Class names (ImageNet)."""

from __future__ import annotations

import re
from functools import lru_cache

from asd.scoring.rule import Reference

_SENSE_NUMBER = re.compile(r"(?<=[^\W\d_])\d$")
_ARTICLE = re.compile(r"(?:an?|the)\s+(?=\S)")
_NOT_WORD = re.compile(r"[\W_]+")


def legacy(prediction: str, reference: Reference) -> float:
    """CoIN: one contains the other, letter by letter, case counts.

    So nothing at all is right, "dog" is right for "Bernese mountain dog" and wrong for "Whippet", and "teapot" is wrong
    for "Teapot".
    """
    return float(reference.gold in prediction or prediction in reference.gold)


def fixed(prediction: str, reference: Reference) -> float:
    """The whole answer is the label: case, blanks, hyphens, a leading article and closing marks do not count."""
    said = label_form(prediction)
    return float(said != "" and said in map(label_form, reference.right_answers))


@lru_cache(maxsize=1 << 16)
def label_form(text: str) -> str:
    """ "a door mat." -> "doormat"; the number that tells apart classes of one name ("Crane2") is dropped."""
    folded = _ARTICLE.sub("", text.casefold().strip(" .\"'"), count=1)
    return _NOT_WORD.sub("", _SENSE_NUMBER.sub("", folded.strip()))
