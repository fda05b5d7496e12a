"""GQA: one short gold answer."""

from __future__ import annotations

from asd.scoring.exact_match import fixed
from asd.scoring.rule import Reference

__all__ = ["fixed", "legacy"]


def legacy(prediction: str, reference: Reference) -> float:
    """SEFE: closing full stops off, lower case; then equal to the gold as it stands, so a leading blank is wrong.

    CoIN's own copy of the script takes one leading blank off as well; its models write none.
    """
    return float(prediction.rstrip(".").lower() == reference.gold)
