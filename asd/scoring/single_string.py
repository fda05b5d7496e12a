"""CoIN's rule for VizWiz and VQA v2: one gold string instead of ten annotators. Fixed: the soft accuracy."""

from __future__ import annotations

from asd.scoring.rule import Reference
from asd.scoring.vqa_soft import fixed

__all__ = ["fixed", "legacy"]


def legacy(prediction: str, reference: Reference) -> float:
    """Equal to the gold string but for case; a closing full stop or a blank makes it wrong."""
    return float(prediction.upper() == reference.gold.upper())
