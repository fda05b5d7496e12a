"""GQA: one short gold answer."""

from __future__ import annotations

from asd.scoring.exact_match import fixed
from asd.scoring.rule import Reference

__all__ = ["fixed", "legacy"]


def legacy(prediction: str, reference: Reference) -> float:
    """CoIN: closing full stops and one leading blank off, lower case; then equal to the gold as it stands."""
    said = prediction.rstrip(".").lower()
    return float(said.removeprefix(" ") == reference.gold)
