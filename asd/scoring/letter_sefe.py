"""SEFE's reading of a letter, stricter than CoIN's."""

from __future__ import annotations

from asd.lazy_regex import regex
from asd.scoring.letter import fixed, released_start, released_verdict
from asd.scoring.rule import Reference

__all__ = ["fixed", "legacy"]

_STATED = regex(r"The answer is ([A-Z]).")


def legacy(prediction: str, reference: Reference) -> float:
    """A bare letter A to E; "X. ..."; or one single "The answer is X" with any sign after it, in this very case."""
    said = released_start(prediction)
    if said is None:
        stated = _STATED.findall(prediction)
        said = stated[0] if len(stated) == 1 else None
    return released_verdict(said, reference)
