"""The parsers that read an answer back out of a response.

`parse_response` is the definition of "the gold answer is recoverable": a converted sample is written only
if the parser of its style gives its gold answer back. `asd.schemas.answer_models` says the same declaratively.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from asd.schemas.boxes import Box, read_answer
from asd.schemas.styles import LETTERS, AnswerStyle

Answer = str | Box

_YES_NO = re.compile(r"\s*(yes|no)\b(?:\s*[.!,;:].*)?\s*", re.IGNORECASE | re.DOTALL)
_LETTER_ALONE = re.compile(r"\s*(?:\(([A-Za-z])\)|\[([A-Za-z])\]|([A-Za-z])[.):]?)\s*")
_LETTER_FIRST = re.compile(r"\s*(?:\(([A-Z])\)|([A-Z])[.):])\s+(\S.*)", re.DOTALL)


def parse_response(style: AnswerStyle, response: str, *, options: Sequence[str] = ()) -> Answer | None:
    """The answer that a response carries, or None where it carries none of this style.

    yes_no: "yes" or "no"; multiple_choice: the letter, one of the first `len(options)` where options are
    given; bounding_box: four numbers; short_answer: the phrase without a closing full stop; others: the text.
    """
    if style is AnswerStyle.MULTIPLE_CHOICE:
        return parse_letter(response, options)
    if style is AnswerStyle.YES_NO:
        return parse_yes_no(response)
    if style is AnswerStyle.BOUNDING_BOX:
        return read_answer(response)
    text = response.strip()
    if style is AnswerStyle.SHORT_ANSWER:
        if "\n" in text:
            return None
        if text.endswith(".") and not text.endswith(".."):
            text = text[:-1].rstrip()
    return text or None


def parse_yes_no(response: str) -> str | None:
    """ "yes" or "no" from "Yes", "no.", "Yes, it is."; None for anything that does not start with one of
    them."""
    if response == "Yes":
        return "yes"
    if response == "No":
        return "no"
    match = _YES_NO.fullmatch(response)
    return match[1].lower() if match else None


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


def _plain(text: str) -> str:
    return text.strip().rstrip(".").casefold()
