"""The letter of an option (ScienceQA, A-OKVQA, ArxivQA)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from asd.schemas.answers import parse_letter
from asd.schemas.styles import LETTERS
from asd.scoring.answer_text import plain_form
from asd.scoring.rule import Reference

RELEASED_LETTERS = "ABCDE"
_LONE_SIGN = re.compile(r"\b(\w)\b")
_DECLARED = re.compile(r"(?i:\b(?:answer|option|choice)(?:\s+is)?\s*:?\s*)\(?([A-Z])\)?(?![\w'])")


def legacy(prediction: str, reference: Reference) -> float:
    """CoIN: a bare letter A to E; else "X. ..."; else the first lone letter, digit or underscore, upper-cased."""
    said = released_start(prediction)
    if said is None:
        found = _LONE_SIGN.search(prediction)
        said = found[1].upper() if found else None
    return released_verdict(said, reference)


def fixed(prediction: str, reference: Reference) -> float:
    """The letter alone, before a mark, in "the answer is X", or the option's text; never the article "a"."""
    said = _option_word_for_word(prediction, reference) or parse_letter(prediction, reference.options)
    if said is None:
        declared = set(_DECLARED.findall(prediction))
        said = declared.pop() if len(declared) == 1 else None
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
    place = _place_of(reference.gold, reference.options)
    if place is not None:
        return LETTERS[place]
    bare = reference.gold.strip()
    return bare.upper() if len(bare) == 1 and bare.isascii() and bare.isalpha() else None


def _option_word_for_word(text: str, reference: Reference) -> str | None:
    """The letter of the option that a text is, in this very case: options may differ in nothing else."""
    place = _place_of(text, reference.options) if len(text.strip()) > 1 else None
    return None if place is None else LETTERS[place]


def _place_of(text: str, options: Sequence[str]) -> int | None:
    """The one option equal to a text as it stands, else but for outer blanks, else but for case and full stop."""
    for same in (str, str.strip, plain_form):
        places = [place for place, option in enumerate(options) if same(option) == same(text)]
        if places:
            return places[0] if len(places) == 1 else None
    return None
