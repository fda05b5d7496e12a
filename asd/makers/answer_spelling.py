"""Spelling that tells nothing: a wrong answer is written as the gold one is, and what cannot be so written is of another kind.

Two things make a spelling. Its form (script, signs, where digits, blanks and units stand) is part of an answer's kind, so that
only answers of one form stand beside each other. Letter case and a full stop are changed in the wrong ones, but only where
the options of a row differ in them: were they changed towards the gold one elsewhere, too, the most common form would be its.
Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from asd.lazy_regex import regex

_NUMBER = regex(r"\d+")
_GROUPS = regex(r"0(?:,0)+")
_MERIDIEM = regex(r"(?<=[\d ])([ap])(?=\.?m\b)", re.IGNORECASE)
_MONTH = regex(r"[A-Za-z]{3,9}\.?")
MAX_RECASED = 4
"""Words of which each gets the letter case of the gold answer's; of longer texts only the first letter does."""
LOWER, UPPER, CAPITAL, MIXED = "lower", "upper", "capital", "mixed"


def numeric_form(text: str) -> str:
    """What stands around the digits, as written: "0 kg", "0.0%", "$0,0", "0:0 xm"; months are one word."""
    text = _MERIDIEM.sub(lambda match: "X" if match[1].isupper() else "x", text)
    return _GROUPS.sub("0,0", _NUMBER.sub("0", text))


def date_form(text: str) -> str:
    """`numeric_form` in which any word is as good as another of its letter case."""
    return numeric_form(_MONTH.sub(lambda match: case_of(match[0]), text))


def sign_form(text: str) -> str:
    """Of one character that is no plain letter, or of several signs: a script ("CJK"), or a category of Unicode ("No" for a
    fraction, "So" for a picture)."""
    if any(char.isalpha() for char in text):
        return unicodedata.name(text[0], "other").split(" ")[0]
    return "".join(sorted({"Sm" if char == "-" else unicodedata.category(char) for char in text}))


def case_of(text: str) -> str:
    """LOWER, UPPER (two capitals and nothing small), CAPITAL (the first letter is one) or MIXED ("iPhone"); "" without
    letters that have a case."""
    letters = [char for char in text if char.isupper() or char.islower()]
    if not letters:
        return ""
    if text.islower():
        return LOWER
    if text.isupper() and len(letters) > 1:
        return UPPER
    return CAPITAL if letters[0].isupper() else MIXED


def like(phrase: str, gold: str) -> str:
    """The phrase with the letter case of the gold answer, as far as that is all lower, all upper, a capital first, or a
    capital in each word.
    """
    case = case_of(gold)
    if case == LOWER:
        return phrase.lower()
    if case == UPPER:
        return phrase.upper()
    if not gold[:1].isupper():
        return phrase
    return _capitals(phrase) if " " in gold and _is_title(gold) else phrase[:1].upper() + phrase[1:]


def can_be_spelt_like(text: str, gold: str) -> bool:
    """Whether letter case can be made the gold answer's: nothing is written like "iPhone" that is not so already."""
    return case_of(gold) != MIXED or case_of(text) == MIXED


def spelt_alike(gold: str, others: Sequence[str]) -> list[str]:
    """The others in the letter case of the gold answer, and with or without its full stop, where any of them differs in that."""
    changed = list(others)
    if len({case for text in (gold, *others) if (case := case_of(text))}) > 1:
        changed = [_recased(text, gold, others) for text in changed]
    if len({text.endswith(".") for text in (gold, *others)}) > 1 and not any(
        "." in text[:-1] for text in (gold, *others)
    ):
        changed = [text.rstrip(".") + "." * gold.endswith(".") for text in changed]
    return changed


def _recased(text: str, gold: str, others: Sequence[str]) -> str:
    if case_of(gold) != CAPITAL or text.count(" ") >= MAX_RECASED:  # names inside of a sentence keep their capitals
        return like(text, gold)
    is_title = _is_title(gold) if " " in gold else any(" " in other and _is_title(other) for other in others)
    return _capitals(text.lower()) if is_title else text[:1].upper() + text[1:].lower()


def _is_title(text: str) -> bool:
    return all(word[0].isupper() for word in text.split() if word[0].isalpha())


def _capitals(text: str) -> str:
    return " ".join([word[:1].upper() + word[1:] for word in text.split(" ")])
