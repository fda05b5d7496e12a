"""Letter case that tells nothing: an option written as the gold answer is."""

from __future__ import annotations


def like(phrase: str, gold: str) -> str:
    """The phrase with the letter case of the gold answer, as far as that is all lower, all upper or a capital
    first.
    """
    if gold.islower():
        return phrase.lower()
    if gold.isupper() and len(gold) > 1:
        return phrase.upper()
    return phrase[:1].upper() + phrase[1:] if gold[:1].isupper() else phrase
