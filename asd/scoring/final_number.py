"""GSM8K: the number at the end of a worked solution."""

from __future__ import annotations

import re

from asd.scoring.rule import Reference

_MARKED = re.compile(r"#### (\-?[0-9.,]+)")
_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")


def legacy(prediction: str, reference: Reference) -> float:
    """The text after "#### " without commas, equal sign by sign; without the mark, wrong."""
    said, gold = _MARKED.search(prediction), _MARKED.search(reference.gold)
    wanted = gold[1] if gold else reference.gold
    return float(said is not None and said[1].strip().replace(",", "") == wanted.strip().replace(",", ""))


def fixed(prediction: str, reference: Reference) -> float:
    """The last number of the response has the value of the last number of the gold answer."""
    said, gold = _last_number(prediction), _last_number(reference.gold)
    return float(said is not None and said == gold)


def _last_number(text: str) -> float | None:
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None
