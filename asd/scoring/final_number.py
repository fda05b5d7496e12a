"""GSM8K: the number at the end of a worked solution."""

from __future__ import annotations

import re

from asd.lazy_regex import regex
from asd.scoring.rule import Reference
from asd.scoring.written import unwrapped

_MARKED = regex(r"#### (\-?[0-9.,]+)")
_MARK = regex(r"####[ \t]*(.*)")
_STATED = regex(r"\banswer\b[^.\n]{0,40}?(?:\bis\b|[:=])\s*[$€£¥]?\s*(-?[$€£¥]?\d[\d,.]*)", re.IGNORECASE)
_NUMBER = regex(r"(?<![\w.)])-?[$€£¥]?\d[\d,]*(?:\.\d+)?|(?<=[\d)])\d[\d,]*(?:\.\d+)?|\d[\d,]*(?:\.\d+)?")
_THOUSANDS = regex(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def legacy(prediction: str, reference: Reference) -> float:
    """The text after "#### " without commas, equal sign by sign; without the mark, wrong."""
    said, gold = _MARKED.search(prediction), _MARKED.search(reference.gold)
    wanted = gold[1] if gold else reference.gold
    return float(said is not None and said[1].strip().replace(",", "") == wanted.strip().replace(",", ""))


def fixed(prediction: str, reference: Reference) -> float:
    """The number after the mark, else the one that is called the answer, else the last one has the gold one's value."""
    said, gold = final_number(prediction), final_number(reference.gold)
    return float(said is not None and said == gold)


def gold_problem(reference: Reference) -> str | None:
    """What is wrong with a gold answer that holds no number; None for one that does."""
    return (
        None
        if final_number(reference.gold) is not None
        else f"the gold answer {reference.gold[-60:]!r} holds no number"
    )


def final_number(text: str) -> float | None:
    """The value of the number that a worked solution ends in; None where it has none."""
    marked = _MARK.search(text)
    if marked and (match := _NUMBER.search(unwrapped(marked[1]))):
        return _value(match[0])
    said = unwrapped(text)
    if stated := _STATED.findall(said):
        return _value(stated[-1])
    numbers = _NUMBER.findall(said)
    return _value(numbers[-1]) if numbers else None


def _value(number: str) -> float | None:
    """ "1,007" is a thousand and seven, "1,5" one and a half; of a list the last member counts."""
    bare = re.sub(r"[$€£¥]", "", number).rstrip(",.")
    if _THOUSANDS.fullmatch(bare):
        return float(bare.replace(",", ""))
    whole, *parts = bare.split(",")
    if len(parts) == 1 and "." not in bare:
        return float(f"{whole}.{parts[0]}")
    try:
        return float(parts[-1] if parts else bare)
    except ValueError:
        return None
