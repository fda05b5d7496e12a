"""The letter of an option (ScienceQA, A-OKVQA, ArxivQA)."""

from __future__ import annotations

from asd.lazy_regex import regex
from asd.schemas.styles import LETTERS
from asd.scoring.letter_reading import letter_at, place_of, stated_letter
from asd.scoring.rule import Reference

RELEASED_LETTERS = "ABCDE"
_LONE_SIGN = regex(r"\b(\w)\b")


def legacy(prediction: str, reference: Reference) -> float:
    """CoIN: a bare letter A to E; else "X. ..."; else the first lone letter, digit or underscore, upper-cased."""
    said = released_start(prediction)
    if said is None:
        match = _LONE_SIGN.search(prediction)
        said = match[1].upper() if match else None
    return released_verdict(said, reference)


def fixed(prediction: str, reference: Reference) -> float:
    """The letter, or the option's text, that the answer states (see `asd.scoring.letter_reading`)."""
    said = stated_letter(prediction, reference.options)
    return float(said is not None and said == gold_letter(reference))


def legacy_exact(prediction: str, reference: Reference) -> float:
    """MCITlib, ArxivQA: the gold letter and nothing else, in either case."""
    return float(prediction.upper() == gold_letter(reference))


def released_start(prediction: str) -> str | None:
    """The letter of a response that is nothing else, or that starts with it, a full stop and a blank."""
    if len(prediction) == 1 and prediction in RELEASED_LETTERS:
        return prediction
    if prediction[:1] in RELEASED_LETTERS and prediction[1:3] == ". ":
        return prediction[0]
    return None


def released_verdict(said: str | None, reference: Reference) -> float:
    """1 where the letter is the gold one and not beyond the last option (five where options are unknown)."""
    known = RELEASED_LETTERS[: len(reference.options) or None]
    return float(said is not None and said in known and said == gold_letter(reference))


def gold_letter(reference: Reference) -> str | None:
    """The letter of the option that is the gold answer; the gold itself where it is a letter already."""
    place = place_of(reference.gold, reference.options)
    if place is not None:
        return letter_at(place)
    bare = reference.gold.strip().strip("()[].: ")
    return bare.upper() if len(bare) == 1 and bare.isascii() and bare.isalpha() else None


def gold_problem(reference: Reference) -> str | None:
    """What is wrong with a gold answer that is neither an option nor a letter of one; None for one that is."""
    letter = gold_letter(reference)
    if letter is None:
        known = ", ".join(map(repr, reference.options)) or "none are known"
        return f"the gold answer {reference.gold!r} is neither a letter nor exactly one of the options ({known})"
    if reference.options and letter not in LETTERS[: len(reference.options)]:
        return f"the gold answer {reference.gold!r} is beyond the last of {len(reference.options)} options"
    return None
