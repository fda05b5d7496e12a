"""The parsers that read an answer of each style back out of a response: `asd.schemas.answers` says what a well-formed one is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from asd.lazy_regex import regex
from asd.schemas.styles import LETTERS

_YES_NO = regex(r"\s*(yes|no|是|否|[yn](?=\s*\.?\s*$))\b(?:\s*[.!,;:。！，].*)?\s*", re.IGNORECASE | re.DOTALL)
_VERDICTS = {"yes": "yes", "no": "no", "y": "yes", "n": "no", "是": "yes", "否": "no"}
_LETTER_ALONE = regex(r"\s*(?:\(([A-Za-z])\)|\[([A-Za-z])\]|([A-Za-z])[.):]?)\s*")
_LETTER_FIRST = regex(r"\s*(?:\(([A-Z])\)|([A-Z])[.):])\s+(\S.*)", re.DOTALL)


def parse_yes_no(response: str) -> str | None:
    """ "yes" or "no" from "Yes", "no.", "Yes, it is.", "y"; None for anything that does not start with one of
    them."""
    if response == "Yes":
        return "yes"
    if response == "No":
        return "no"
    match = _YES_NO.fullmatch(response)
    return _VERDICTS[match[1].lower()] if match else None


def parse_letter(response: str, options: Sequence[str] = ()) -> str | None:
    """The letter from "B", "b", "B.", "(B)", "[B]", "B. text", "(B) text", or an option's text word for word.

    A letter beyond the last option is no answer, and neither is a letter whose text is another option's.
    """
    if len(response) == 1 and response.isascii() and response.isalpha():
        letter, tail = response.upper(), ""
    elif match := _LETTER_ALONE.fullmatch(response):
        letter, tail = next(filter(None, match.groups())).upper(), ""
    elif match := _LETTER_FIRST.fullmatch(response):
        letter, tail = match[1] or match[2], match[3].strip()
    else:
        texts = [_plain(option) for option in options]
        said = _plain(response)
        return LETTERS[texts.index(said)] if texts.count(said) == 1 else None
    if options:
        position = ord(letter) - 65
        if position >= len(options):
            return None
        if tail and _plain(tail) != _plain(options[position]) and _plain(tail) in map(_plain, options):
            return None
    return letter


def parse_phrase(response: str) -> str | None:
    """One line without surrounding white space and without the closing full stop; None for several lines."""
    text = response.strip()
    if "\n" in text:
        return None
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip()
    return text or None


def _plain(text: str) -> str:
    return text.strip().rstrip(".").casefold()
