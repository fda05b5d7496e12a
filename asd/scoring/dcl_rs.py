"""MLLM-DCL remote sensing and driving, as MCITlib releases their script: the gold answer as a word of the response."""

from __future__ import annotations

from asd.scoring.contains import fixed
from asd.scoring.exact_unless_refused import REFUSED
from asd.scoring.rule import Reference

__all__ = ["fixed", "legacy"]


def legacy(prediction: str, reference: Reference) -> float:
    """Small letters throughout; a gold answer of several words stands anywhere in the response, letter by letter.

    One word loses its full stops and stands, where the response has a blank, after a blank or before a blank, a full stop
    or a comma ("female: yes" does not hold "female"), and else anywhere ("12" holds "1"). A refusal is wrong.
    """
    if REFUSED in prediction:
        return 0.0
    said, gold = prediction.lower(), reference.gold.lower()
    if " " in gold:
        return float(gold in said)
    gold = gold.replace(".", "")
    if " " not in said:
        return float(gold in said)
    return float(any(part in said for part in (f" {gold}", f"{gold} ", f"{gold}.", f"{gold},")))
