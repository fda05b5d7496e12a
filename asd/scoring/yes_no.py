"""Yes or no (POPE, NLVR2, VSR)."""

from __future__ import annotations

from asd.schemas.answers import parse_yes_no
from asd.scoring.rule import Reference

_NO_WORDS = frozenset({"No", "no", "not"})


def legacy(prediction: str, reference: Reference) -> float:
    """POPE: "no" where the first sentence has the word No, no or not, "yes" for anything else, a box included."""
    words = prediction.split(".")[0].replace(",", "").split(" ")
    said = "yes" if _NO_WORDS.isdisjoint(words) else "no"
    return float(said == reference.gold.strip().lower())


def fixed(prediction: str, reference: Reference) -> float:
    """The response starts with yes or no; anything else is wrong."""
    said = parse_yes_no(prediction)
    return float(said is not None and said == parse_yes_no(reference.gold))
