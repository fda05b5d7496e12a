"""Yes or no (POPE, NLVR2, VSR)."""

from __future__ import annotations

from asd.scoring.rule import Reference
from asd.scoring.verdict import gold_verdict, stated_verdict

_NO_WORDS = frozenset({"No", "no", "not"})


def legacy(prediction: str, reference: Reference) -> float:
    """POPE: "no" where the first sentence has the word No, no or not, "yes" for anything else, a box included."""
    words = prediction.split(".")[0].replace(",", "").split(" ")
    said = "yes" if _NO_WORDS.isdisjoint(words) else "no"
    return float(said == gold_verdict(reference.gold))


def fixed(prediction: str, reference: Reference) -> float:
    """The answer states the gold one of yes and no (see `asd.scoring.verdict`); anything else is wrong."""
    said = stated_verdict(prediction, reference.prompt)
    return float(said is not None and said == gold_verdict(reference.gold))


def gold_problem(reference: Reference) -> str | None:
    """What is wrong with a gold answer that is no yes or no; None for one that is."""
    if gold_verdict(reference.gold) is not None:
        return None
    return f"the gold answer {reference.gold!r} is no yes or no (nor True or False, nor 1 or 0)"
